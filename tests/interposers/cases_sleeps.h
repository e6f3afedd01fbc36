// nanosleep, clock_nanosleep, thrd_sleep, sleep, usleep: they end by their time alone, and tell the rest.
#pragma once

#include <gtest/gtest.h>

#include "tests/interposers/rows.h"

namespace interrupt_tests {

inline struct timespec duration_of(Limit limit) {
    return limit == Limit::far ? timespec{far_seconds, 0} : timespec{near_ms / 1'000, near_ms % 1'000 * 1'000'000};
}

inline struct timespec deadline_of(clockid_t clock, Limit limit) {
    struct timespec deadline;
    clock_gettime(clock, &deadline);
    deadline.tv_sec += duration_of(limit).tv_sec;
    return deadline;
}

class SleepWait : public Wait {
public:
    explicit SleepWait(Limit limit) : time_(duration_of(limit)) {}
    bool ends_by_time() const override { return true; }
    Returned natural() const override { return {0}; }
    bool goes_on_after_handler(bool) const override { return false; }

protected:
    const struct timespec time_;
};

class Nanosleep : public SleepWait {
public:
    using Function = long (*)(const struct timespec*, struct timespec*);
    Nanosleep(Limit limit, Function function) : SleepWait(limit), function_(function) {}
    long call() override { return function_(&time_, &rest_); }
    void check(End end) override {
        if (end == End::interrupted) {
            // The kernel counts the timer's slack (50 us, PR_SET_TIMERSLACK) in: a sleep that was interrupted at once
            // has more left than it was to take.
            EXPECT_LE(rest_.tv_sec, time_.tv_sec);
            EXPECT_TRUE(rest_.tv_sec < time_.tv_sec || rest_.tv_nsec < 10'000'000) << rest_.tv_nsec;
            EXPECT_GE(rest_.tv_sec, time_.tv_sec - 11);
        } else {
            EXPECT_EQ(rest_.tv_sec, -1);
        }
    }
    void without_waiting(NoWait& check) override {
        const struct timespec zero = {};
        const struct timespec invalid = {0, -1};
        for (int i = 0; i < 100; ++i) {
            check("no time", {0}, [&] { return function_(&zero, nullptr); });
        }
        check("invalid time", failed(EINVAL), [&] { return function_(&invalid, nullptr); });
    }

private:
    const Function function_;
    struct timespec rest_ = {-1, -1};
};

class ClockNanosleep : public Nanosleep {
public:
    explicit ClockNanosleep(Limit limit)
        : Nanosleep(limit, [](const struct timespec* time, struct timespec* rest) -> long {
              return clock_nanosleep(CLOCK_MONOTONIC, 0, time, rest);
          }) {}
    Returned failed(int error) const override { return {error}; }
    void without_waiting(NoWait& check) override {
        Nanosleep::without_waiting(check);
        const struct timespec past = {1, 0};
        for (int i = 0; i < 100; ++i) {
            check("a time that has passed", {0},
                  [&] { return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, nullptr); });
        }
    }
};

// -1 by a signal, another negative value for an error; errno is not part of it.
class ThreadsSleep : public Nanosleep {
public:
    explicit ThreadsSleep(Limit limit)
        : Nanosleep(limit,
                    [](const struct timespec* time, struct timespec* rest) -> long { return thrd_sleep(time, rest); }) {
    }
    Returned failed(int error) const override { return {error == EINTR ? -1 : -2}; }
};

// The seconds that are left are the result: 99 stands for all that a prompt interruption can leave.
class Sleep : public SleepWait {
public:
    using SleepWait::SleepWait;
    long call() override {
        const unsigned rest = sleep(static_cast<unsigned>(time_.tv_sec));
        return rest > far_seconds - 11 && rest <= far_seconds ? 99 : rest;
    }
    Returned failed(int error) const override { return {99, error}; }
    void without_waiting(NoWait& check) override {
        for (int i = 0; i < 100; ++i) {
            check("no time", {0}, [] { return sleep(0); });
        }
    }
};

class Usleep : public SleepWait {
public:
    using SleepWait::SleepWait;
    long call() override { return usleep(static_cast<useconds_t>(time_.tv_sec * 1'000'000)); }
    void without_waiting(NoWait& check) override {
        for (int i = 0; i < 100; ++i) {
            check("no time", {0}, [] { return usleep(0); });
        }
    }
};

template <class Made, class... Arguments>
WaitPointer make_limited(Limit limit, Arguments... arguments) {
    return limit == Limit::none ? nullptr : std::make_unique<Made>(limit, arguments...);
}

template <>
struct Case<Row::nanosleep> : TwoCases<Row::nanosleep> {
    static WaitPointer make(Limit limit) {
        return make_limited<Nanosleep>(
            limit, [](const struct timespec* time, struct timespec* rest) -> long { return nanosleep(time, rest); });
    }
};

template <>
struct Case<Row::__nanosleep> : TwoCases<Row::__nanosleep> {
    static WaitPointer make(Limit limit) {
        return make_limited<Nanosleep>(
            limit, [](const struct timespec* time, struct timespec* rest) -> long { return __nanosleep(time, rest); });
    }
};

template <>
struct Case<Row::clock_nanosleep> : TwoCases<Row::clock_nanosleep> {
    static WaitPointer make(Limit limit) { return make_limited<ClockNanosleep>(limit); }
};

template <>
struct Case<Row::thrd_sleep> : TwoCases<Row::thrd_sleep> {
    static WaitPointer make(Limit limit) { return make_limited<ThreadsSleep>(limit); }
};

template <>
struct Case<Row::sleep> : TwoCases<Row::sleep> {
    static WaitPointer make(Limit limit) { return make_limited<Sleep>(limit); }
};

template <>
struct Case<Row::usleep> : TwoCases<Row::usleep> {
    static WaitPointer make(Limit limit) { return make_limited<Usleep>(limit); }
};

}  // namespace interrupt_tests
