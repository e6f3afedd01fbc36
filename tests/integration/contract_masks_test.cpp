// Masks: per thread, not inherited; what they defer stays pending and acts at the next interruption point after they
// are left.
#include "contract_support.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

TEST(Masks, SetReturnsTheOneBefore) {
    EXPECT_EQ(interrupt_mask(INTERRUPT_MASK_ALL), INTERRUPT_MASK_NONE);
    EXPECT_EQ(interrupt_mask(INTERRUPT_MASK_ON_BLOCKING), INTERRUPT_MASK_ALL);
    EXPECT_EQ(interrupt_mask(INTERRUPT_MASK_NONE), INTERRUPT_MASK_ON_BLOCKING);
    errno = 4711;
    EXPECT_EQ(interrupt_mask(3), -1);
    EXPECT_EQ(interrupt_mask(-1), -1);
    EXPECT_EQ(errno, 4711);
    EXPECT_EQ(interrupt_mask(INTERRUPT_MASK_NONE), INTERRUPT_MASK_NONE);
}

TEST(Masks, AllDefersUntilItIsLeft) {
    std::atomic<bool> requested = false;
    std::atomic<int> masked_poll = -2;
    std::atomic<int> masked_check = -2;
    std::atomic<int> pending = -2;
    std::atomic<int> afterwards = -2;
    Worker worker([&] {
        interrupt_mask(INTERRUPT_MASK_ALL);
        masked_poll = poll(nullptr, 0, 100);
        while (!requested) {
        }
        pending = interrupt_pending();
        masked_check = interrupt_check();
        interrupt_mask(INTERRUPT_MASK_NONE);
        afterwards = errno_of_wait();
    });
    ASSERT_TRUE(worker.await(Call::poll_));
    EXPECT_EQ(static_cast<interrupt::Mask>(worker.record()->mask.load()), interrupt::Mask::all);
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    requested = true;
    worker.join();
    EXPECT_EQ(masked_poll, 0);
    EXPECT_EQ(pending, 1);
    EXPECT_EQ(masked_check, 0);
    EXPECT_EQ(afterwards, EINTR);
}

TEST(Masks, OnBlockingLetsABlockingCallBeInterrupted) {
    std::atomic<int> error = -1;
    Worker worker([&] {
        interrupt_mask(INTERRUPT_MASK_ON_BLOCKING);
        error = errno_of_wait();
    });
    ASSERT_TRUE(worker.await(Call::poll_));
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    worker.join();
    EXPECT_EQ(error, EINTR);
}

TEST(Masks, AreNotInheritedByNewThreads) {
    interrupt_mask(INTERRUPT_MASK_ALL);
    std::atomic<int> mode = -1;
    std::atomic<int> error = -1;
    Worker worker([&] {
        mode = interrupt_mask(INTERRUPT_MASK_NONE);
        error = errno_of_wait();
    });
    ASSERT_TRUE(worker.await(Call::poll_));
    interrupt_thread(worker.tid());
    worker.join();
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_EQ(mode, INTERRUPT_MASK_NONE);
    EXPECT_EQ(error, EINTR);
}

TEST(Masks, AreOneThreadsOwn) {
    interrupt_mask(INTERRUPT_MASK_ALL);
    interrupt_thread(gettid());
    std::atomic<int> others = -1;
    Worker worker([&] { others = interrupt_pending(); });
    worker.join();
    EXPECT_EQ(others, 0);
    EXPECT_EQ(interrupt_pending(), 1);
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_EQ(interrupt_check(), EINTR);
}

TEST(Masks, ManyRequestsWhileMaskedGiveOneOutcome) {
    interrupt_mask(INTERRUPT_MASK_ALL);
    for (int i = 0; i < 1000; ++i) {
        interrupt_thread(gettid());
    }
    EXPECT_EQ(poll(nullptr, 0, 10), 0);
    EXPECT_EQ(interrupt_mask(INTERRUPT_MASK_NONE), INTERRUPT_MASK_ALL);
    EXPECT_EQ(errno_of_wait(), EINTR);
    EXPECT_EQ(poll(nullptr, 0, 10), 0);
}

TEST(Masks, ClearedWhileMasked) {
    interrupt_mask(INTERRUPT_MASK_ALL);
    interrupt_thread(gettid());
    EXPECT_EQ(interrupt_clear(), 1);
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_EQ(poll(nullptr, 0, 10), 0);
}

// A mask is set and left while requests come in: each is delivered outside of it, or stays.
TEST(Masks, UnderRequests) {
    std::atomic<bool> stop = false;
    std::atomic<int> inside = 0;
    std::atomic<int> outside = 0;
    Worker worker([&] {
        while (!stop) {
            interrupt_mask(INTERRUPT_MASK_ALL);
            inside += poll(nullptr, 0, 1) != 0;
            interrupt_mask(INTERRUPT_MASK_NONE);
            outside += poll(nullptr, 0, 1) != 0;
        }
    });
    while (outside < 300) {
        interrupt_thread(worker.tid());
        sched_yield();
    }
    stop = true;
    worker.join();
    EXPECT_EQ(inside, 0);
}

}  // namespace
}  // namespace interrupt_tests
