// sandboxed MODE...: sets a seccomp filter that kills the process on any system call but those that it makes itself,
// and runs on. Modes: prctl, syscall, twice (how it is set), thread-before, thread-after, pending, interface, handler,
// fork, exec, strict; and what becomes of a SIGURG that comes under the filter: ignored, default, restarted, blocked,
// handled-later, waited-for.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "interrupt/interrupt.h"
#include "tests/interposers/raw_calls.h"

namespace {

std::set<std::string> modes;
bool has(const char* mode) {
    return modes.count(mode) != 0;
}

void say(const char* text, long value) {
    char line[128];
    const int length = std::snprintf(line, sizeof line, "%s %ld\n", text, value);
    if (write(STDOUT_FILENO, line, static_cast<size_t>(length)) < 0) {
        _exit(99);
    }
}

std::vector<unsigned> allowed_calls() {
    std::vector<unsigned> calls = {SYS_write, SYS_read, SYS_poll, SYS_clock_nanosleep, SYS_exit_group};
    if (has("thread-before") || has("thread-after") || has("waited-for")) {
        calls.insert(calls.end(),
                     {SYS_futex, SYS_exit, SYS_madvise, SYS_munmap, SYS_rt_sigprocmask, SYS_set_robust_list, SYS_rseq,
                      SYS_clone, SYS_clone3, SYS_mmap, SYS_mprotect, SYS_rt_sigaction, SYS_brk});
    }
    if (has("handler") || has("restarted") || has("handled-later") || has("waited-for")) {
        calls.push_back(SYS_rt_sigreturn);
    }
    if (has("ignored") || has("default") || has("handled-later")) {
        calls.push_back(SYS_ppoll);
    }
    if (has("blocked") || has("waited-for")) {
        calls.insert(calls.end(), {SYS_rt_sigtimedwait, SYS_getpid, SYS_tgkill});
    }
    if (has("handled-later")) {
        calls.push_back(SYS_rt_sigaction);
    }
    if (has("twice")) {
        calls.insert(calls.end(), {SYS_prctl, SYS_seccomp});
    }
    if (has("exec")) {  // and what the dynamic loader does
        calls.insert(calls.end(), {SYS_execve,
                                   SYS_brk,
                                   SYS_mmap,
                                   SYS_munmap,
                                   SYS_mprotect,
                                   SYS_openat,
                                   SYS_close,
                                   SYS_fstat,
                                   SYS_newfstatat,
                                   SYS_pread64,
                                   SYS_access,
                                   SYS_arch_prctl,
                                   SYS_set_tid_address,
                                   SYS_set_robust_list,
                                   SYS_rseq,
                                   SYS_prlimit64,
                                   SYS_getrandom,
                                   SYS_uname,
                                   SYS_readlink,
                                   SYS_futex});
    }
    return calls;
}

void set_filter(bool by_syscall) {
    std::vector<sock_filter> program = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    };
    for (const unsigned call : allowed_calls()) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
    const long result = by_syscall ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                             has("thread-before") ? SECCOMP_FILTER_FLAG_TSYNC : 0, &filter)
                                   : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
    if (result != 0) {
        _exit(98);
    }
}

// Waits of every sort that the filter allows, most of them in vain.
void wait_and_say() {
    char byte = 0;
    say("poll", poll(nullptr, 0, 10));
    const timespec moment = {0, 1'000'000};
    say("sleep", nanosleep(&moment, nullptr));
    pollfd input = {STDIN_FILENO, POLLIN, 0};
    say("input", poll(&input, 1, 20'000));
    say("read", read(STDIN_FILENO, &byte, 1));
}

std::atomic<int> handled;

// A SIGURG for the process, soon.
void send_soon() {
    static timer_t timer;
    sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGURG;
    itimerspec soon = {};
    soon.it_value.tv_nsec = 30'000'000;
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &soon, nullptr);
}

sigset_t only_urgent() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    return set;
}

int handler_output = -1;

void handle(void (*handler)(int), int flags) {
    struct sigaction action = {};
    action.sa_handler = handler;
    sigaddset(&action.sa_mask, SIGUSR1);
    action.sa_flags = flags;
    sigaction(SIGURG, &action, nullptr);
}

// Before the filter is set.
void prepare_signal(int (&pipe_ends)[2]) {
    if (has("ignored") || has("restarted") || has("default") || has("blocked") || has("handled-later")) {
        send_soon();
    }
    if (has("ignored")) {
        signal(SIGURG, SIG_IGN);
    }
    if (has("blocked")) {
        const sigset_t urgent = only_urgent();
        sigprocmask(SIG_BLOCK, &urgent, nullptr);
    }
    if (has("restarted") && pipe(pipe_ends) == 0) {
        handler_output = pipe_ends[1];
        handle(
            [](int) {
                if (write(handler_output, "x", 1) == 1) {
                    ++handled;
                }
            },
            SA_RESTART);
    }
}

// And under it.
void meet_signal(const int (&pipe_ends)[2]) {
    if (has("ignored") || has("default")) {
        say("raw wait", interrupt_tests::raw_wait(100'000));
        say("wait", poll(nullptr, 0, 50));
    }
    if (has("restarted")) {
        char byte = 0;
        say("raw read", interrupt_tests::raw_call(SYS_read, pipe_ends[0], reinterpret_cast<long>(&byte), 1));
        say("handled", handled);
    }
    if (has("blocked")) {
        const sigset_t urgent = only_urgent();
        const timespec patience = {20, 0};
        say("signal", sigtimedwait(&urgent, nullptr, &patience));
    }
    if (has("handled-later")) {
        handle([](int) { ++handled; }, SA_RESTART);
        struct sigaction set = {};
        sigaction(SIGURG, nullptr, &set);
        say("flags", set.sa_flags & ~0x04000000);
        say("mask", sigismember(&set.sa_mask, SIGUSR1));
        say("raw wait", interrupt_tests::raw_wait(20'000'000));
        say("handled", handled);
    }
}

int run() {
    std::atomic<bool> end = false;
    std::thread before;
    if (has("thread-before")) {
        before = std::thread([&] {
            while (!end) {
                poll(nullptr, 0, 1);
            }
        });
    }
    if (has("pending") && interrupt_available()) {
        interrupt_thread(gettid());
    }
    if (has("wakeup") && interrupt_available()) {
        interrupt_wakeup_fd();
    }
    std::atomic<int> signal_taken = 0;
    std::thread waits_for_signal;
    if (has("waited-for")) {
        std::atomic<bool> blocks = false;
        waits_for_signal = std::thread([&] {
            const sigset_t urgent = only_urgent();
            pthread_sigmask(SIG_BLOCK, &urgent, nullptr);
            blocks = true;
            signal_taken = sigwaitinfo(&urgent, nullptr);
        });
        while (!blocks) {
            poll(nullptr, 0, 1);
        }
    }
    int pipe_ends[2] = {-1, -1};
    prepare_signal(pipe_ends);
    if (has("handler")) {
        handle([](int) { ++handled; }, SA_RESTART);
        send_soon();
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (has("strict")) {
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        say("strict", 1);
        char byte = 0;
        say("read", read(STDIN_FILENO, &byte, 1));
        syscall(SYS_exit, 3);
    }
    set_filter(has("syscall"));
    if (has("twice")) {
        set_filter(!has("syscall"));
        set_filter(has("syscall"));
    }
    if (has("exec")) {
        char self[] = "/proc/self/exe";
        char mode[] = "inherited";
        char* arguments[] = {self, mode, nullptr};
        execve(self, arguments, environ);
        _exit(97);
    }
    if (has("handler")) {
        const int result = poll(nullptr, 0, 5000);
        say("poll ended by a signal", result);
        say("handled", handled);
    }
    meet_signal(pipe_ends);
    if (waits_for_signal.joinable()) {
        pthread_kill(waits_for_signal.native_handle(), SIGURG);
        waits_for_signal.join();
        say("taken", signal_taken);
    }
    wait_and_say();
    if (has("thread-after")) {
        int sum = 0;
        std::thread([&] {
            poll(nullptr, 0, 1);
            sum = 42;
        }).join();
        say("thread", sum);
    }
    if (has("interface") && interrupt_available()) {  // asked for by the program, and harmless all the same
        interrupt_pending();
        interrupt_mask(INTERRUPT_MASK_ALL);
        interrupt_mask(INTERRUPT_MASK_NONE);
        interrupt_thread(1);
        interrupt_wakeup_fd();
        interrupt_check();
        interrupt_clear();
    }
    if (before.joinable()) {
        end = true;
        before.join();
    }
    say("end", 0);
    return 7;
}

}  // namespace

int main(int argc, char** argv) {
    modes.insert(argv + 1, argv + argc);
    if (has("inherited")) {
        wait_and_say();
        return 8;
    }
    if (has("fork")) {
        const pid_t child = fork();
        if (child == 0) {
            return run();
        }
        int status = 0;
        waitpid(child, &status, 0);
        say("child", status);
        return 0;
    }
    return run();
}
