// The 64-bit words of a record, and the rules of the requester's protocol that need no kernel.
#include <gtest/gtest.h>

#include "control/request_protocol.h"

namespace interrupt {
namespace {

TEST(RequestWord, KeepsEachPart) {
    const Request request = Request::make(0x12345678, Outcome::error, 0xfedc, true);
    EXPECT_EQ(request.word, 0x12345678'fedc'02'03u);
    EXPECT_TRUE(request.pending());
    EXPECT_TRUE(request.this_wait());
    EXPECT_FALSE(request.claimed());
    EXPECT_EQ(request.sequence(), 0x12345678u);
    EXPECT_EQ(request.outcome(), Outcome::error);
    EXPECT_EQ(request.error(), 0xfedc);
    const Request plain = Request::make(0xffffffff, Outcome::default_, 0, false);
    EXPECT_EQ(plain.word, 0xffffffff'0000'01'01u);
    EXPECT_FALSE(plain.this_wait());
}

TEST(RequestWord, ConsumedKeepsTheSequence) {
    const Request request = Request::make(7, Outcome::timeout, 3, true).claimed_now();
    EXPECT_TRUE(request.claimed());
    EXPECT_TRUE(request.pending());
    const Request consumed = request.consumed();
    EXPECT_FALSE(consumed.pending());
    EXPECT_FALSE(consumed.claimed());
    EXPECT_FALSE(consumed.this_wait());
    EXPECT_EQ(consumed.sequence(), 7u);
    EXPECT_FALSE(Request{}.pending());
}

TEST(StateWord, KeepsCallAndWait) {
    const State state = State::make(0x0000'7654'3210'fedc, Call::poll_);
    EXPECT_TRUE(state.blocked());
    EXPECT_EQ(state.call(), Call::poll_);
    EXPECT_EQ(state.wait(), 0x0000'7654'3210'fedcu);
    const State running = State::make(9, Call::running);
    EXPECT_FALSE(running.blocked());
    EXPECT_EQ(running.wait(), 9u);
    EXPECT_EQ(running.word, 9u << 16);
}

TEST(LockWordBits, DoNotOverlap) {
    EXPECT_EQ(LockWord::owner_mask, 0xffffffffu);
    EXPECT_EQ(LockWord::foreign_bit, uint64_t{1} << 31);
    EXPECT_EQ(LockWord::nudged_bit, uint64_t{1} << 32);
    EXPECT_EQ(LockWord::nudged_bit & LockWord::owner_mask, 0u);
}

TEST(DeliveredWord, KeepsEachPart) {
    const Delivered delivered = Delivered::make(0xabcdef01, Call::recv_, Outcome::eof);
    EXPECT_EQ(delivered.sequence(), 0xabcdef01u);
    EXPECT_EQ(delivered.call(), Call::recv_);
    EXPECT_EQ(delivered.outcome(), Outcome::eof);
}

TEST(Sequence, WrapsAround) {
    EXPECT_TRUE(reached(5, 5));
    EXPECT_TRUE(reached(6, 5));
    EXPECT_FALSE(reached(4, 5));
    EXPECT_TRUE(reached(0, 0xffffffff));
    EXPECT_TRUE(reached(3, 0xfffffff0));
    EXPECT_FALSE(reached(0xffffffff, 0));
    EXPECT_FALSE(reached(0xfffffff0, 3));
    EXPECT_TRUE(reached(0x7fffffff, 0));
    EXPECT_FALSE(reached(0x80000000, 0));
}

constexpr Kind all_kinds[] = {
    Kind::Sleep,   Kind::Poll, Kind::Receive, Kind::Read,      Kind::Send,      Kind::Write,  Kind::Accept,
    Kind::Connect, Kind::Open, Kind::Child,   Kind::Semaphore, Kind::Condition, Kind::Signal, Kind::SignalSet,
    Kind::Join,    Kind::Lock, Kind::Queue,   Kind::SystemV,   Kind::Counter,   Kind::Device, Kind::Asynchronous};

TEST(Outcomes, EveryWaitCanFail) {
    for (const Kind kind : all_kinds) {
        EXPECT_TRUE(can_have(kind, Outcome::default_));
        EXPECT_TRUE(can_have(kind, Outcome::error));
        EXPECT_TRUE(can_have(kind, Outcome::exception));
        EXPECT_FALSE(can_have(kind, Outcome::none));
        EXPECT_FALSE(can_have(kind, static_cast<Outcome>(7)));
        EXPECT_FALSE(can_have(kind, static_cast<Outcome>(255)));
    }
}

TEST(Outcomes, EndOfFileActsWhereSomethingIsRead) {
    for (const Kind kind : all_kinds) {
        EXPECT_EQ(can_have(kind, Outcome::eof), kind == Kind::Receive || kind == Kind::Read);
    }
}

TEST(Outcomes, TimeoutActsAtWaitsThatMayHaveALimit) {
    for (const Kind kind : {Kind::Open, Kind::Child, Kind::Signal, Kind::Lock, Kind::Counter, Kind::Device}) {
        EXPECT_FALSE(can_have(kind, Outcome::timeout));
    }
    for (const Kind kind :
         {Kind::Sleep, Kind::Poll, Kind::Receive, Kind::Read, Kind::Send, Kind::Write, Kind::Accept, Kind::Connect,
          Kind::Semaphore, Kind::Condition, Kind::SignalSet, Kind::Queue, Kind::SystemV, Kind::Asynchronous}) {
        EXPECT_TRUE(can_have(kind, Outcome::timeout));
    }
}

TEST(Outcomes, NoneActsOnWhatIsShownAlone) {
    for (int outcome = 0; outcome < 256; ++outcome) {
        EXPECT_FALSE(can_have(Kind::Shown, static_cast<Outcome>(outcome)));
    }
}

TEST(Outcomes, CancellationActsWhereGlibcWouldCancel) {
    EXPECT_TRUE(can_have(Call::recv_, Outcome::cancel));
    EXPECT_TRUE(can_have(Call::pthread_cond_wait_, Outcome::cancel));
    EXPECT_TRUE(can_have(Call::lockf_, Outcome::cancel));
    for (const Call call : {Call::flock_, Call::sendfile_, Call::semop_, Call::semtimedop_, Call::thread_join}) {
        EXPECT_FALSE(can_have(call, Outcome::cancel));
        EXPECT_TRUE(can_have(call, Outcome::default_));
    }
}

// --- whether a nudge may be sent ---

class WouldAct : public testing::Test {
protected:
    void block_in(Call call, uint64_t wait = 1) { record_.state = State::make(wait, call).word; }
    ThreadRecord record_{};
    const Request request_ = Request::make(1, Outcome::default_, 0, false);
};

TEST_F(WouldAct, OnlyOnABlockedThread) {
    EXPECT_FALSE(would_act(record_, request_));
    block_in(Call::poll_);
    EXPECT_TRUE(would_act(record_, request_));
    record_.state = State::make(1, Call::running).word;
    EXPECT_FALSE(would_act(record_, request_));
}

TEST_F(WouldAct, NeverOnACallThatIsNone) {
    record_.state = uint64_t{1} << 16 | static_cast<uint16_t>(Call::count);
    EXPECT_FALSE(would_act(record_, request_));
    record_.state = uint64_t{1} << 16 | 0xffff;
    EXPECT_FALSE(would_act(record_, request_));
}

TEST_F(WouldAct, OnlyForARequestThatIsPendingAndNotOnItsWay) {
    block_in(Call::poll_);
    EXPECT_FALSE(would_act(record_, request_.consumed()));
    EXPECT_FALSE(would_act(record_, request_.claimed_now()));
}

TEST_F(WouldAct, NotWhereAllIsMasked) {
    block_in(Call::poll_);
    record_.mask = static_cast<uint32_t>(Mask::all);
    EXPECT_FALSE(would_act(record_, request_));
    record_.mask = static_cast<uint32_t>(Mask::on_blocking);
    EXPECT_TRUE(would_act(record_, request_));
}

TEST_F(WouldAct, OnlyAtWaitsThatCanHaveTheOutcome) {
    block_in(Call::waitpid_);
    EXPECT_FALSE(would_act(record_, Request::make(1, Outcome::timeout, 0, false)));
    EXPECT_FALSE(would_act(record_, Request::make(1, Outcome::eof, 0, false)));
    EXPECT_TRUE(would_act(record_, Request::make(1, Outcome::error, 5, false)));
    block_in(Call::recv_);
    EXPECT_TRUE(would_act(record_, Request::make(1, Outcome::eof, 0, false)));
}

TEST_F(WouldAct, OnlyAtTheWaitThatItIsFor) {
    block_in(Call::poll_, 8);
    record_.only_wait = 8;
    const Request request = Request::make(1, Outcome::default_, 0, true);
    EXPECT_TRUE(would_act(record_, request));
    block_in(Call::poll_, 9);
    EXPECT_FALSE(would_act(record_, request));
    EXPECT_TRUE(would_act(record_, request_)) << "only_wait counts for a request with this_wait alone";
}

// --- the record lock, with a kernel that is told what to say ---

struct ToldKernel {
    uint32_t id = 100;
    bool owner_gone = false;
    uint64_t clock = 0;
    uint64_t step = 1'000'000;
    int nudges = 0;
    int masked = 0;

    uint32_t self() { return id; }
    bool gone(uint32_t) { return owner_gone; }
    uint64_t now() { return clock += step; }
    void yield() {}
    int block_signals() { return ++masked; }
    void restore_signals(int) { --masked; }
    void fence() {}
    int nudge(uint32_t) {
        ++nudges;
        return 0;
    }
    void wakeup(ThreadRecord&, bool) {}
    EventRing* events() { return nullptr; }
};

class Lock : public testing::Test {
protected:
    ToldKernel kernel_;
    TableHeader table_{};
    ThreadRecord record_{};
};

TEST_F(Lock, IsTakenAndGivenBackWithSignalsBlocked) {
    record_.lock = LockWord::nudged_bit;
    {
        RecordLock lock(kernel_, table_, record_);
        EXPECT_EQ(record_.lock, LockWord::nudged_bit | 100);
        EXPECT_EQ(kernel_.masked, 1);
        EXPECT_TRUE(lock.held());
    }
    EXPECT_EQ(record_.lock, LockWord::nudged_bit);
    EXPECT_EQ(kernel_.masked, 0);
}

TEST_F(Lock, OfAnOwnerThatIsGoneIsBrokenAtOnce) {
    record_.lock = 4711;
    kernel_.owner_gone = true;
    { RecordLock lock(kernel_, table_, record_); }
    EXPECT_EQ(table_.locks_broken, 1u);
    EXPECT_LT(kernel_.clock, lock_patience_ns);
    EXPECT_EQ(record_.lock, 0u);
}

TEST_F(Lock, OfAnOwnerThatIsStoppedIsBrokenAfterAWhile) {
    record_.lock = 4711;
    { RecordLock lock(kernel_, table_, record_); }
    EXPECT_EQ(table_.locks_broken, 1u);
    EXPECT_GT(kernel_.clock, lock_patience_ns);
}

TEST_F(Lock, OfAnotherNamespaceIsNeverTakenForGone) {
    record_.lock = LockWord::foreign_bit | 4711;
    kernel_.owner_gone = true;
    { RecordLock lock(kernel_, table_, record_); }
    EXPECT_GT(kernel_.clock, lock_patience_ns);
}

TEST_F(Lock, ThatSomebodyBrokeIsNotGivenBack) {
    RecordLock lock(kernel_, table_, record_);
    record_.lock = 4711;
    EXPECT_FALSE(lock.held());
    lock.~RecordLock();
    EXPECT_EQ(record_.lock, 4711u);
    record_.lock = 0;
    new (&lock) RecordLock(kernel_, table_, record_);
}

// A requester whose lock was broken sends nothing.
TEST_F(Lock, BrokenMeansNoNudge) {
    RecordLock lock(kernel_, table_, record_);
    record_.lock = 4711;
    EXPECT_EQ(nudge_locked(kernel_, lock, record_), EAGAIN);
    EXPECT_EQ(kernel_.nudges, 0);
}

// --- posting ---

class Post : public Lock {
protected:
    Post() {
        record_.tid = 42;
        record_.generation = 3;
    }
    Posted post_default(uint64_t wait = 0) {
        return post(kernel_, table_, record_, {42, 3}, Outcome::default_, 0, wait);
    }
    Request request() const { return {record_.request}; }
};

TEST_F(Post, ToARunningThreadSendsNothing) {
    const Posted posted = post_default();
    EXPECT_EQ(posted.error, 0);
    EXPECT_EQ(posted.sequence, 1u);
    EXPECT_FALSE(posted.nudged);
    EXPECT_EQ(kernel_.nudges, 0);
    EXPECT_TRUE(request().pending());
    EXPECT_EQ(record_.lock, 0u);
}

TEST_F(Post, ToABlockedThreadMarksAndNudges) {
    record_.state = State::make(1, Call::recv_).word;
    EXPECT_TRUE(post_default().nudged);
    EXPECT_EQ(kernel_.nudges, 1);
    EXPECT_EQ(record_.lock, LockWord::nudged_bit);
}

TEST_F(Post, TheNewestWinsAndTheRecordCounts) {
    post_default();
    const Posted second = post(kernel_, table_, record_, {42, 3}, Outcome::error, 5, 0);
    EXPECT_TRUE(second.coalesced);
    EXPECT_EQ(second.sequence, 2u);
    EXPECT_EQ(record_.coalesced, 1u);
    EXPECT_EQ(request().outcome(), Outcome::error);
    EXPECT_EQ(request().error(), 5);
}

TEST_F(Post, TheSequenceWrapsAround) {
    record_.request = Request::make(0xffffffff, Outcome::default_, 0, false).consumed().word;
    EXPECT_EQ(post_default().sequence, 0u);
    EXPECT_TRUE(request().pending());
}

TEST_F(Post, ToARecordThatHasChangedHandsIsRefused) {
    record_.generation = 4;
    EXPECT_EQ(post_default().error, ESRCH);
    EXPECT_EQ(record_.request, 0u);
    record_.generation = 3;
    record_.tid = 43;
    EXPECT_EQ(post_default().error, ESRCH);
    EXPECT_FALSE(nudge_again(kernel_, table_, record_, {42, 3}, 1));
    EXPECT_EQ(withdraw(kernel_, table_, record_, {42, 3}, 1), Withdrawal::gone);
}

TEST_F(Post, NudgedAgainOnlyForTheRequestThatIsPending) {
    record_.state = State::make(1, Call::recv_).word;
    const Posted posted = post_default();
    EXPECT_TRUE(nudge_again(kernel_, table_, record_, {42, 3}, posted.sequence));
    EXPECT_FALSE(nudge_again(kernel_, table_, record_, {42, 3}, posted.sequence + 1));
    record_.request = request().consumed().word;
    EXPECT_FALSE(nudge_again(kernel_, table_, record_, {42, 3}, posted.sequence));
    EXPECT_EQ(kernel_.nudges, 2);
}

TEST_F(Post, WithdrawnSaysWhatBecameOfIt) {
    const Posted posted = post_default();
    EXPECT_EQ(withdraw(kernel_, table_, record_, {42, 3}, posted.sequence + 1), Withdrawal::replaced);
    EXPECT_EQ(withdraw(kernel_, table_, record_, {42, 3}, posted.sequence), Withdrawal::withdrawn);
    EXPECT_EQ(record_.cleared, posted.sequence);
    EXPECT_EQ(table_.withdrawn, 1u);
    EXPECT_EQ(withdraw(kernel_, table_, record_, {42, 3}, posted.sequence), Withdrawal::delivered);
    post_default();
    record_.request |= Request::claimed_bit;
    EXPECT_EQ(withdraw(kernel_, table_, record_, {42, 3}, 0, true), Withdrawal::on_its_way);
    EXPECT_TRUE(Request{record_.request}.recalled());
    record_.request &= ~Request::claimed_bit;
    EXPECT_EQ(withdraw(kernel_, table_, record_, {42, 3}, 0, true), Withdrawal::withdrawn);
    EXPECT_FALSE(Request{record_.request}.recalled());
}

TEST_F(Post, ANewerRequestIsNotRecalledWithTheOneBefore) {
    post_default();
    record_.request |= Request::claimed_bit;
    EXPECT_EQ(withdraw(kernel_, table_, record_, {42, 3}, 0, true), Withdrawal::on_its_way);
    const Posted newer = post_default();
    EXPECT_TRUE(Request{record_.request}.claimed());
    EXPECT_FALSE(Request{record_.request}.recalled());
    EXPECT_EQ(Request{record_.request}.sequence(), newer.sequence);
}

}  // namespace
}  // namespace interrupt
