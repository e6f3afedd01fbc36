// wait, waitpid and their kin.
#pragma once

#include <fstream>

#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/descriptors.h"
#include "tests/interposers/scenario.h"

namespace interrupt_tests {

// A child that ends with status 7 when it is told to.
class ForkedChild {
public:
    ForkedChild() : pid_(fork()) {
        if (pid_ == 0) {
            raw_close(pipe_.writer);
            char byte;
            raw_read(pipe_.reader, &byte, 1);
            raw_call(SYS_exit_group, 7);
        }
        EXPECT_GT(pid_, 0);
    }
    ~ForkedChild() {
        raw_call(SYS_kill, pid_, SIGKILL);
        raw_call(SYS_wait4, pid_, 0, 0, 0);
    }
    pid_t pid() const { return pid_; }
    void end() { pipe_.writer.close_now(); }
    bool has_ended() const {
        std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
        std::string text;
        std::getline(stat, text);
        return text.find(") Z ") != std::string::npos;
    }

private:
    Pipe pipe_;
    const pid_t pid_;
};

class WaitForChild : public Wait {
public:
    using Function = long (*)(pid_t, int* status, int options);
    WaitForChild(Function function, bool has_options) : function_(function), has_options_(has_options) {}
    long call() override { return call_with(0); }
    void end(pid_t) override { child_.end(); }
    Returned natural() const override { return {1}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts; }
    void check(End end) override { EXPECT_EQ(status_, end == End::natural ? 7 : -1); }
    void without_waiting(NoWait& check) override {
        if (has_options_) {
            check("WNOHANG", {0}, [&] { return call_with(WNOHANG); });
        }
        end(0);
        await("the child's end", [&] { return child_.has_ended(); });
        check("a child that has ended", {1}, [&] { return call(); });
        this->check(End::natural);
        check("no child", failed(ECHILD), [&] { return call(); });
    }

private:
    // 1 for the child's id.
    long call_with(int options) {
        int status = -1;
        const long pid = function_(child_.pid(), &status, options);
        status_ = status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return pid == child_.pid() ? 1 : pid;
    }
    const Function function_;
    const bool has_options_;
    int status_ = -1;
    ForkedChild child_;
};

#define CHILD(name, has_options, ...)                                                                                \
    template <>                                                                                                      \
    struct Case<Row::name> : TwoCases<Row::name> {                                                                   \
        static WaitPointer make(Limit limit) {                                                                       \
            return limit != Limit::none                                                                              \
                       ? nullptr                                                                                     \
                       : std::make_unique<WaitForChild>([]([[maybe_unused]] pid_t pid, [[maybe_unused]] int* status, \
                                                           [[maybe_unused]] int options) -> long { __VA_ARGS__ },    \
                                                        has_options);                                                \
        }                                                                                                            \
    };
CHILD(wait, false, return wait(status);)
CHILD(__wait, false, return __wait(status);)
CHILD(wait3, true, struct rusage usage; return wait3(status, options, &usage);)
CHILD(wait4, true, struct rusage usage; return wait4(pid, status, options, &usage);)
CHILD(waitpid, true, return waitpid(pid, status, options);)
CHILD(__waitpid, true, return __waitpid(pid, status, options);)
CHILD(
    waitid, true, siginfo_t info; info.si_pid = 0;
    const long result = waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | options);
    if (result == 0 && info.si_pid != 0) { *status = W_EXITCODE(info.si_status, 0); } return result == 0 ? info.si_pid
                                                                                                         : result;)
#undef CHILD

}  // namespace interrupt_tests
