// One blocked call of a row: what it waits for, how it is called, how it ends, and what it returns then. The scenarios
// (scenario.h) make each of them afresh and know nothing of the call.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <ostream>

namespace interrupt_tests {

// errno before every call; no call sets it to this.
inline constexpr int untouched = 4711;

struct Returned {
    long value;
    int error = untouched;  // errno afterwards
    bool operator==(const Returned&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const Returned& returned) {
    out << returned.value;
    return returned.error == untouched ? out << ", errno untouched" : out << ", errno " << returned.error;
}

// The call's own time limit. Not every call can have each of them.
enum class Limit { none, near, far };
inline constexpr int near_ms = 1'000;
inline constexpr int far_seconds = 100;

// How a call has ended, for Wait::check().
enum class End { natural, interrupted, failed, timed_out, end_of_file };

// Calls that need no wait, made while a request is pending: it must neither show nor be consumed.
class NoWait {
public:
    virtual void operator()(const char* what, Returned expected, const std::function<long()>& call) = 0;

protected:
    ~NoWait() = default;
};

class Wait {
public:
    Wait() { sigemptyset(&signals); }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    virtual ~Wait() = default;

    // In the thread that waits, before the call.
    virtual void prepare() {}
    virtual long call() = 0;

    // From another thread: what the call waits for comes. Nothing for a call that ends by its time alone.
    virtual void end(pid_t) {}
    virtual bool ends_by_time() const { return false; }
    virtual Returned natural() const = 0;

    virtual Returned failed(int error) const { return {-1, error}; }
    virtual Returned interrupted() const { return failed(EINTR); }
    virtual Returned timed_out() const { return {0}; }
    virtual bool can_reach_end_of_file() const { return false; }
    virtual Returned end_of_file() const { return {0}; }
    // What it left in its arguments.
    virtual void check(End) {}

    // After a handler of the program (signal(7)): the call waits on, or else returns as interrupted_by_handler() says.
    virtual bool goes_on_after_handler(bool restarts) const = 0;
    virtual Returned interrupted_by_handler() const { return failed(EINTR); }

    virtual void without_waiting(NoWait&) {}

    // It waits because of a seccomp filter: interruptctl leaves the thread alone.
    virtual bool is_under_a_filter() const { return false; }

    // The mask or set of the call's arguments; what is not in it otherwise comes from the case.
    sigset_t signals;
};

using WaitPointer = std::unique_ptr<Wait>;

}  // namespace interrupt_tests
