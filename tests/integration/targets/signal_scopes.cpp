// Has SIGURG (or the signal whose number is given) blocked for a while by handlers' masks, in threads, by jumps out of
// handlers, and prints what happened. Run with and without the shim, the output has to be the same.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tests/integration/watched_signal.h"

using namespace watched_signal;

namespace {

// sa_mask of another handler: the signal is held while that handler runs.
void in_handlers() {
    static volatile sig_atomic_t inside_blocked;
    static volatile sig_atomic_t ran_inside;
    struct sigaction other = {};
    other.sa_handler = [](int) {
        const int before = ran;
        raise(number);
        inside_blocked = blocked() + 2 * pending();
        ran_inside = ran - before;
    };
    for (const int masked : {0, 1, 2}) {
        install(handler);
        sigemptyset(&other.sa_mask);
        if (masked == 1) {
            sigaddset(&other.sa_mask, number);
        } else if (masked == 2) {
            sigfillset(&other.sa_mask);
        }
        sigaction(SIGUSR1, &other, nullptr);
        raise(SIGUSR1);
        std::printf("sa_mask %d: inside %d, ran inside %d\n", masked, static_cast<int>(inside_blocked),
                    static_cast<int>(ran_inside));
        say("after", 0);
    }
}

sigjmp_buf place;
void jump(int) {
    siglongjmp(place, 1);
}

// A jump out of a handler puts the mask back that was saved, or leaves it.
[[gnu::noinline]] void jump_from(int signal, int saves, bool outside_blocked) {
    block(outside_blocked);
    if (sigsetjmp(place, saves) == 0) {
        if (signal == number) {
            block(false);
        }
        raise(signal);
        std::printf("not reached\n");
    }
    std::printf("jumped: mask saved %d, blocked before %d, now %d\n", saves, outside_blocked, blocked());
    const sigset_t none = set_of({});
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

void jumps() {
    struct sigaction other = {};
    other.sa_handler = jump;
    sigfillset(&other.sa_mask);
    sigaction(SIGUSR1, &other, nullptr);
    for (int variant = 0; variant < 8; ++variant) {
        sigaction(number, &other, nullptr);
        jump_from((variant & 4) != 0 ? SIGUSR1 : number, variant & 1, (variant & 2) != 0);
        install(handler);
        raise(number);
        say("raised after a jump", 0);
    }
}

void threads() {
    install(handler);
    const auto start = [](const pthread_attr_t* attributes) {
        pthread_t thread;
        pthread_create(
            &thread, attributes,
            [](void*) -> void* {
                std::printf("thread: blocked %d, pending %d\n", blocked(), pending());
                return nullptr;
            },
            nullptr);
        pthread_join(thread, nullptr);
    };
    block(true);
    raise(number);
    start(nullptr);
    block(false);
    start(nullptr);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    const sigset_t with = set_of({number});
    const sigset_t none = set_of({});
    pthread_attr_setsigmask_np(&attributes, &with);
    sigset_t back = none;
    pthread_attr_getsigmask_np(&attributes, &back);
    std::printf("attribute reads back %d\n", sigismember(&back, number));
    start(&attributes);
    pthread_attr_setsigmask_np(&attributes, &none);
    block(true);
    start(&attributes);
    block(false);
    pthread_attr_destroy(&attributes);
}

// The mask that a new program gets, not under the shim.
void show_mask_of_a_child() {
    std::fflush(stdout);
    char path[] = "/bin/grep";
    char* const arguments[] = {path, const_cast<char*>("SigBlk"), const_cast<char*>("/proc/self/status"), nullptr};
    char* const no_environment[] = {nullptr};
    pid_t child;
    if (posix_spawn(&child, path, nullptr, nullptr, arguments, no_environment) == 0) {
        waitpid(child, nullptr, 0);
    }
    child = fork();
    if (child == 0) {
        execve(path, arguments, no_environment);
        _exit(1);
    }
    waitpid(child, nullptr, 0);
}

// On an alternate stack the mask is the program's, too: what it reads, sets, and hands on.
void on_alternate_stack() {
    static char memory[65536];
    stack_t stack = {};
    stack.ss_sp = memory;
    stack.ss_size = sizeof memory;
    sigaltstack(&stack, nullptr);
    struct sigaction other = {};
    other.sa_flags = SA_ONSTACK;
    other.sa_handler = [](int) {
        say("on the alternate stack", 0);
        show_mask_of_a_child();
        sigset_t set;
        sigemptyset(&set);
        pthread_sigmask(SIG_SETMASK, &set, nullptr);
        say("all open", 0);
        block(true);
        say("blocked", 0);
        show_mask_of_a_child();
        block(false);
        say("unblocked", 0);
        pthread_t thread;
        pthread_create(
            &thread, nullptr,
            [](void*) -> void* {
                say("a thread made there", 0);
                return nullptr;
            },
            nullptr);
        pthread_join(thread, nullptr);
    };
    for (const bool masked : {false, true}) {
        install(handler);
        sigemptyset(&other.sa_mask);
        if (masked) {
            sigaddset(&other.sa_mask, number);
        }
        sigaction(SIGUSR2, &other, nullptr);
        raise(SIGUSR2);
        say("after it", 0);
        struct sigaction read_back;
        sigaction(SIGUSR2, nullptr, &read_back);
        std::printf("in the mask read back: %d\n", sigismember(&read_back.sa_mask, number));
        block(false);
    }
    signal(SIGUSR2, SIG_DFL);
    install(handler, SA_ONSTACK);
    raise(number);
    say("a handler of its own there", 0);
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, nullptr);
}

// A handler sees the mask in its ucontext, and changes it there.
volatile sig_atomic_t seen_in_context;
volatile bool wanted_in_context;
void change_context(int, siginfo_t*, void* context) {
    sigset_t& mask = static_cast<ucontext_t*>(context)->uc_sigmask;
    seen_in_context = sigismember(&mask, number);
    wanted_in_context ? sigaddset(&mask, number) : sigdelset(&mask, number);
}

void in_context() {
    install(handler);
    struct sigaction other = {};
    other.sa_flags = SA_SIGINFO;
    other.sa_sigaction = change_context;
    sigaction(SIGUSR2, &other, nullptr);
    for (const bool wanted : {false, true, true, false}) {
        wanted_in_context = wanted;
        raise(SIGUSR2);
        std::printf("in the context: %d, wanted: %d\n", static_cast<int>(seen_in_context), wanted);
        say("after the handler", 0);
        raise(number);
        say("raised", 0);
    }
    signal(SIGUSR2, SIG_DFL);
    other.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(number, &other, nullptr);  // of the signal itself
    wanted_in_context = true;
    raise(number);
    say("blocked by its own handler", 0);
    raise(number);
    wanted_in_context = false;
    block(false);
    say("unblocked", 0);
}

// To ignore a signal discards it where it is pending.
void discarded() {
    for (const __sighandler_t ignoring : {SIG_IGN, SIG_DFL}) {
        install(handler);
        block(true);
        raise(number);
        kill(getpid(), number);
        say("pending", 0);
        signal(number, ignoring);
        say("ignored", 0);
        install(handler);
        block(false);
        say("handled again", 0);
    }
}

// What a vfork child reads of its parent's actions.
struct sigaction read_actions[2];
[[gnu::noinline]] void read_in_child() {
    if (vfork() == 0) {
        sigaction(number, nullptr, &read_actions[0]);
        sigaction(SIGUSR2, nullptr, &read_actions[1]);
        _exit(0);
    }
    wait(nullptr);
}
void read_in_vfork_child() {
    for (const bool ignored : {false, true}) {
        ignored ? signal(number, SIG_IGN) : signal(number, handler);
        signal(SIGUSR2, handler);
        read_in_child();
        for (const struct sigaction& action : read_actions) {
            std::printf("in a vfork child: ignored %d, handler %d, flags %x, masked %d\n", action.sa_handler == SIG_IGN,
                        action.sa_handler == handler, action.sa_flags, sigismember(&action.sa_mask, number));
        }
    }
    signal(SIGUSR2, SIG_DFL);
}

void signal_descriptor() {
    install(SIG_DFL);
    const sigset_t set = set_of({number, SIGUSR1});
    sigprocmask(SIG_BLOCK, &set, nullptr);
    const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    signalfd_siginfo info = {};
    raise(SIGUSR1);
    say("read", read(fd, &info, sizeof info));
    std::printf("signal %u\n", info.ssi_signo);
    close(fd);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    number = argc > 1 ? std::atoi(argv[1]) : SIGURG;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    in_handlers();
    threads();
    on_alternate_stack();
    in_context();
    discarded();
    read_in_vfork_child();
    signal_descriptor();
    jumps();
    return 0;
}
