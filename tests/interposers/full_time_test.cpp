// A wait that has a time limit of its own lasts as long as the program said, neither shorter nor longer, while signals
// of the nudge's number arrive that are nobody's.
#include <gtest/gtest.h>

#include <list>

#include "tests/interposers/raw_calls.h"
#include "tests/interposers/scenario.h"

namespace interrupt_tests {

namespace {

constexpr uint64_t millisecond = 1'000'000;

struct Limited {
    Limited(const Subject& row, WaitPointer made)
        : subject(row), wait(std::move(made)), waiter(subject, *wait, {.held = true}) {}
    const Subject subject;
    const WaitPointer wait;
    Waiter waiter;
};

TEST(FullTime, UnderSignalsThatAreNobodys) {
    std::list<Limited> all;  // at the same time: one second for all of them
    for (const Subject& subject : subjects()) {
        if (WaitPointer wait = subject.make(Limit::near)) {
            all.emplace_back(subject, std::move(wait));
        }
    }
    ASSERT_GT(all.size(), 30u);
    for (Limited& limited : all) {
        limited.waiter.go();
    }
    // To the last fifth of the time: a limit that began anew with each signal would then be far from over at its end.
    const uint64_t start = monotonic_ns();
    while (monotonic_ns() - start < near_ms * millisecond * 4 / 5) {
        for (Limited& limited : all) {
            send_signal(limited.waiter.tid(), SIGURG);
        }
        raw_wait(5'000);
    }
    for (Limited& limited : all) {
        SCOPED_TRACE(limited.subject.name);
        const Waiter::Found& found = limited.waiter.join();
        EXPECT_EQ(found.returned, limited.wait->timed_out());
        limited.wait->check(End::timed_out);
        // The kernel rounds a socket's limit to its clock ticks, of 10 ms at most.
        EXPECT_GE(found.nanoseconds, (near_ms - 10) * millisecond);
        EXPECT_LE(found.nanoseconds, (near_ms + near_ms * 3 / 5) * millisecond);
        EXPECT_FALSE(found.pending);
    }
}

}  // namespace

}  // namespace interrupt_tests
