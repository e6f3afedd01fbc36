// A program that is stepped through, instruction by instruction (x86-64): targets/stepped.cpp.
#pragma once

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <memory>

#include "contract_support.h"
#include "stepped_marks.h"

namespace interrupt_tests {

// Why the program has stopped, or what else has become of it.
enum class Stop {
    step,     // one more instruction is done
    mark,     // a breakpoint: mark() tells which
    signal,   // a signal is about to be delivered: signal() tells which
    asleep,   // it has not stopped: it waits in a system call
    ended,    // it is gone
    running,  // none of these in a long time
};

class Stepped {
public:
    explicit Stepped(const char* call) {
        const std::string path = std::string(TARGETS_DIR) + "/stepped";
        pid_ = fork();
        if (pid_ == 0) {
            ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            setenv("LD_PRELOAD", LIBINTERRUPT_PATH, 1);
            execl(path.c_str(), path.c_str(), call, nullptr);
            _exit(127);
        }
        int status = 0;
        waitpid(pid_, &status, 0);
        if (!WIFSTOPPED(status)) {
            pid_ = -1;
            throw std::runtime_error("the program could not be started");
        }
        ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL);
        stat_ = ::open(("/proc/" + std::to_string(pid_) + "/stat").c_str(), O_RDONLY | O_CLOEXEC);
    }
    ~Stepped() {
        ::close(stat_);
        if (!ended_) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
    }
    Stepped(const Stepped&) = delete;
    Stepped& operator=(const Stepped&) = delete;

    pid_t pid() const { return pid_; }
    Mark mark() const { return static_cast<Mark>(registers_.rax); }
    int signal() const { return signal_; }
    const user_regs_struct& registers() const { return registers_; }
    // At a stop for a signal: that signal has ended a system call that would otherwise wait on.
    bool signal_ended_wait() const {
        const auto result = static_cast<long>(registers_.rax);
        return static_cast<long>(registers_.orig_rax) >= 0 && (result == -EINTR || (result <= -512 && result >= -516));
    }

    // One instruction, or, if that instruction is a system call that waits, until it does.
    Stop step() {
        resume(PTRACE_SINGLESTEP);
        return await(true);
    }
    // Up to the next mark, signal or, if that is asked for, wait.
    Stop run(bool to_a_wait = false) {
        Stop stop;
        do {  // the end of a step that had led into a wait
            resume(PTRACE_CONT);
            stop = await(to_a_wait);
        } while (stop == Stop::step);
        return stop;
    }
    // Whatever signals it meets on the way.
    Stop run_through_signals(bool to_a_wait = false) {
        Stop stop = run(to_a_wait);
        while (stop == Stop::signal) {
            stop = run(to_a_wait);
        }
        return stop;
    }
    bool run_to(Mark wanted) { return run_through_signals() == Stop::mark && mark() == wanted; }

    // It sleeps, and goes on to for longer than a retry timer needs.
    bool stays_asleep() {
        if (run_through_signals(true) != Stop::asleep) {
            return false;
        }
        for (const auto end = Clock::now() + std::chrono::microseconds(400); Clock::now() < end;) {
            siginfo_t info = {};
            waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT);
            if (info.si_pid != 0 && run_through_signals(true) != Stop::asleep) {
                return false;
            }
        }
        return true;
    }

private:
    void resume(__ptrace_request how) {
        if (stopped_) {
            ptrace(how, pid_, nullptr, static_cast<long>(signal_));
            signal_ = 0;
            stopped_ = false;
        }
    }

    Stop await(bool asleep_will_do) {
        const auto end = Clock::now() + seconds(10);
        for (int turn = 0;; ++turn) {
            int status = 0;
            const pid_t found = waitpid(pid_, &status, WNOHANG | __WALL);
            if (found == pid_) {
                return stopped_by(status);
            }
            if (asleep_will_do && turn > 2 && asleep()) {
                return Stop::asleep;
            }
            if (turn > 1'000 && Clock::now() > end) {
                return Stop::running;
            }
            if (turn > 1'000) {
                std::this_thread::sleep_for(std::chrono::microseconds(50));
            } else {
                sched_yield();
            }
        }
    }

    Stop stopped_by(int status) {
        if (!WIFSTOPPED(status)) {
            ended_ = true;
            return Stop::ended;
        }
        stopped_ = true;
        ptrace(PTRACE_GETREGS, pid_, nullptr, &registers_);
        const int signal = WSTOPSIG(status);
        if (signal != SIGTRAP) {
            signal_ = signal;
            return Stop::signal;
        }
        siginfo_t info = {};
        ptrace(PTRACE_GETSIGINFO, pid_, nullptr, &info);
        return info.si_code == SI_KERNEL ? Stop::mark : Stop::step;  // a breakpoint's, or a step's
    }

    bool asleep() const {
        char text[256] = {};
        if (pread(stat_, text, sizeof text - 1, 0) <= 0) {
            return false;
        }
        const char* name_end = std::strrchr(text, ')');
        return name_end != nullptr && name_end[1] == ' ' && name_end[2] == 'S';
    }

    pid_t pid_ = -1;
    int stat_ = -1;
    bool stopped_ = true;
    bool ended_ = false;
    int signal_ = 0;  // to be delivered when it goes on
    user_regs_struct registers_ = {};
};

}  // namespace interrupt_tests
