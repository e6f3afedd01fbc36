// Exactly once: one pending flag gives one outcome; requests that meet coalesce; what is cleared or withdrawn is not
// delivered.
#include <vector>

#include "contract_support.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;
using interrupt::Outcome;
using interrupt::Withdrawal;

TEST(ExactlyOnce, OneRequestEndsOneWait) {
    std::atomic<int> first = -1;
    std::atomic<int> second = -1;
    std::atomic<int> pending = -1;
    Worker worker([&] {
        first = errno_of_wait();
        pending = interrupt_pending();
        second = poll(nullptr, 0, 50);
    });
    ASSERT_TRUE(worker.await(Call::poll_));
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    worker.join();
    EXPECT_EQ(first, EINTR);
    EXPECT_EQ(pending, 0);
    EXPECT_EQ(second, 0) << "the second wait went on to its end";
}

TEST(ExactlyOnce, OneRequestEndsOneWaitWhenItIsPendingBefore) {
    interrupt_thread(gettid());
    EXPECT_EQ(errno_of_wait(), EINTR);
    EXPECT_EQ(poll(nullptr, 0, 20), 0);
}

TEST(ExactlyOnce, NewestOutcomeWins) {
    const pid_t self = gettid();
    interrupt_mask(INTERRUPT_MASK_ALL);
    interrupt_pending();
    ASSERT_EQ(poll(nullptr, 0, 0), 0);
    interrupt::ThreadRecord* record = own_table().find(self);
    ASSERT_NE(record, nullptr);
    const uint32_t coalesced = record->coalesced;
    const uint32_t sequence = own_table().request_of(self).sequence();
    ASSERT_EQ(interrupt_thread(self), 0);
    EXPECT_EQ(record->coalesced, coalesced);
    ASSERT_EQ(request_as(self, INTERRUPT_ERROR, ENOSPC), 0);
    ASSERT_EQ(request_as(self, INTERRUPT_EOF), 0);
    ASSERT_EQ(request_as(self, INTERRUPT_ERROR, ECONNRESET), 0);
    EXPECT_EQ(record->coalesced, coalesced + 3);
    EXPECT_EQ(own_table().request_of(self).sequence(), sequence + 4);
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_EQ(errno_of_wait(), ECONNRESET);
    EXPECT_EQ(poll(nullptr, 0, 10), 0);
    const interrupt::Delivered delivered{record->delivered};
    EXPECT_EQ(delivered.sequence(), sequence + 4);
    EXPECT_EQ(delivered.call(), Call::poll_);
    EXPECT_EQ(delivered.outcome(), Outcome::error);
}

TEST(ExactlyOnce, DeliveryIsCountedAndTimed) {
    const uint64_t before = own_table().header().delivered;
    Worker worker([] { errno_of_wait(); });
    ASSERT_TRUE(worker.await(Call::poll_));
    interrupt::ThreadRecord* record = worker.record();
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    worker.join();
    EXPECT_EQ(own_table().header().delivered, before + 1);
    EXPECT_GT(record->delivered_latency, 0u);
    EXPECT_LT(record->delivered_latency, 5'000'000'000u);
}

TEST(ExactlyOnce, ClearedIsNotDelivered) {
    EXPECT_EQ(interrupt_clear(), 0);
    const uint64_t withdrawn = own_table().header().withdrawn;
    interrupt_thread(gettid());
    EXPECT_EQ(interrupt_pending(), 1);
    const uint32_t sequence = own_table().request_of(gettid()).sequence();
    EXPECT_EQ(interrupt_clear(), 1);
    EXPECT_EQ(interrupt_pending(), 0);
    EXPECT_EQ(interrupt_clear(), 0);
    EXPECT_EQ(own_table().find(gettid())->cleared, sequence);
    EXPECT_EQ(own_table().header().withdrawn, withdrawn + 1);
    EXPECT_EQ(poll(nullptr, 0, 20), 0);
}

TEST(ExactlyOnce, CheckConsumesAndSaysTheErrno) {
    const pid_t self = gettid();
    EXPECT_EQ(interrupt_check(), 0);
    interrupt_thread(self);
    EXPECT_EQ(interrupt_check(), EINTR);
    EXPECT_EQ(interrupt_check(), 0);
    request_as(self, INTERRUPT_ERROR, EDQUOT);
    EXPECT_EQ(interrupt_check(), EDQUOT);
    request_as(self, INTERRUPT_TIMEOUT);
    EXPECT_EQ(interrupt_check(), ETIMEDOUT);
    request_as(self, INTERRUPT_EOF);
    EXPECT_EQ(interrupt_check(), ECONNRESET);
    EXPECT_EQ(interrupt_pending(), 0);
}

TEST(ExactlyOnce, WhatNoCallCanHaveIsRefusedBeforeAnythingIsSent) {
    const pid_t self = gettid();
    EXPECT_EQ(request_as(self, 0), EINVAL);
    EXPECT_EQ(request_as(self, 5), EINVAL);
    EXPECT_EQ(request_as(self, -1), EINVAL);
    EXPECT_EQ(request_as(self, INTERRUPT_ERROR, 0), EINVAL);
    EXPECT_EQ(request_as(self, INTERRUPT_ERROR, -1), EINVAL);
    EXPECT_EQ(request_as(self, INTERRUPT_ERROR, 4096), EINVAL);
    EXPECT_EQ(request_as(self, INTERRUPT_DEFAULT, EIO), EINVAL);
    EXPECT_EQ(request_as(self, INTERRUPT_TIMEOUT, EIO), EINVAL);
    EXPECT_EQ(interrupt_pending(), 0);
    EXPECT_EQ(request_as(self, INTERRUPT_ERROR, 4095), 0);
    EXPECT_EQ(interrupt_check(), 4095);
}

TEST(ExactlyOnce, AsyncSignalSafeCallsLeaveErrnoAlone) {
    errno = 4711;
    interrupt_thread(gettid());
    interrupt_thread(1);
    interrupt_pending();
    interrupt_mask(INTERRUPT_MASK_ALL);
    interrupt_check();
    interrupt_mask(INTERRUPT_MASK_NONE);
    interrupt_check();
    interrupt_clear();
    interrupt_wakeup_fd();
    EXPECT_EQ(errno, 4711);
}

// A request that this wait cannot have does not disturb it, and stays for one that can.
TEST(ExactlyOnce, WaitsThatCannotHaveTheOutcomeAreNotDisturbed) {
    std::atomic<int> first = -1;
    std::atomic<ssize_t> second = -1;
    Pipe pipe;
    Worker worker([&] {
        first = poll(nullptr, 0, 100);
        char byte;
        second = read(pipe.reader(), &byte, 1);
    });
    ASSERT_TRUE(worker.await(Call::poll_));
    ASSERT_EQ(request_as(worker.tid(), INTERRUPT_EOF), 0);
    worker.join();
    EXPECT_EQ(first, 0);
    EXPECT_EQ(second, 0) << "end of file, with the pipe's writer still there";
}

// Each request of each requester either meets one that is pending or gives one outcome.
TEST(ExactlyOnce, SeveralRequesters) {
    constexpr int requesters = 4;
    constexpr int requests = 4000;
    std::atomic<bool> stop = false;
    std::atomic<int> interrupted = 0;
    Worker victim([&] {
        while (!stop.load()) {
            interrupted += poll(nullptr, 0, 1) == -1;
        }
        interrupted += interrupt_check() != 0;
    });
    const uint32_t coalesced = victim.record()->coalesced;
    const uint64_t delivered = own_table().header().delivered;
    std::vector<std::thread> threads;
    std::atomic<int> failed = 0;
    for (int i = 0; i < requesters; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < requests; ++n) {
                failed += interrupt_thread(victim.tid()) != 0;
                if (n % 16 == 0) {
                    sched_yield();
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const uint32_t met = victim.record()->coalesced - coalesced;
    stop = true;
    victim.join();
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(interrupted + static_cast<int>(met), requesters * requests);
    EXPECT_EQ(own_table().header().delivered - delivered, static_cast<uint64_t>(interrupted));
    EXPECT_GT(interrupted, 100);
}

// --- withdrawal ---

TEST(Withdrawn, BeforeDelivery) {
    Outside outside(getpid());
    interrupt_mask(INTERRUPT_MASK_ALL);
    const auto posted = outside.post(gettid());
    EXPECT_EQ(posted.error, 0);
    EXPECT_FALSE(posted.coalesced);
    EXPECT_FALSE(posted.nudged);
    EXPECT_EQ(outside.withdraw(gettid(), posted.sequence), Withdrawal::withdrawn);
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_EQ(interrupt_pending(), 0);
    EXPECT_EQ(poll(nullptr, 0, 10), 0);
}

TEST(Withdrawn, TooLateSaysSo) {
    Outside outside(getpid());
    interrupt_pending();
    const auto posted = outside.post(gettid());
    EXPECT_EQ(interrupt_check(), EINTR);
    EXPECT_EQ(outside.withdraw(gettid(), posted.sequence), Withdrawal::delivered);
}

TEST(Withdrawn, ANewerRequestStays) {
    Outside outside(getpid());
    interrupt_mask(INTERRUPT_MASK_ALL);
    const auto older = outside.post(gettid());
    const auto newer = outside.post(gettid(), Outcome::error, EIO);
    EXPECT_TRUE(newer.coalesced);
    EXPECT_EQ(outside.withdraw(gettid(), older.sequence), Withdrawal::replaced);
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_EQ(interrupt_check(), EIO);
}

TEST(Withdrawn, ClaimedIsOnItsWay) {
    Outside outside(getpid());
    interrupt_mask(INTERRUPT_MASK_ALL);
    const auto posted = outside.post(gettid());
    interrupt::ThreadRecord& record = outside.record(gettid());
    record.request |= interrupt::Request::claimed_bit;
    EXPECT_EQ(outside.withdraw(gettid(), posted.sequence), Withdrawal::on_its_way);
    const auto second = outside.post(gettid(), Outcome::error, EIO);
    EXPECT_TRUE(second.coalesced);
    EXPECT_EQ(interrupt::Request{record.request}.outcome(), Outcome::default_) << "it arrives with the one on its way";
    EXPECT_EQ(interrupt::Request{record.request}.sequence(), second.sequence);
    record.request &= ~interrupt::Request::claimed_bit;
    interrupt_clear();
    interrupt_mask(INTERRUPT_MASK_NONE);
}

TEST(Withdrawn, FromAThreadThatHasEnded) {
    Outside outside(getpid());
    Worker worker([] { errno_of_wait(); });
    ASSERT_TRUE(worker.await(Call::poll_));
    const interrupt::RecordOwner owner = outside.owner(worker.tid());
    interrupt::ThreadRecord& record = outside.record(worker.tid());
    OutsideKernel kernel(getpid(), outside.table());
    interrupt_thread(worker.tid());
    worker.join();
    EXPECT_EQ(interrupt::withdraw(kernel, outside.table().header(), record, owner, 1), Withdrawal::gone);
    EXPECT_EQ(interrupt::post(kernel, outside.table().header(), record, owner, Outcome::default_, 0, 0).error, ESRCH);
}

// Either the thread got it or the requester took it back, never both and never neither.
TEST(Withdrawn, RacesWithDelivery) {
    constexpr int rounds = 5000;
    std::atomic<bool> stop = false;
    std::atomic<int> interrupted = 0;
    Worker victim([&] {
        while (!stop.load()) {
            interrupted += poll(nullptr, 0, 1) == -1;
        }
    });
    Outside outside(getpid());
    int withdrawn = 0;
    int delivered = 0;
    for (int i = 0; i < rounds; ++i) {
        const auto posted = outside.post(victim.tid());
        spin(i * 13 % 20'000);
        const Withdrawal result = outside.withdraw(victim.tid(), posted.sequence);
        withdrawn += result == Withdrawal::withdrawn;
        delivered += result == Withdrawal::delivered;
    }
    stop = true;
    victim.join();
    EXPECT_EQ(withdrawn + delivered, rounds);
    EXPECT_EQ(interrupted, delivered);
    EXPECT_GT(withdrawn, 0);
    EXPECT_GT(delivered, 0);
}

TEST(ThisWait, ActsOnTheWaitThatTheThreadIsIn) {
    std::atomic<int> error = -1;
    Worker worker([&] { error = errno_of_wait(); });
    ASSERT_TRUE(worker.await(Call::poll_));
    Outside outside(getpid());
    const uint64_t wait = interrupt::State{worker.record()->state}.wait();
    EXPECT_TRUE(outside.post(worker.tid(), Outcome::default_, 0, wait).nudged);
    worker.join();
    EXPECT_EQ(error, EINTR);
}

TEST(ThisWait, IsWithdrawnWhenThatWaitIsOver) {
    std::atomic<int> second = -2;
    Pipe pipe;
    Worker worker([&] {
        char byte;
        [[maybe_unused]] const ssize_t got = read(pipe.reader(), &byte, 1);
        second = poll(nullptr, 0, 30);
    });
    ASSERT_TRUE(worker.await(Call::read_));
    Outside outside(getpid());
    const uint64_t wait = interrupt::State{worker.record()->state}.wait();
    EXPECT_FALSE(outside.post(worker.tid(), Outcome::default_, 0, wait + 100).nudged);
    pipe.put();
    worker.join();
    EXPECT_EQ(second, 0);
}

}  // namespace
}  // namespace interrupt_tests
