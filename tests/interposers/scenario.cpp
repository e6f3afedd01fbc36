#include "tests/interposers/scenario.h"

#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "interrupt/interrupt.h"
#include "tests/interposers/raw_calls.h"
#include "tests/support/own_table.h"

namespace interrupt_tests {

namespace {

bool sleeps_now(pid_t tid) {
    std::ifstream status("/proc/self/task/" + std::to_string(tid) + "/status");
    bool asleep = false;
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("State:")) {
            asleep = line.find('S', 6) != std::string::npos;
        } else if (line.starts_with("SigPnd:")) {
            return asleep && (std::strtoull(line.c_str() + 7, nullptr, 16) >> (SIGURG - 1) & 1) == 0;
        }
    }
    return false;
}

}  // namespace

uint64_t monotonic_ns() {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void await(const char* what, const std::function<bool()>& holds) {
    const uint64_t start = monotonic_ns();
    while (!holds()) {
        if (monotonic_ns() - start > 10'000'000'000) {
            std::fprintf(stderr, "awaited in vain: %s\n", what);
            std::_Exit(1);
        }
        raw_wait(100);
    }
}

bool sleeps_undisturbed(pid_t tid) {
    return sleeps_now(tid) && sleeps_now(tid);
}

int count_raw_interruptions(const std::function<bool()>& going_on) {
    int count = 0;
    while (going_on()) {
        count += raw_wait(300) == -EINTR;
    }
    return count;
}

Waiter::Waiter(const Subject& subject, Wait& wait, Options options)
    : subject_(subject), wait_(wait), held_(options.held), thread_([this, options] { run(options); }) {
    await("the start of the thread", [this] { return tid_ != 0; });
}

Waiter::~Waiter() {
    if (thread_.joinable()) {
        join();
    }
}

void Waiter::run(const Options& options) {
    prctl(PR_SET_NAME, "waiter");  // for rules that are about it alone
    wait_.prepare();
    if (options.all_signals_blocked) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
    }
    tid_ = own_tid();
    while (held_) {
        raw_call(SYS_sched_yield);
    }
    entered_ = true;
    const uint64_t start = monotonic_ns();
    errno = untouched;
    found_.returned.value = options.caller ? options.caller(wait_) : wait_.call();
    found_.returned.error = errno;
    found_.nanoseconds = monotonic_ns() - start;
    if (const auto* record = own_record_of(own_tid())) {
        found_.pending = interrupt_pending() == 1;
        found_.delivered_in = interrupt::Delivered{record->delivered.load()}.call();
    }
    // Longer than a retry timer that was left armed would need.
    int rounds = 3;
    found_.raw_interruptions = count_raw_interruptions([&] { return rounds-- > 0; });
    if (options.afterwards) {
        options.afterwards();
    }
    done_ = true;
}

void Waiter::await_blocked() const {
    await(subject_.name, [this] {
        if (done_) {
            std::fprintf(stderr, "%s has returned %ld, errno %d\n", subject_.name, found_.returned.value,
                         found_.returned.error);
            std::_Exit(1);
        }
        return entered_ && (own_table() == nullptr || blocked_in(tid_) == subject_.call) && sleeps_undisturbed(tid_);
    });
}

const Waiter::Found& Waiter::join() {
    if (thread_.joinable()) {
        await((std::string("the return of ") + subject_.name).c_str(), [this] { return done_.load(); });
        thread_.join();
    }
    return found_;
}

}  // namespace interrupt_tests
