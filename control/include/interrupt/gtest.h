// For tests with GoogleTest: a program under the shim, until one of its threads is blocked where the test wants it, and
// what it does when that thread is interrupted.
//
//     interrupt::testing::Program program({"./server", "--port", "0"});
//     const pid_t worker = program.wait_until_blocked("accept");
//     EXPECT_TRUE(program.interrupt(worker, "errno:ECONNABORTED"));
//     EXPECT_TRUE(program.prints("accept: Software caused connection abort\n"));
//     EXPECT_TRUE(program.exits_with(1));
//
// It is started by `interruptctl run`: the one that the environment variable INTERRUPTCTL names, or else the macro
// INTERRUPTCTL_PROGRAM, which the CMake target interruptctl::gtest sets, or else the one in PATH. Link with
// -linterruptctl (interruptctl::gtest does). Needs C++17. A Program is used by one thread, the one that has made it:
// the program is killed, with what it has started in its process group, when the object or that thread ends.
#ifndef INTERRUPT_GTEST_H
#define INTERRUPT_GTEST_H

#include <fcntl.h>
#include <gtest/gtest.h>
#include <interrupt/interruptctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace interrupt::testing {

class Program {
public:
    using Nanoseconds = std::chrono::nanoseconds;

    // How long anything is waited for unless told otherwise: reached only when something is broken.
    static constexpr Nanoseconds patience = std::chrono::seconds(30);

    // Throws std::runtime_error if it could not be started, or is not under the shim.
    explicit Program(std::vector<std::string> command) : output_(make_file()), errors_(make_file()) {
        const std::string interruptctl = find_interruptctl();
        command.insert(command.begin(), {interruptctl, "run", "--"});
        std::vector<char*> arguments;
        for (std::string& word : command) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        int input[2];
        if (::pipe2(input, O_CLOEXEC) != 0) {
            throw std::runtime_error("no pipe could be made");
        }
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ == 0) {
            ::setpgid(0, 0);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) {
                ::_exit(127);
            }
            ::dup2(input[0], STDIN_FILENO);
            ::dup2(output_, STDOUT_FILENO);
            ::dup2(errors_, STDERR_FILENO);
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::close(input[0]);
        input_ = input[1];
        if (pid_ < 0) {
            clean_up();
            throw std::runtime_error("no process could be made");
        }
        ::setpgid(pid_, pid_);  // whichever of us is the first
        // It is under the shim from the exec on; one that has ended was, or `interruptctl run` has said why not.
        eventually([this] { return interruptctl_open(pid_, &handle_) == INTERRUPTCTL_DONE || ended(); });
        if (handle_ == nullptr && (!ended() || errors().rfind("interruptctl: ", 0) == 0)) {
            const std::string why = ended() ? errors() : interruptctl_error(nullptr);
            clean_up();
            throw std::runtime_error(command[3] + " could not be started under the shim: " + why);
        }
    }
    ~Program() { clean_up(); }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    pid_t pid() const { return pid_; }
    // For what this class does not have. NULL if the program has ended before it could be opened.
    interruptctl_process* handle() const { return handle_; }

    // The id of a thread that is blocked in the call ("recv", or one of several: "recv,read"), as soon as there is one.
    // Fails the test and returns 0 if there is none in time. `thread`: a pattern for its name.
    pid_t wait_until_blocked(const std::string& calls, int fd = -1, const std::string& thread = "",
                             Nanoseconds timeout = patience) {
        interruptctl_wanted wanted = INTERRUPTCTL_WANTED_INIT;
        wanted.calls = calls.c_str();
        wanted.fd = fd;
        wanted.thread = thread.empty() ? nullptr : thread.c_str();
        wanted.timeout = static_cast<uint64_t>(timeout.count());
        if (interruptctl_wait(handle_, &wanted, nullptr) != INTERRUPTCTL_DONE) {
            ADD_FAILURE() << why_not() << told();
            return 0;
        }
        return interruptctl_thread_at(handle_, 0)->tid;
    }

    // Interrupts the thread; success if it was delivered. `outcome`: "default", "errno:EPIPE", "timeout", "eof",
    // "cancel", "exception:module.Class", "signal:SIGINT".
    ::testing::AssertionResult interrupt(pid_t tid, const std::string& outcome = "default",
                                         Nanoseconds timeout = patience) {
        interruptctl_request request = INTERRUPTCTL_REQUEST_INIT;
        request.outcome = outcome.c_str();
        request.timeout = static_cast<uint64_t>(timeout.count());
        const interruptctl_result* result = nullptr;
        if (interruptctl_interrupt(handle_, tid, &request, &result) != INTERRUPTCTL_DONE) {
            return ::testing::AssertionFailure() << why_not() << told();
        }
        return ::testing::AssertionSuccess() << result->sentence;
    }

    // What it has printed so far to standard output and standard error.
    std::string output() const { return contents(output_); }
    std::string errors() const { return contents(errors_); }

    // Waits until its standard output has this in it.
    ::testing::AssertionResult prints(const std::string& text, Nanoseconds timeout = patience) {
        const auto has_it = [&] { return output().find(text) != std::string::npos; };
        if (eventually([&] { return has_it() || ended(); }, timeout) && has_it()) {
            return ::testing::AssertionSuccess();
        }
        return ::testing::AssertionFailure() << "it has not printed: " << text << told();
    }

    // Waits until it ends, and compares its exit status, or -SIGNAL if a signal has ended it.
    ::testing::AssertionResult exits_with(int status, Nanoseconds timeout = patience) {
        if (!eventually([this] { return ended(); }, timeout)) {
            return ::testing::AssertionFailure() << "it has not ended" << told();
        }
        const int own = WIFSIGNALED(status_) ? -WTERMSIG(status_) : WEXITSTATUS(status_);
        if (own == status) {
            return ::testing::AssertionSuccess();
        }
        return ::testing::AssertionFailure() << "its exit status is " << own << told();
    }

    // To its standard input.
    void write(const std::string& text) {
        const char* rest = text.data();
        for (size_t left = text.size(); left > 0;) {
            const ssize_t size = ::write(input_, rest, left);
            if (size <= 0) {
                ADD_FAILURE() << "its standard input takes no more";
                return;
            }
            rest += size;
            left -= static_cast<size_t>(size);
        }
    }
    void close_input() {
        if (input_ >= 0) {
            ::close(input_);
        }
        input_ = -1;
    }

    void send(int signal) const {
        if (!is_collected_) {
            ::kill(pid_, signal);
        }
    }

    // Whether it has ended.
    bool ended() {
        is_collected_ = is_collected_ || ::waitpid(pid_, &status_, WNOHANG) == pid_;
        return is_collected_;
    }

private:
    static std::string find_interruptctl() {
        if (const char* named = std::getenv("INTERRUPTCTL")) {
            return named;
        }
#ifdef INTERRUPTCTL_PROGRAM
        return INTERRUPTCTL_PROGRAM;
#else
        return "interruptctl";
#endif
    }

    // No pipe: the program is not to wait for somebody who reads.
    static int make_file() {
        const int file = ::memfd_create("output", MFD_CLOEXEC);
        if (file < 0 || ::fcntl(file, F_SETFL, O_APPEND) != 0) {
            throw std::runtime_error("there is no place for the program's output");
        }
        return file;
    }

    static std::string contents(int file) {
        std::string text;
        char buffer[4096];
        for (ssize_t size; (size = ::pread(file, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;) {
            text.append(buffer, static_cast<size_t>(size));
        }
        return text;
    }

    static bool eventually(const std::function<bool()>& condition, Nanoseconds limit = patience) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= end) {
                return false;
            }
            std::this_thread::sleep_for(std::chrono::microseconds(500));
        }
        return true;
    }

    std::string why_not() const {
        return handle_ == nullptr ? "the program has ended before that." : interruptctl_error(handle_);
    }
    std::string told() const {
        return "\nits standard output:\n" + output() + "\nits standard error:\n" + errors();
    }

    void clean_up() {
        close_input();
        interruptctl_close(handle_);
        handle_ = nullptr;
        if (pid_ > 0) {
            ::kill(-pid_, SIGKILL);
            if (!is_collected_) {
                ::kill(pid_, SIGKILL);
                ::waitpid(pid_, &status_, 0);
                is_collected_ = true;
            }
        }
        ::close(output_);
        ::close(errors_);
    }

    int output_;
    int errors_;
    int input_ = -1;
    pid_t pid_ = -1;
    int status_ = 0;
    bool is_collected_ = false;
    interruptctl_process* handle_ = nullptr;
};

}  // namespace interrupt::testing

#endif
