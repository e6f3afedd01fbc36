// Waits for children, semaphores, condition variables and signals; and those that are shown alone.
#pragma once

#include "shim/waits_common.h"

namespace interrupt::waits {

struct Child : Common {
    Child(pid_t pid, int options) : pid_(pid), options_(options) {}
    uint64_t target() const { return static_cast<uint64_t>(static_cast<int64_t>(pid_)); }
    bool cannot_block() const { return (options_ & WNOHANG) != 0; }

private:
    const pid_t pid_;
    const int options_;
};

struct Semaphore : Common {
    Semaphore(sem_t* semaphore, bool timed) : semaphore_(semaphore), timed_(timed) {}
    uint64_t target() const { return reinterpret_cast<uintptr_t>(semaphore_); }
    bool has_time_limit() const { return timed_; }
    int time_out() const { return fail(ETIMEDOUT); }

private:
    sem_t* const semaphore_;
    const bool timed_;
};

// Ended by the nudge handler, which has consumed the request by then: glibc's wait does not come back with EINTR. The
// mutex is held again, as after any return.
struct Condition : ErrorNumber {
    Condition(pthread_cond_t* condition, bool timed) : condition_(condition), timed_(timed) {}
    uint64_t target() const { return reinterpret_cast<uintptr_t>(condition_); }
    bool interrupted(int, const Attempt& attempt) const { return attempt.faked.word != 0; }
    int interrupt() const { return 0; }  // a spurious wakeup
    bool has_time_limit() const { return timed_; }

private:
    pthread_cond_t* const condition_;
    const bool timed_;
};

// No interruption point: the thread is shown there, and nothing acts on it.
struct Shown : Common {
    explicit Shown(uintptr_t address) : address_(address) {}
    explicit Shown(const void* address) : address_(reinterpret_cast<uintptr_t>(address)) {}
    uint64_t target() const { return address_; }
    static bool succeeded(int) { return true; }
    bool interrupted(int, const Attempt&) const { return false; }

private:
    const uint64_t address_;
};

struct Pause : Common {
    static uint64_t target() { return 0; }
};

struct Sigsuspend : Common {
    static constexpr bool redirects = true;
    explicit Sigsuspend(const sigset_t*& mask) : mask_(mask) {}
    static uint64_t target() { return 0; }
    bool ended_at_entry(int& result) { return mask_.ended_at_entry(result); }
    int total(int result) {
        mask_.restore();
        return result;
    }

private:
    Masked mask_;
};

// sigwaitinfo and sigtimedwait. The nudge's signal is never waited for by the kernel: one of the program's that came
// while it was blocked is held (held_signal.h), and its arrival ends the wait with EINTR.
struct SignalSet : Common {
    static constexpr bool redirects = true;
    SignalSet(const sigset_t*& set, siginfo_t* info)
        : without_(set), wants_nudge_signal_(without_.pointer != set), info_(info) {
        set = without_.pointer;
    }
    static uint64_t target() { return 0; }
    int time_out() const { return fail(EAGAIN); }
    bool ended_at_entry(int& result) {
        if (!wants_nudge_signal_) {
            return false;
        }
        set_signal_awaited(true);
        if (!take_held_signal(held_)) {
            return false;
        }
        taken_ = true;
        result = -1;
        return true;
    }
    bool interrupted(int result, const Attempt& attempt) {
        if (!Common::interrupted(result, attempt)) {
            return false;
        }
        taken_ = wants_nudge_signal_ && take_held_signal(held_);
        return !taken_;
    }
    int total(int result) {
        if (wants_nudge_signal_) {
            set_signal_awaited(false);
        }
        if (!taken_) {
            return result;
        }
        if (held_.si_code == SI_TKILL) {  // as glibc has it
            held_.si_code = SI_USER;
        }
        return info_ == nullptr || store(info_, held_) ? settings.signal : fail(EFAULT);
    }

private:
    WithoutNudge without_;
    const bool wants_nudge_signal_;
    bool taken_ = false;
    siginfo_t* const info_;
    siginfo_t held_;
};

struct SignalSetTimed : RelativelyLimited<SignalSet> {
    SignalSetTimed(const sigset_t*& set, siginfo_t* info, const struct timespec*& timeout)
        : RelativelyLimited(timeout, set, info) {}
};

// sigwait: an error number, and no EINTR by a signal of the program's (glibc repeats it).
struct Sigwait : SignalSet {
    using SignalSet::SignalSet;
    bool ends_by_program_signal() const { return false; }
};

}  // namespace interrupt::waits
