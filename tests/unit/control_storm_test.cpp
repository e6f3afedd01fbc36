// The choices of a storm, and the places of its latencies.
#include <gtest/gtest.h>

#include "control/storm.h"

namespace interrupt::control {
namespace {

std::vector<size_t> choices(uint64_t seed, size_t threads, size_t outcomes, size_t count = 100) {
    std::vector<size_t> all;
    for (StormChoices choices(seed); count > 0; --count) {
        const auto [thread, outcome] = choices.next(threads, outcomes);
        EXPECT_LT(thread, threads);
        EXPECT_LT(outcome, outcomes);
        all.push_back(thread);
        all.push_back(outcome);
    }
    return all;
}

TEST(StormChoices, AreThoseOfTheSeed) {
    EXPECT_EQ(choices(7, 10, 3), choices(7, 10, 3));
    EXPECT_NE(choices(7, 10, 3), choices(8, 10, 3));
    // As documented: whoever has the same generator can tell them.
    std::mt19937_64 random(7);
    const uint64_t first = random(), second = random();
    EXPECT_EQ(choices(7, 10, 3, 1), (std::vector<size_t>{first % 10, second % 3}));
}

// However many outcomes there are, the threads are the same.
TEST(StormChoices, OfThreadsDoNotDependOnTheOutcomes) {
    const auto one = choices(7, 10, 1), three = choices(7, 10, 3);
    for (size_t i = 0; i < one.size(); i += 2) {
        EXPECT_EQ(one[i], three[i]);
    }
}

TEST(Latencies, ArePickedByRank) {
    Latencies none;
    EXPECT_EQ(none.at(0.5), 0u);
    Latencies some;
    for (uint64_t i = 100; i > 0; --i) {
        some.ns.push_back(i);
    }
    EXPECT_EQ(some.at(0.5), 50u);
    EXPECT_EQ(some.at(0.99), 99u);
    EXPECT_EQ(some.at(1), 100u);
    EXPECT_EQ(some.at(0), 1u);
}

}  // namespace
}  // namespace interrupt::control
