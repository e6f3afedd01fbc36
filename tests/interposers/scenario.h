// A thread that makes one call of a row, and how its states are awaited.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "tests/interposers/rows.h"

namespace interrupt_tests {

// In the environment: the tests run in a bare process, to see what the calls do by themselves.
inline constexpr const char* without_shim = "INTERPOSER_TESTS_WITHOUT_SHIM";

uint64_t monotonic_ns();

// Until `holds`; after ten seconds the process ends with a sentence that names what was awaited.
void await(const char* what, const std::function<bool()>& holds);

// Whether the kernel has the thread asleep with nothing of SIGURG on its way. Looks twice: a signal seen gone may be in
// its handler still, when the thread was last seen asleep before it.
bool sleeps_undisturbed(pid_t tid);

// Raw waits of the calling thread that ended with EINTR while `going_on`.
int count_raw_interruptions(const std::function<bool()>& going_on);

class Waiter {
public:
    struct Options {
        bool held = false;  // does not make the call before go()
        bool all_signals_blocked = false;
        std::function<void()> afterwards = {};   // in the thread, after the call
        std::function<long(Wait&)> caller = {};  // makes the call
    };
    // What the thread found when the call had returned.
    struct Found {
        Returned returned = {0, 0};
        bool pending = false;
        interrupt::Call delivered_in = interrupt::Call::running;
        uint64_t nanoseconds = 0;
        int raw_interruptions = 0;
    };

    Waiter(const Subject& subject, Wait& wait) : Waiter(subject, wait, Options()) {}
    Waiter(const Subject& subject, Wait& wait, Options options);
    ~Waiter();

    pid_t tid() const { return tid_; }
    void go() { held_ = false; }
    bool done() const { return done_; }
    // Blocked by its record, and by the kernel; for good, as far as what was sent to it before is concerned.
    void await_blocked() const;
    const Found& join();

private:
    void run(const Options& options);

    const Subject& subject_;
    Wait& wait_;
    std::atomic<pid_t> tid_ = 0;
    std::atomic<bool> held_;
    std::atomic<bool> entered_ = false;
    std::atomic<bool> done_ = false;
    Found found_;
    std::thread thread_;
};

}  // namespace interrupt_tests
