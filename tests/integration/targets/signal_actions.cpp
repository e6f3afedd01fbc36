// Sets signal dispositions by every public name and prints what it reads back, and which handlers run. Run with and
// without the shim, the output has to be the same.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

// Names that are deprecated, or that the header gives to another function.
extern "C" {
__sighandler_t bsd_signal(int, __sighandler_t) noexcept;
__sighandler_t sysv_signal(int, __sighandler_t) noexcept;
}
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace {

volatile sig_atomic_t ran;
volatile sig_atomic_t ran_info;
volatile sig_atomic_t nested_most;
volatile sig_atomic_t mask_inside;
volatile sig_atomic_t nested;
bool raise_inside;

void note_mask(int number) {
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, nullptr, &blocked);
    mask_inside =
        sigismember(&blocked, number) * 4 + sigismember(&blocked, SIGUSR2) * 2 + sigismember(&blocked, SIGTERM);
}

void handler(int number) {
    nested = nested + 1;
    nested_most = nested > nested_most ? nested : nested_most;
    ran = ran + 1;
    note_mask(number);
    if (raise_inside && ran < 3) {
        raise(number);
    }
    nested = nested - 1;
}
void other_handler(int) {
    ran = ran + 100;
}
void info_handler(int number, siginfo_t* info, void* context) {
    ran_info = ran_info + 1;
    ran = ran + (info->si_signo == number && context != nullptr && info->si_pid == getpid() ? 1 : 1000);
    note_mask(number);
}

const char* name_of(__sighandler_t disposition) {
    return disposition == SIG_DFL                                                          ? "default"
           : disposition == SIG_IGN                                                        ? "ignore"
           : disposition == SIG_ERR                                                        ? "error"
           : disposition == SIG_HOLD                                                       ? "hold"
           : disposition == handler                                                        ? "handler"
           : disposition == other_handler                                                  ? "other"
           : reinterpret_cast<void*>(disposition) == reinterpret_cast<void*>(info_handler) ? "info"
                                                                                           : "unknown";
}

void print_action(const char* what, int number) {
    struct sigaction action;
    std::memset(&action, 0xa5, sizeof action);
    if (sigaction(number, nullptr, &action) != 0) {
        std::printf("  %s: errno %d\n", what, errno);
        return;
    }
    std::printf("  %s: %s flags %x mask", what, name_of(action.sa_handler), static_cast<unsigned>(action.sa_flags));
    for (int other = 1; other <= 64; ++other) {
        if (sigismember(&action.sa_mask, other) == 1) {
            std::printf(" %d", other);
        }
    }
    std::printf("\n");
}

void raise_and_print(int number) {
    for (volatile sig_atomic_t* count : {&ran, &ran_info, &nested_most, &nested, &mask_inside}) {
        *count = 0;
    }
    errno = 4711;
    raise(number);
    std::printf("    raised: ran %d, with info %d, nested %d, mask inside %d, errno %d\n", static_cast<int>(ran),
                static_cast<int>(ran_info), static_cast<int>(nested_most), static_cast<int>(mask_inside), errno);
}

void by_sigaction(int number) {
    const int flag_sets[] = {0,
                             SA_RESTART,
                             SA_NODEFER,
                             static_cast<int>(SA_RESETHAND),
                             SA_ONSTACK,
                             SA_NOCLDSTOP,
                             SA_RESTART | SA_NODEFER | SA_ONSTACK,
                             static_cast<int>(SA_RESETHAND) | SA_NODEFER};
    for (const int flags : flag_sets) {
        for (int variant = 0; variant < 4; ++variant) {
            struct sigaction action = {};
            action.sa_flags = flags;
            if (variant == 1) {
                action.sa_sigaction = info_handler;
                action.sa_flags |= SA_SIGINFO;
            } else {
                action.sa_handler = handler;
            }
            if (variant >= 2) {
                for (const int masked : {SIGUSR2, SIGURG, SIGWINCH, SIGKILL, SIGSTOP}) {
                    sigaddset(&action.sa_mask, masked);
                }
            }
            if (variant == 3) {
                sigfillset(&action.sa_mask);
            }
            struct sigaction old;
            std::memset(&old, 0xa5, sizeof old);
            const int result = sigaction(number, &action, &old);
            std::printf(" sigaction flags %x variant %d: %d, was %s flags %x\n", static_cast<unsigned>(flags), variant,
                        result, name_of(old.sa_handler), static_cast<unsigned>(old.sa_flags));
            print_action("set", number);
            raise_inside = variant == 0 && (flags & static_cast<int>(SA_RESETHAND)) == 0;
            raise_and_print(number);
            raise_inside = false;
            print_action("after", number);
        }
    }
    struct sigaction constant = {};
    for (const __sighandler_t disposition : {SIG_IGN, SIG_DFL}) {
        constant.sa_handler = disposition;
        constant.sa_flags = SA_RESTART;
        sigaddset(&constant.sa_mask, SIGUSR1);
        std::printf(" constant: %d\n", sigaction(number, &constant, nullptr));
        print_action("set", number);
        if (disposition == SIG_IGN || number == SIGURG || number == SIGWINCH) {
            raise_and_print(number);
        }
    }
    // The old one is told through the very object that the new one came in.
    struct sigaction both = {};
    both.sa_handler = other_handler;
    sigaction(number, &both, nullptr);
    both.sa_handler = handler;
    struct sigaction* const alias = [&] { return &both; }();
    asm volatile("" : : "g"(alias));
    sigaction(number, &both, alias);
    std::printf(" through one object: %s\n", name_of(both.sa_handler));
}

void by_signal(int number) {
    struct {
        const char* name;
        __sighandler_t (*function)(int, __sighandler_t);
    } const functions[] = {{"signal", signal},
                           {"bsd_signal", bsd_signal},
                           {"ssignal", ssignal},
                           {"sysv_signal", sysv_signal},
                           {"sigset", sigset}};
    for (const auto& [name, function] : functions) {
        for (const __sighandler_t disposition :
             {static_cast<__sighandler_t>(handler), SIG_IGN, static_cast<__sighandler_t>(other_handler), SIG_DFL,
              SIG_HOLD, SIG_ERR}) {
            errno = 4711;
            const bool is_sigset = std::strcmp(name, "sigset") == 0;
            if (disposition == (is_sigset ? SIG_ERR : SIG_HOLD)) {
                continue;  // SIG_HOLD is sigset's alone; glibc's sigset takes SIG_ERR for a handler
            }
            const __sighandler_t old = function(number, disposition);
            std::printf(" %s(%s): was %s, errno %d\n", name, name_of(disposition), name_of(old), errno);
            print_action("set", number);
            if (disposition == handler || disposition == SIG_IGN) {
                raise_and_print(number);
                print_action("after", number);
            }
        }
        sigset(number, SIG_DFL);
    }
    for (const int interrupts : {1, 0}) {
        std::printf(" siginterrupt %d: %d\n", interrupts, siginterrupt(number, interrupts));
        print_action("set", number);
        signal(number, handler);
        print_action("signal after siginterrupt", number);
    }
    siginterrupt(number, 0);
    std::printf(" sigignore: %d\n", sigignore(number));
    print_action("set", number);
    signal(number, SIG_DFL);
}

void refusals() {
    struct sigaction action = {};
    for (const int number : {-1, 0, 32, 33, 65, 1000, SIGKILL, SIGSTOP}) {
        errno = 0;
        const int get = sigaction(number, nullptr, &action);
        const int get_errno = errno;
        errno = 0;
        action.sa_handler = SIG_IGN;
        const int set = sigaction(number, &action, nullptr);
        const int set_errno = errno;
        errno = 0;
        const __sighandler_t result = signal(number, handler);
        std::printf(" signal %d: %d/%d %d/%d %s/%d\n", number, get, get_errno, set, set_errno, name_of(result), errno);
    }
}

}  // namespace

int main() {
    for (const int number : {SIGUSR1, SIGURG, SIGWINCH}) {
        std::printf("signal %d\n", number);
        print_action("at start", number);
        by_sigaction(number);
        by_signal(number);
    }
    refusals();
    return 0;
}
