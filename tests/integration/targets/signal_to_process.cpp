// SIGURG (or the signal whose number is given) sent to a process whose threads block it, take it and wait for it in all
// ways; prints which thread got what. Run with and without the shim, the output has to be the same.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

namespace {

int number = SIGURG;
std::atomic<int> ran;
std::atomic<pid_t> ran_in;
std::atomic<int> code;

void handler(int, siginfo_t* info, void*) {
    ran_in = gettid();
    code = info->si_code;
    ++ran;
}

sigset_t own_set() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

void block(bool wanted) {
    const sigset_t set = own_set();
    pthread_sigmask(wanted ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

bool pending() {
    sigset_t now;
    sigpending(&now);
    return sigismember(&now, number) == 1;
}

void install(bool function) {
    struct sigaction action = {};
    action.sa_flags = SA_SIGINFO;
    if (function) {
        action.sa_sigaction = handler;
    }
    sigaction(number, &action, nullptr);
    ran = 0;
    ran_in = 0;
}

void until(const char* what, const std::function<bool()>& condition) {
    for (int i = 0; i < 20'000; ++i) {
        if (condition()) {
            return;
        }
        usleep(500);
    }
    std::printf("it did not come about: %s\n", what);
    std::fflush(stdout);
    std::_Exit(1);
}

// Sleeping in the kernel, whatever the system call.
bool sleeps(pid_t tid) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    char line[512] = {};
    const int fd = open(path, O_RDONLY);
    const ssize_t size = read(fd, line, sizeof line - 1);
    close(fd);
    for (ssize_t i = size; i > 0; --i) {
        if (line[i] == ')') {
            return line[i + 2] == 'S';
        }
    }
    return false;
}

class Worker {
public:
    explicit Worker(const std::function<void()>& body) : thread_([this, body] { run(body); }) {
        until("a thread", [this] { return tid_ != 0; });
    }
    ~Worker() { thread_.join(); }
    pid_t tid() const { return tid_; }

private:
    void run(const std::function<void()>& body) {
        usleep(0);  // an interposed call
        tid_ = gettid();
        body();
    }
    std::atomic<pid_t> tid_ = 0;
    std::thread thread_;
};

const char* who(pid_t tid, const Worker& worker) {
    return tid == getpid() ? "main" : tid == worker.tid() ? "the worker" : tid == 0 ? "nobody" : "another";
}

// Main blocks it and waits; a thread that does not gets it.
void open_in_a_worker() {
    install(true);
    block(true);
    std::atomic<bool> done = false;
    std::atomic<bool> ready = false;
    Worker worker([&] {
        block(false);
        ready = true;
        until("the end", [&] { return done.load(); });
    });
    until("ready", [&] { return ready.load(); });
    kill(getpid(), number);
    until("the handler", [] { return ran == 1; });
    std::printf("open in a worker: ran in %s, code %d, pending in main %d\n", who(ran_in, worker), code.load(),
                pending());
    syscall(SYS_tgkill, getpid(), getpid(), number);
    until("pending", pending);
    std::printf("sent to main alone: ran %d\n", ran.load());
    done = true;
    block(false);
    std::printf("unblocked in main: ran %d, in %s, code %d\n", ran.load(), who(ran_in, worker), code.load());
}

void awaited_in_a_worker(bool by_sigwait) {
    install(false);
    block(true);
    siginfo_t info = {};
    int result = 0;
    {
        Worker worker([&] {
            const sigset_t set = own_set();
            if (by_sigwait) {
                sigwait(&set, &result);
            } else {
                const struct timespec long_time = {100, 0};
                result = sigtimedwait(&set, &info, &long_time);
            }
        });
        until("the wait", [&] { return sleeps(worker.tid()); });
        kill(getpid(), number);
    }
    std::printf("awaited: %d, code %d, from here %d\n", result == number, info.si_code, info.si_pid == getpid());
    std::printf("pending afterwards: %d\n", pending());
    block(false);
}

// A wait of main's that blocks it is not disturbed by what another thread awaits.
void main_waits_on() {
    install(false);
    block(true);
    std::atomic<bool> got = false;
    Worker worker([&] {
        const sigset_t set = own_set();
        siginfo_t info;
        got = sigwaitinfo(&set, &info) == number;
    });
    until("the wait", [&] { return sleeps(worker.tid()); });
    Worker sender([] {
        until("main's wait", [] { return sleeps(getpid()); });
        kill(getpid(), number);
    });
    const int result = poll(nullptr, 0, 300);
    std::printf("main's poll: %d, got %d\n", result, got.load());
    block(false);
}

void held_for_all() {
    install(true);
    block(true);
    std::atomic<int> step = 0;
    std::atomic<bool> was_pending = false;
    Worker worker([&] {
        until("sent", [&] { return step == 1; });
        was_pending = pending();
        block(false);
        step = 2;
        until("the end", [&] { return step == 3; });
    });
    kill(getpid(), number);
    until("pending", pending);
    std::printf("held: ran %d\n", ran.load());
    step = 1;
    until("unblocked", [&] { return step == 2; });
    std::printf("unblocked in the worker: was pending %d, ran %d in %s, pending in main %d\n", was_pending.load(),
                ran.load(), who(ran_in, worker), pending());
    step = 3;
    block(false);
    std::printf("unblocked in main: ran %d\n", ran.load());
}

void let_in_by_ppoll() {
    install(true);
    block(true);
    int result = 0;
    int error = 0;
    pid_t tid = 0;
    {
        Worker worker([&] {
            sigset_t none;
            sigemptyset(&none);
            const struct timespec long_time = {100, 0};
            result = ppoll(nullptr, 0, &long_time, &none);
            error = errno;
        });
        tid = worker.tid();
        until("the wait", [&] { return sleeps(worker.tid()); });
        kill(getpid(), number);
    }
    std::printf("let in by ppoll: %d errno %d, ran %d in the worker %d\n", result, error, ran.load(), ran_in == tid);
    block(false);
}

// What is ignored and held is forgotten when a mask lets it in, and no call ends for it.
void ignored_and_let_in() {
    install(false);
    block(true);
    raise(number);
    sigset_t none;
    sigemptyset(&none);
    const struct timespec short_time = {0, 50'000'000};
    const int result = ppoll(nullptr, 0, &short_time, &none);
    std::printf("ignored: ppoll %d, pending %d\n", result, pending());
    block(false);
}

// A handler of another signal runs on top of the wait when it comes.
std::atomic<bool> in_handler;
std::atomic<bool> handler_may_return;
void on_top(int) {
    in_handler = true;
    until("the end of the handler", [] { return handler_may_return.load(); });
}

void under_a_handler() {
    install(false);
    signal(SIGUSR1, on_top);
    block(true);
    int result = 0;
    {
        Worker worker([&] {
            const sigset_t set = own_set();
            sigwait(&set, &result);
        });
        until("the wait", [&] { return sleeps(worker.tid()); });
        syscall(SYS_tgkill, getpid(), worker.tid(), SIGUSR1);
        until("the handler", [] { return in_handler.load(); });
        kill(getpid(), number);
        handler_may_return = true;
    }
    std::printf("under a handler: %d\n", result == number);
    block(false);
}

// Sent by the kernel for urgent data.
void by_the_kernel() {
    install(false);
    block(true);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener, 1);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    const int sender = socket(AF_INET, SOCK_STREAM, 0);
    connect(sender, reinterpret_cast<sockaddr*>(&address), size);
    const int receiver = accept(listener, nullptr, nullptr);
    fcntl(receiver, F_SETOWN, getpid());
    int result = 0;
    {
        Worker worker([&] {
            const sigset_t set = own_set();
            sigwait(&set, &result);
        });
        until("the wait", [&] { return sleeps(worker.tid()); });
        send(sender, "!", 1, MSG_OOB);
        if (number != SIGURG) {
            kill(getpid(), number);
        }
    }
    std::printf("by the kernel: %d\n", result == number);
    close(sender);
    close(receiver);
    close(listener);
    block(false);
}

// Every one is taken exactly once, by whatever thread, while threads open and close to it all the time.
void one_by_one() {
    constexpr int count = 2'000;
    install(true);
    block(true);
    std::atomic<bool> done = false;
    std::atomic<int> taken = 0;
    int most = 0;
    {
        const auto wait = [&] {
            const sigset_t set = own_set();
            const struct timespec short_time = {0, 100'000};
            while (!done) {
                siginfo_t info;
                if (sigtimedwait(&set, &info, &short_time) == number) {
                    ++taken;
                }
            }
        };
        Worker waits(wait);
        Worker waits_too(wait);
        Worker opens([&] {
            while (!done) {
                block(false);
                sched_yield();
                block(true);
                sched_yield();
            }
        });
        for (int i = 1; i <= count; ++i) {
            kill(getpid(), number);
            until("it is taken", [&] { return taken + ran >= i; });
            most = taken + ran > i ? taken + ran : most;
        }
        done = true;
    }
    std::printf("one by one: %d too many, pending %d\n", most == 0 ? 0 : most - count, pending());
    block(false);
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 1) {
        number = std::atoi(arguments[1]);
    }
    open_in_a_worker();
    awaited_in_a_worker(false);
    awaited_in_a_worker(true);
    main_waits_on();
    held_for_all();
    let_in_by_ppoll();
    ignored_and_let_in();
    under_a_handler();
    by_the_kernel();
    one_by_one();
}
