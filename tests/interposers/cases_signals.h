// pause and sigsuspend, which end by a handler; sigwait and its kin, which take a signal that is blocked.
#pragma once

#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/raw_calls.h"

namespace interrupt_tests {

inline constexpr int ending_signal = SIGUSR1;

class SignalWait : public Wait {
public:
    using Function = int (*)(const sigset_t*);
    explicit SignalWait(Function function) : function_(function) {
        handled = 0;
        struct sigaction action = {};
        action.sa_handler = [](int) { ++handled; };
        sigaction(ending_signal, &action, nullptr);
    }
    long call() override { return function_(&signals); }
    void end(pid_t tid) override { EXPECT_EQ(send_signal(tid, ending_signal), 0); }
    Returned natural() const override { return {-1, EINTR}; }
    void check(End end) override { EXPECT_EQ(handled, end == End::natural ? 1 : 0); }
    bool goes_on_after_handler(bool) const override { return false; }

private:
    static inline std::atomic<int> handled;
    const Function function_;
};

template <>
struct Case<Row::pause> : TwoCases<Row::pause> {
    static WaitPointer make(Limit limit) {
        return limit != Limit::none ? nullptr : std::make_unique<SignalWait>([](const sigset_t*) { return pause(); });
    }
};

template <>
struct Case<Row::sigsuspend> : TwoCases<Row::sigsuspend> {
    static WaitPointer make(Limit limit) {
        return limit != Limit::none ? nullptr : std::make_unique<SignalWait>(&sigsuspend);
    }
};

template <>
struct Case<Row::__sigsuspend> : TwoCases<Row::__sigsuspend> {
    static WaitPointer make(Limit limit) {
        return limit != Limit::none ? nullptr : std::make_unique<SignalWait>(&__sigsuspend);
    }
};

class SignalSetWait : public Wait {
public:
    using Function = int (*)(const sigset_t*, const struct timespec*);
    SignalSetWait(Limit limit, Function function) : limit_(limit), function_(function) {
        sigaddset(&signals, ending_signal);
    }
    void prepare() override {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, ending_signal);
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
    }
    long call() override {
        const struct timespec time = duration_of(limit_);
        return function_(&signals, &time);
    }
    void end(pid_t tid) override { EXPECT_EQ(send_signal(tid, ending_signal), 0); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{ending_signal}; }
    Returned timed_out() const override { return failed(EAGAIN); }
    bool goes_on_after_handler(bool) const override { return false; }
    void without_waiting(NoWait& check) override {
        end(own_tid());
        check("a signal is pending", {ending_signal}, [&] { return call(); });
        if (limit_ != Limit::none) {
            const struct timespec none = {};
            check("no time", timed_out(), [&] { return function_(&signals, &none); });
            end(own_tid());
            check("no time, a signal is pending", {ending_signal}, [&] { return function_(&signals, &none); });
        }
    }

private:
    const Limit limit_;
    const Function function_;
};

template <>
struct Case<Row::sigwaitinfo> : TwoCases<Row::sigwaitinfo> {
    static WaitPointer make(Limit limit) {
        return limit != Limit::none ? nullptr
                                    : std::make_unique<SignalSetWait>(limit, [](const sigset_t* set, const timespec*) {
                                          siginfo_t info = {};
                                          const int signal = sigwaitinfo(set, &info);
                                          EXPECT_TRUE(signal == -1 || info.si_signo == signal);
                                          return signal;
                                      });
    }
};

template <>
struct Case<Row::sigtimedwait> : TwoCases<Row::sigtimedwait> {
    static WaitPointer make(Limit limit) {
        return std::make_unique<SignalSetWait>(
            limit, limit == Limit::none
                       ? [](const sigset_t* set, const timespec*) { return sigtimedwait(set, nullptr, nullptr); }
                       : [](const sigset_t* set, const timespec* time) { return sigtimedwait(set, nullptr, time); });
    }
};

// Returns error numbers, and goes on after a handler (POSIX; glibc repeats the wait).
class Sigwait : public SignalSetWait {
public:
    explicit Sigwait(Limit limit)
        : SignalSetWait(limit, [](const sigset_t* set, const timespec*) {
              int signal = 0;
              const int error = sigwait(set, &signal);
              return error == 0 ? signal : error;
          }) {}
    Returned failed(int error) const override { return {error}; }
    bool goes_on_after_handler(bool) const override { return true; }
};

template <>
struct Case<Row::sigwait> : TwoCases<Row::sigwait> {
    static WaitPointer make(Limit limit) { return limit != Limit::none ? nullptr : std::make_unique<Sigwait>(limit); }
};

}  // namespace interrupt_tests
