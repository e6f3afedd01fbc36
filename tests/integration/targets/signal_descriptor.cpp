// Reads SIGURG (or the signal whose number is given) from a signalfd and prints what it gets, and what becomes of its
// masks, handlers and pending signals when the descriptor is made. Each case in a process of its own. Run with and
// without the shim, the output has to be the same. `wait`: waits for the descriptor instead, and says how that ended.
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "tests/integration/watched_signal.h"

using namespace watched_signal;

namespace {

int other() {
    return number == SIGURG ? SIGWINCH : SIGURG;
}

int descriptor(std::initializer_list<int> signals, int fd = -1) {
    const sigset_t set = set_of(signals);
    errno = 0;
    const int result = signalfd(fd, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    say("signalfd", result >= 0 ? 0 : -1);
    return result;
}

void show(int fd) {
    struct pollfd ready = {fd, POLLIN, 0};
    std::printf("ready %d", poll(&ready, 1, 0));
    for (signalfd_siginfo info; read(fd, &info, sizeof info) == sizeof info;) {
        std::printf(", signal %u code %d value %d mine %d", info.ssi_signo, info.ssi_code, info.ssi_int,
                    info.ssi_pid == static_cast<uint32_t>(getpid()));
    }
    say("", 0);
}

void read_from_it() {
    block(true);
    const int fd = descriptor({number});
    show(fd);
    kill(getpid(), number);
    kill(getpid(), number);
    show(fd);
    raise(number);
    show(fd);
    union sigval value = {};
    value.sival_int = 7;
    sigqueue(getpid(), number, value);
    show(fd);
    descriptor({number, SIGUSR1}, fd);
    kill(getpid(), number);
    show(fd);
}

// The program's own, sent before the descriptor was made.
void pending_before() {
    block(true);
    raise(number);
    kill(getpid(), number);
    show(descriptor({number}));
}

void handled_before() {
    install(handler, SA_RESTART);
    const int fd = descriptor({number});
    raise(number);
    show(fd);
    block(true);
    raise(number);
    show(fd);
    raise(number);
    block(false);
    show(fd);
    std::thread([fd] { show(fd); }).join();
}

// By default it is ignored; blocked all the same it stays pending.
void ignored_before() {
    install(SIG_IGN);
    const int fd = descriptor({number});
    raise(number);
    show(fd);
    block(true);
    raise(number);
    show(fd);
    struct sigaction action;
    sigaction(number, nullptr, &action);
    say(action.sa_handler == SIG_IGN ? "ignored" : "not ignored", action.sa_flags);
}

// The signal that the nudge may have from now on: blocked and pending before, with a handler that runs once it is not.
void other_signal() {
    static volatile sig_atomic_t others;
    struct sigaction action = {};
    action.sa_handler = [](int) { others = others + 1; };
    action.sa_flags = SA_RESTART | SA_NODEFER;
    action.sa_mask = set_of({number, SIGUSR2});
    sigaction(other(), &action, nullptr);
    const sigset_t set = set_of({other()});
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(other());
    block(true);
    descriptor({number});
    sigset_t now;
    sigpending(&now);
    std::printf("other: ran %d, pending %d", static_cast<int>(others), sigismember(&now, other()));
    sigprocmask(SIG_UNBLOCK, &set, &now);
    std::printf(", was blocked %d, ran %d", sigismember(&now, other()), static_cast<int>(others));
    raise(other());
    sigaction(other(), nullptr, &action);
    std::printf(", ran %d, flags %x, masks it %d, itself %d\n", static_cast<int>(others), action.sa_flags,
                sigismember(&action.sa_mask, number), sigismember(&action.sa_mask, other()));
}

// Handlers that were there before shut out what they did, and no more.
void masks_of_handlers() {
    for (const int masked : {number, other()}) {
        struct sigaction action = {};
        action.sa_handler = [](int) {
            sigset_t now;
            sigprocmask(SIG_SETMASK, nullptr, &now);
            const int before = ran;
            raise(number);
            std::printf("in a handler: %d %d, ran %d\n", sigismember(&now, number), sigismember(&now, other()),
                        ran - before);
        };
        action.sa_mask = set_of({masked});
        sigaction(masked == number ? SIGUSR1 : SIGUSR2, &action, nullptr);
    }
    install(handler);
    descriptor({number});
    for (const int signal : {SIGUSR1, SIGUSR2}) {
        struct sigaction action;
        sigaction(signal, nullptr, &action);
        std::printf("masks %d %d\n", sigismember(&action.sa_mask, number), sigismember(&action.sa_mask, other()));
        raise(signal);
    }
}

// To a mask that was kept before.
void jump_back() {
    install(handler);
    for (const int blocks : {number, other()}) {
        const sigset_t before = set_of({blocks});
        sigprocmask(SIG_SETMASK, &before, nullptr);
        static sigjmp_buf place;
        static volatile bool jumped;
        jumped = false;
        if (sigsetjmp(place, 1) == 0) {
            const sigset_t none = set_of({});
            sigprocmask(SIG_SETMASK, &none, nullptr);
            descriptor({number});
            jumped = true;
            siglongjmp(place, 1);
        }
        sigset_t now;
        sigprocmask(SIG_SETMASK, nullptr, &now);
        std::printf("jumped %d, blocked %d %d\n", jumped, sigismember(&now, number), sigismember(&now, other()));
        raise(number);
        say("raised", 0);
        const sigset_t none = set_of({});
        sigprocmask(SIG_SETMASK, &none, nullptr);
        say("unblocked", 0);
    }
}

// A child reads its own signals from the descriptor, as from one that it makes.
void in_a_child() {
    block(true);
    const int inherited = descriptor({number});
    raise(number);
    std::fflush(stdout);
    if (fork() == 0) {
        show(inherited);
        const int fd = descriptor({number});
        raise(number);
        show(fd);
        std::fflush(stdout);
        _exit(0);
    }
    wait(nullptr);
    show(inherited);
}

// A descriptor for both: nothing gives way, and the others are read all the same.
void for_both() {
    const sigset_t set = set_of({number, other(), SIGUSR1});
    sigprocmask(SIG_BLOCK, &set, nullptr);
    const int fd = descriptor({number, other(), SIGUSR1});
    raise(SIGUSR1);
    show(fd);
}

// A thread waits in epoll_wait, another process's thread or another thread of this one sends it.
void awaited() {
    block(true);
    const int fd = descriptor({number});
    const int set = epoll_create1(0);
    struct epoll_event event = {};
    event.events = EPOLLIN;
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
    std::thread sender([] { kill(getpid(), number); });
    say("epoll_wait", epoll_wait(set, &event, 1, -1));
    sender.join();
    show(fd);
}

int wait_for_it() {
    install(handler);
    block(true);
    const sigset_t set = set_of({number});
    const int fd = signalfd(-1, &set, SFD_NONBLOCK);
    struct pollfd ready = {fd, POLLIN, 0};
    std::puts("waiting");
    for (bool over = false; !over;) {  // until it comes
        const int count = poll(&ready, 1, 20'000);
        std::printf("%s\n", count < 0 ? strerrorname_np(errno) : count > 0 ? "ready" : "time is over");
        over = count >= 0;
    }
    show(fd);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    number = argc > 1 && std::atoi(argv[1]) != 0 ? std::atoi(argv[1]) : SIGURG;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    if (argc > 2) {
        return wait_for_it();
    }
    for (const auto part : {read_from_it, pending_before, handled_before, ignored_before, other_signal,
                            masks_of_handlers, jump_back, in_a_child, for_both, awaited}) {
        std::fflush(stdout);
        if (fork() == 0) {
            part();
            std::fflush(stdout);
            _exit(0);
        }
        int status = 0;
        wait(&status);
        std::printf("-- %d\n", status);
    }
    return 0;
}
