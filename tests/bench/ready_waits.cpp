// Waits whose end has come already: descriptors that are ready, times that are over, children that are asked about
// without waiting, signals that are there.
#include <aio.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ready.h"

namespace interrupt_bench {

namespace {

constexpr int many = 500;
constexpr int few = 100;

const struct aiocb finished = {};
const struct aiocb* const requests[] = {&finished};

int descriptor_with_a_byte() {
    int ends[2];
    expect(pipe(ends) == 0 && write(ends[1], "x", 1) == 1, "pipe");
    return ends[0];
}

void add_children(std::vector<Ready>& all) {
    // It ends with this process, whose end of the pipe is closed then.
    int ends[2];
    expect(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    const pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        char byte;
        _exit(static_cast<int>(read(ends[0], &byte, 1)));
    }
    expect(child > 0, "fork");
    all.push_back(ready("waitpid", ::waitpid, many, nothing_to_prepare,
                        [=](auto* f) { return f(child, nullptr, WNOHANG) == 0; }));
    all.push_back(ready("wait4", ::wait4, many, nothing_to_prepare,
                        [=](auto* f) { return f(child, nullptr, WNOHANG, nullptr) == 0; }));
    all.push_back(
        ready("wait3", ::wait3, many, nothing_to_prepare, [](auto* f) { return f(nullptr, WNOHANG, nullptr) == 0; }));
    all.push_back(ready("waitid", ::waitid, many, nothing_to_prepare, [=](auto* f) {
        siginfo_t info;
        return f(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG) == 0;
    }));
}

void add_signals(std::vector<Ready>& all) {
    static sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 5);
    expect(sigprocmask(SIG_BLOCK, &set, nullptr) == 0, "sigprocmask");
    const auto queue = [](int n) {
        for (int i = 0; i < n; ++i) {
            expect(sigqueue(getpid(), SIGRTMIN + 5, {}) == 0, "sigqueue");
        }
    };
    all.push_back(ready("sigwait", ::sigwait, few, queue, [](auto* f) {
        int number;
        return f(&set, &number) == 0;
    }));
    all.push_back(ready("sigwaitinfo", ::sigwaitinfo, few, queue, [](auto* f) { return f(&set, nullptr) > 0; }));
    all.push_back(
        ready("sigtimedwait", ::sigtimedwait, few, queue, [](auto* f) { return f(&set, nullptr, nullptr) > 0; }));
}

}  // namespace

void add_readiness(std::vector<Ready>& all) {
    static const int fd = descriptor_with_a_byte();
    static const int epoll = epoll_create1(0);
    struct epoll_event wanted = {EPOLLIN, {}};
    expect(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) == 0, "epoll_ctl");
    static const struct timespec second = {1, 0};
    const auto add = [&](const char* name, auto* interposer, auto call) {
        all.push_back(ready(name, interposer, many, nothing_to_prepare, call));
    };
    add("poll", ::poll, [](auto* f) {
        struct pollfd it = {fd, POLLIN, 0};
        return f(&it, 1, 1000) == 1;
    });
    add("ppoll", ::ppoll, [](auto* f) {
        struct pollfd it = {fd, POLLIN, 0};
        return f(&it, 1, &second, nullptr) == 1;
    });
    add("select", ::select, [](auto* f) {
        fd_set reads;
        FD_ZERO(&reads);
        FD_SET(fd, &reads);
        return f(fd + 1, &reads, nullptr, nullptr, nullptr) == 1;
    });
    add("pselect", ::pselect, [](auto* f) {
        fd_set reads;
        FD_ZERO(&reads);
        FD_SET(fd, &reads);
        return f(fd + 1, &reads, nullptr, nullptr, &second, nullptr) == 1;
    });
    static struct epoll_event event;
    add("epoll_wait", ::epoll_wait, [](auto* f) { return f(epoll, &event, 1, 1000) == 1; });
    add("epoll_pwait", ::epoll_pwait, [](auto* f) { return f(epoll, &event, 1, 1000, nullptr) == 1; });
    add("epoll_pwait2", ::epoll_pwait2, [](auto* f) { return f(epoll, &event, 1, &second, nullptr) == 1; });
    static const struct timespec past = {0, 0};
    add("clock_nanosleep", ::clock_nanosleep,
        [](auto* f) { return f(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, nullptr) == 0; });
    add("aio_suspend", ::aio_suspend, [](auto* f) { return f(requests, 1, nullptr) == 0; });
    add_children(all);
    add_signals(all);
}

}  // namespace interrupt_bench
