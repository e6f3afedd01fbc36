// Blocks, holds, awaits and lets in SIGURG (or the signal whose number is given) by every call that takes a mask or a
// set, and prints what happened. Run with and without the shim, the output has to be the same.
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#include "tests/integration/watched_signal.h"

using namespace watched_signal;

extern "C" int __sigsuspend(const sigset_t*);

namespace {

void masks() {
    install(handler);
    const sigset_t set = set_of({number, SIGUSR1});
    sigset_t old;
    say("block", sigprocmask(SIG_BLOCK, &set, &old));
    std::printf("was blocked: %d\n", sigismember(&old, number));
    say("raise", raise(number));
    say("raise again", raise(number));
    say("unblock", sigprocmask(SIG_UNBLOCK, &set, &old));
    std::printf("was blocked: %d\n", sigismember(&old, number));
    sigset_t both = set;
    sigset_t* alias = &both;
    asm volatile("" : "+r"(alias));
    say("through one object", pthread_sigmask(SIG_SETMASK, &both, alias));
    std::printf("was blocked: %d\n", sigismember(&both, number));
    say("bad how", sigprocmask(42, &set, nullptr));
    say("thread bad how", pthread_sigmask(42, &set, nullptr));
    sigfillset(&both);
    say("all", sigprocmask(SIG_SETMASK, &both, nullptr));
    sigprocmask(SIG_SETMASK, nullptr, &both);
    std::printf("all:");
    for (int signal = 1; signal <= 64; ++signal) {
        std::printf("%d", sigismember(&both, signal));
    }
    std::printf("\n");
    sigemptyset(&both);
    say("none", sigprocmask(SIG_SETMASK, &both, nullptr));
    say("sighold", sighold(number));
    say("raise", raise(number));
    say("sigrelse", sigrelse(number));
    say("sighold of nothing", sighold(1000));
    if (number <= 32) {
        const int bit = static_cast<int>(1u << (number - 1));
        say("sigblock", sigblock(bit) & bit);
        say("sigsetmask", sigsetmask(0) & bit);
        say("sigsetmask", sigsetmask(bit) & bit);
        say("sigsetmask", sigsetmask(0) & bit);
        say("siggetmask", siggetmask() & bit);
    }
    std::printf("sigset hold: %d\n", sigset(number, SIG_HOLD) == handler);
    say("held", raise(number));
    std::printf("sigset handler: %d\n", sigset(number, handler) == SIG_HOLD);
    say("let in", 0);
}

// A blocked signal that is ignored, or has its default action of doing nothing.
void held_without_a_handler() {
    for (const __sighandler_t disposition : {SIG_DFL, SIG_IGN}) {
        install(disposition);
        block(true);
        say("held", raise(number));
        block(false);
        say("unblocked", 0);
        block(true);
        say("held", raise(number));
        install(handler);  // the disposition when it is let in counts
        block(false);
        say("unblocked with a handler", 0);
    }
}

void sets() {
    install(handler);
    block(true);
    const sigset_t set = set_of({number, SIGUSR1});
    const timespec none = {0, 0};
    const timespec moment = {0, 5'000'000};
    siginfo_t info = {};
    say("sigtimedwait of none", sigtimedwait(&set, &info, &none));
    say("sigtimedwait in time", sigtimedwait(&set, &info, &moment));
    raise(number);
    say("raised", 0);
    say("sigtimedwait", sigtimedwait(&set, &info, &none));
    std::printf("signal %d code %d from self %d\n", info.si_signo, info.si_code, info.si_pid == getpid());
    raise(number);
    say("sigwaitinfo", sigwaitinfo(&set, &info));
    raise(number);
    say("sigwaitinfo without info", sigwaitinfo(&set, nullptr));
    raise(number);
    int got = 0;
    say("sigwait", sigwait(&set, &got));
    std::printf("got %d\n", got);
    sigval value = {};
    value.sival_int = 4711;
    sigqueue(getpid(), number, value);
    say("queued", sigwaitinfo(&set, &info));
    std::printf("code %d value %d\n", info.si_code, info.si_value.sival_int);
    block(false);
    say("nothing left", 0);
}

// The signal comes from another thread while this one waits.
struct Sender {
    explicit Sender(int signal) : signal_(signal), target_(static_cast<pid_t>(syscall(SYS_gettid))) {
        pthread_create(&thread_, nullptr, &Sender::run, this);
    }
    ~Sender() { pthread_join(thread_, nullptr); }
    static void* run(void* self) {
        auto* sender = static_cast<Sender*>(self);
        char path[64];
        std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", sender->target_);
        for (char state = 'R'; state != 'S';) {  // until it sleeps, in the wait
            std::FILE* file = std::fopen(path, "r");
            if (std::fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
                std::abort();
            }
            std::fclose(file);
            usleep(2000);
        }
        usleep(5'000);
        syscall(SYS_tgkill, getpid(), sender->target_, sender->signal_);
        return nullptr;
    }
    const int signal_;
    const pid_t target_;
    pthread_t thread_;
};

void blocked_waits() {
    install(handler);
    block(true);
    const sigset_t set = set_of({number});
    siginfo_t info = {};
    int got = 0;
    const timespec long_time = {20, 0};
    {
        Sender sender(number);
        say("sigwaitinfo later", sigwaitinfo(&set, &info));
    }
    {
        Sender sender(number);
        say("sigtimedwait later", sigtimedwait(&set, nullptr, &long_time));
    }
    {
        Sender sender(number);
        say("sigwait later", sigwait(&set, &got));
    }
    {
        Sender sender(number);  // blocked: the poll goes on
        say("poll", poll(nullptr, 0, 100));
    }
    block(false);
    say("unblocked", 0);
    install(SIG_IGN);
    {
        Sender sender(number);
        say("poll, ignored", poll(nullptr, 0, 100));
    }
    install(SIG_DFL);
    {
        Sender sender(number);
        say("poll, default", poll(nullptr, 0, 100));
    }
}

template <class Wait>
void masked_wait(const char* name, Wait wait) {
    std::printf("%s\n", name);
    const sigset_t none = set_of({});
    const sigset_t with = set_of({number, SIGUSR2});
    install(handler);
    block(true);
    raise(number);
    say("held, let in at once", wait(&none));
    {
        Sender sender(number);
        say("blocked outside, comes later", wait(&none));
    }
    raise(number);
    say("held, stays blocked", wait(nullptr));
    block(false);
    say("unblocked", 0);
    {
        Sender sender(SIGUSR1);
        raise(number);
        say("not blocked outside, blocked inside", wait(&with));
    }
    {
        Sender sender(number);
        say("no mask", wait(nullptr));
    }
}

void masked_waits() {
    struct sigaction other = {};
    other.sa_handler = handler;
    sigaction(SIGUSR1, &other, nullptr);
    other.sa_handler = SIG_IGN;
    sigaction(SIGUSR2, &other, nullptr);
    static const timespec limit = {0, 100'000'000};
    masked_wait("ppoll", [](const sigset_t* mask) { return ppoll(nullptr, 0, &limit, mask); });
    masked_wait("pselect", [](const sigset_t* mask) { return pselect(0, nullptr, nullptr, nullptr, &limit, mask); });
    static const int epoll = epoll_create1(0);
    static epoll_event event;
    masked_wait("epoll_pwait", [](const sigset_t* mask) { return epoll_pwait(epoll, &event, 1, 100, mask); });
    masked_wait("epoll_pwait2", [](const sigset_t* mask) { return epoll_pwait2(epoll, &event, 1, &limit, mask); });
    const sigset_t none = set_of({});
    for (int (*const suspend)(const sigset_t*) : {sigsuspend, __sigsuspend}) {
        install(handler);
        block(true);
        raise(number);
        say("sigsuspend, held", suspend(&none));
        {
            Sender sender(number);
            say("sigsuspend, later", suspend(&none));
        }
        raise(number);
        const sigset_t with = set_of({number});
        {
            Sender sender(SIGUSR1);
            say("sigsuspend, stays blocked", suspend(&with));
        }
        say("unblock", (block(false), 0));
    }
    block(true);
    {
        Sender sender(number);
        say("sigpause", sigpause(number));
    }
    block(false);
    {
        Sender sender(number);
        say("pause", pause());
    }
    install(SIG_DFL);
    {
        Sender first(number);  // does nothing: the pause goes on
        usleep(50'000);
        Sender second(SIGUSR1);
        say("pause past a signal that does nothing", pause());
    }
}

}  // namespace

int main(int argc, char** argv) {
    number = argc > 1 ? std::atoi(argv[1]) : SIGURG;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    masks();
    held_without_a_handler();
    sets();
    blocked_waits();
    masked_waits();
    return 0;
}
