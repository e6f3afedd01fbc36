// Sleeps.
#pragma once

#include "shim/waits_common.h"

namespace interrupt::waits {

// The kernel always tells the rest to us; the program gets it where it asked for it.
class SleepRest {
public:
    SleepRest(const struct timespec*& time, struct timespec*& rest)
        : time_(time), program_time_(time), program_rest_(rest) {
        rest = &left_;
    }
    // Or no time at all: the call fails.
    bool zero() const {
        struct timespec time;
        return !load(time_, time) || (time.tv_sec == 0 && time.tv_nsec == 0);
    }
    bool has_passed(clockid_t clock) const {
        struct timespec time;
        struct timespec now;
        return !load(time_, time) ||
               (os::vdso_clock_gettime(clock, &now) == 0 &&
                (now.tv_sec > time.tv_sec || (now.tv_sec == time.tv_sec && now.tv_nsec >= time.tv_nsec)));
    }
    // All of it is left.
    void is_not_made() {
        if (program_time_ != nullptr) {
            left_ = *program_time_;
        }
    }
    // Each end of a sleep leaves the timer's slack more than is left: many of them must not prolong it. `wall`: its
    // time passes as ours does.
    void repeat(uint64_t since, bool wall) {
        const uint64_t left = os::nanoseconds(left_);
        const uint64_t most = wall ? limit_.rest(since, os::nanoseconds(*program_time_)) : left;
        next_ = os::to_timespec(left < most ? left : most);
        time_ = &next_;
    }
    // False if it cannot be written.
    bool tell() const { return program_rest_ == nullptr || store(program_rest_, left_); }

private:
    const struct timespec*& time_;
    const struct timespec* const program_time_;
    struct timespec* const program_rest_;
    Limit limit_;
    struct timespec left_ = {};
    struct timespec next_ = {};
};

struct Nanosleep : Common {
    static constexpr bool redirects = true;
    Nanosleep(const struct timespec*& time, struct timespec*& rest) : rest_(time, rest) {}
    bool has_time_limit() const { return true; }
    bool cannot_block() const { return rest_.zero(); }
    int time_out() const { return 0; }
    void is_not_made() { rest_.is_not_made(); }
    void shorten(uint64_t since) { rest_.repeat(since, true); }
    int total(int result) const { return result == -1 && errno == EINTR && !rest_.tell() ? fail(EFAULT) : result; }
    static uint64_t target() { return 0; }

protected:
    SleepRest rest_;
};

struct ClockNanosleep : ErrorNumber {
    static constexpr bool redirects = true;
    ClockNanosleep(clockid_t clock, int flags, const struct timespec*& time, struct timespec*& rest)
        : clock_(clock), absolute_((flags & TIMER_ABSTIME) != 0), rest_(time, rest) {}
    bool has_time_limit() const { return true; }
    bool cannot_block() const { return absolute_ ? rest_.has_passed(clock_) : rest_.zero(); }
    int time_out() const { return 0; }
    void is_not_made() { rest_.is_not_made(); }
    void shorten(uint64_t since) {
        if (!absolute_) {
            rest_.repeat(since, clock_ == CLOCK_REALTIME || clock_ == CLOCK_MONOTONIC);
        }
    }
    int total(int result) const { return result == EINTR && !absolute_ && !rest_.tell() ? EFAULT : result; }
    static uint64_t target() { return 0; }

private:
    const clockid_t clock_;
    const bool absolute_;
    SleepRest rest_;
};

// C11: -1 by a signal, another negative value for an error, which it does not name.
struct ThreadsSleep : Nanosleep {
    using Nanosleep::Nanosleep;
    static bool succeeded(int result) { return result == 0; }
    static bool interrupted(int result, const Attempt&) { return result == -1; }
    int fail(int error) const { return error == EINTR ? -1 : -2; }
    int interrupt() const { return -1; }
    int total(int result) const { return result == -1 && !rest_.tell() ? fail(EFAULT) : result; }
};

}  // namespace interrupt::waits
