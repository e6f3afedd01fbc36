// What each kind of wait is: how it fails, whether it has a time limit, what is left of it after a repetition. One
// small class per family of calls; the interposers' arguments are held by reference where a repetition changes them.
//
// A Wait has
//     succeeded(result)            nothing to look at: most calls end here
//     interrupted(result, attempt) it came back with EINTR, or as the handler made it
//     fail(error)                  the result that reports `error`; also interrupt(), time_out(), end_of_file()
//     has_time_limit()             a `timeout` may act here
//     cannot_block()               a cheap look: this very call will not wait
//     shorten(since)               before a repetition: `since` is the coarse time of entry, ns
//     unfinished(result)           a nudge cut a transfer short; if true the arguments are those of the rest
//     moved()                      such a part is done: it is the result, whatever becomes of the rest
//     underway()                   it goes on even without another nudge: only a part of the rest was asked for
//     repeat(real)                 makes the call again, after shorten()
//     total(result)                what the program gets
//     ends_by_program_signal()     an EINTR that the program's own signal made is returned
//     redirects                    it puts its own objects in place of arguments from the first call on
// and, if it may end before the call, ended_at_entry(result); if it waits for descriptors to be ready, be_ready(): the
// result as if all of them were.
#pragma once

#include <cerrno>
#include <climits>
#include <utility>

#include "shim/libc_functions.h"
#include "shim/platform/platform.h"
#include "shim/program_memory.h"
#include "shim/program_signals.h"
#include "shim/thread_context.h"

namespace interrupt::waits {

// The rest of a relative time limit, with an end that does not move. The coarse time of entry can be some ticks old,
// more on a virtual machine that is kept waiting: it is taken later by that, since no wait may be shortened.
class Limit {
public:
    uint64_t rest(uint64_t since, uint64_t whole) {
        if (end_ == 0) {
            end_ = since + 4 * os::coarse_tick_ns + whole;
        }
        const uint64_t now = os::monotonic_ns();
        return now < end_ ? end_ - now : 0;
    }

private:
    uint64_t end_ = 0;
};

// A time limit in milliseconds, negative for none.
class Milliseconds {
public:
    explicit Milliseconds(int& timeout) : timeout_(timeout), whole_(timeout) {}
    bool none() const { return whole_ < 0; }
    bool zero() const { return whole_ == 0; }
    void shorten(uint64_t since) {
        if (whole_ > 0) {
            const uint64_t rest = limit_.rest(since, static_cast<uint64_t>(whole_) * 1'000'000);
            timeout_ = static_cast<int>((rest + 999'999) / 1'000'000);
        }
    }

private:
    int& timeout_;
    const int whole_;
    Limit limit_;
};

// A relative time limit as a timespec, null for none.
class Timespec {
public:
    explicit Timespec(const struct timespec*& timeout) : timeout_(timeout), program_(timeout) {}
    bool none() const { return program_ == nullptr; }
    // Or no time at all: the call fails.
    bool zero() const {
        struct timespec time;
        return program_ != nullptr && (!load(program_, time) || (time.tv_sec == 0 && time.tv_nsec == 0));
    }
    void shorten(uint64_t since) {
        if (program_ != nullptr) {
            left_ = os::to_timespec(limit_.rest(since, os::nanoseconds(*program_)));
            timeout_ = &left_;
        }
    }

private:
    const struct timespec*& timeout_;
    const struct timespec* const program_;
    struct timespec left_ = {};
    Limit limit_;
};

// A wait with a time limit of that kind, whatever else it is.
template <class Base>
struct RelativelyLimited : Base {
    template <class... Arguments>
    explicit RelativelyLimited(const struct timespec*& timeout, Arguments&&... arguments)
        : Base(std::forward<Arguments>(arguments)...), timeout_(timeout) {}
    bool has_time_limit() const { return !timeout_.none(); }
    bool cannot_block() const { return timeout_.zero(); }
    void shorten(uint64_t since) { timeout_.shorten(since); }

private:
    Timespec timeout_;
};

// A call that swaps the signal mask while it waits.
class Masked {
public:
    explicit Masked(const sigset_t*& mask) : during_(mask) { mask = during_.real_mask(); }
    template <class Result>
    bool ended_at_entry(Result& result) {
        if (!during_.let_signal_in()) {
            return false;
        }
        errno = EINTR;
        result = -1;
        return true;
    }
    void restore() { during_.restore(); }

private:
    MaskDuringCall during_;
};

// -1 and errno, or a count.
struct Common {
    static constexpr bool redirects = false;
    template <class Result>
    static bool succeeded(Result result) {
        return result >= 0;
    }
    template <class Result>
    bool interrupted(Result result, const Attempt&) const {
        return result == -1 && errno == EINTR;
    }
    int fail(int error) const {
        errno = error;
        return -1;
    }
    int interrupt() const { return fail(EINTR); }
    int time_out() const { return fail(EAGAIN); }
    int end_of_file() const { return 0; }
    bool has_time_limit() const { return false; }
    bool cannot_block() const { return false; }
    void shorten(uint64_t) {}
    template <class RealCall>
    auto repeat(RealCall& real) {
        return real();
    }
    template <class Result>
    bool unfinished(Result) {
        return false;
    }
    bool moved() const { return false; }
    bool underway() const { return false; }
    template <class Result>
    Result total(Result result) {
        return result;
    }
    bool ends_by_program_signal() const { return true; }
};

// 0, or the error number.
struct ErrorNumber : Common {
    static bool succeeded(int result) { return result == 0; }
    bool interrupted(int result, const Attempt&) const { return result == EINTR; }
    int fail(int error) const { return error; }
    int interrupt() const { return EINTR; }
    int time_out() const { return ETIMEDOUT; }
};

}  // namespace interrupt::waits
