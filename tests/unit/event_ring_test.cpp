// The ring of events: what is taken is what was written, and what is not there any more is known to be lost.
#include "control/event_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace interrupt {
namespace {

// Each field by the thread and the number, so that parts of two events are told.
Event nth_event(uint32_t tid, uint64_t number) {
    return {.time = number * 3,
            .duration = number ^ tid,
            .target = number + 7,
            .caller = number * tid,
            .wait = number,
            .tid = tid,
            .sequence = static_cast<uint32_t>(number + tid),
            .call = Call::recv_,
            .error = static_cast<uint16_t>(number),
            .kind = EventKind::wait};
}

bool same(const Event& one, const Event& other) {
    return std::bit_cast<EventWords>(one).sum(0) == std::bit_cast<EventWords>(other).sum(0);
}

TEST(EventRing, GivesWhatWasWritten) {
    const auto ring = std::make_unique<EventRing>();
    Event event;
    EXPECT_FALSE(ring->take(0, event)) << "not yet";
    ring->write(nth_event(5, 1));
    ring->write(nth_event(6, 2));
    EXPECT_EQ(ring->head, 2u);
    ASSERT_TRUE(ring->take(1, event));
    EXPECT_TRUE(same(event, nth_event(6, 2)));
    ASSERT_TRUE(ring->take(0, event));
    EXPECT_TRUE(same(event, nth_event(5, 1)));
    EXPECT_FALSE(ring->take(2, event));
}

TEST(EventRing, KnowsWhatWasOverwritten) {
    const auto ring = std::make_unique<EventRing>();
    for (uint64_t i = 0; i < ring_slots + 2; ++i) {
        ring->write(nth_event(1, i));
    }
    Event event;
    EXPECT_FALSE(ring->take(0, event));
    EXPECT_FALSE(ring->take(1, event));
    ASSERT_TRUE(ring->take(2, event));
    EXPECT_TRUE(same(event, nth_event(1, 2)));
    ASSERT_TRUE(ring->take(ring_slots + 1, event));
    EXPECT_TRUE(same(event, nth_event(1, ring_slots + 1)));
}

TEST(EventRing, KnowsWhereTwoWritersHaveMet) {
    for (size_t word = 0; word < std::size(EventWords().words); ++word) {
        const auto ring = std::make_unique<EventRing>();
        ring->write(nth_event(1, 1));
        ring->slots[0].words[word].fetch_xor(1);
        Event event;
        EXPECT_FALSE(ring->take(0, event)) << word;
    }
}

TEST(EventRing, LosesNothingInSilenceWithManyWriters) {
    const auto ring = std::make_unique<EventRing>();
    constexpr uint64_t events_of_each = 300'000;
    constexpr uint32_t writers = 4;
    std::vector<std::thread> threads;
    for (uint32_t tid = 1; tid <= writers; ++tid) {
        threads.emplace_back([&, tid] {
            for (uint64_t i = 0; i < events_of_each; ++i) {
                ring->write(nth_event(tid, i));
            }
        });
    }
    uint64_t taken = 0;
    uint64_t missed = 0;
    uint64_t last[writers + 1] = {};
    for (uint64_t number = 0; number < writers * events_of_each;) {
        const uint64_t head = ring->head;
        if (head == number) {
            std::this_thread::yield();
            continue;
        }
        Event event;
        const bool there = ring->take(number, event);
        if (!there && ring->head - number <= ring_slots && head < writers * events_of_each) {
            continue;  // its writer is about to
        }
        ++number;
        if (!there) {
            ++missed;
            continue;
        }
        ++taken;
        ASSERT_GE(event.tid, 1u);
        ASSERT_LE(event.tid, writers);
        ASSERT_TRUE(same(event, nth_event(event.tid, event.wait)));
        ASSERT_TRUE(event.wait == 0 || event.wait > last[event.tid]) << "an event was taken twice, or out of order";
        last[event.tid] = event.wait;
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(taken + missed, writers * events_of_each);
    EXPECT_GT(taken, ring_slots / 2);
}

}  // namespace
}  // namespace interrupt
