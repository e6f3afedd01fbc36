// Calls that gather several things: a signal that is nobody's makes them return with no fewer, and a request gives what
// is there and stays pending.
#include <gtest/gtest.h>

#include "interrupt/interrupt.h"
#include "tests/interposers/cases_messages.h"
#include "tests/interposers/scenario.h"

namespace interrupt_tests {

namespace {

using interrupt::Call;

const Subject recvmmsg_subject{"recvmmsg", Call::recvmmsg_, nullptr};

int error_of(int fd) {
    int error = -1;
    socklen_t size = sizeof error;
    EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    return error;
}

void meet_signals(const Waiter& waiter) {
    for (int i = 0; i < 5; ++i) {
        waiter.await_blocked();
        EXPECT_EQ(send_signal(waiter.tid(), SIGURG), 0);
    }
    waiter.await_blocked();
}

// The thread has one of two messages, and waits for the other.
struct OneOfTwo {
    IncomingMessages wait{Limit::none};
    std::unique_ptr<Waiter> waiter;
    explicit OneOfTwo(const Waiter::Options& options = {}) {
        wait.send_one('a');
        waiter = std::make_unique<Waiter>(recvmmsg_subject, wait, options);
        waiter->await_blocked();
    }
};

// The kernel would keep their EINTR as the socket's error.
TEST(Messages, SignalsThatAreNobodysLeaveNoErrorWithTheSocket) {
    OneOfTwo of;
    meet_signals(*of.waiter);
    EXPECT_EQ(error_of(of.wait.fd()), 0);
    of.wait.send_one('b');
    EXPECT_EQ(of.waiter->join().returned, Returned{2});
    EXPECT_EQ(of.wait.received(2), "ab");
    EXPECT_EQ(error_of(of.wait.fd()), 0);
}

TEST(Messages, WhatHasComeIsGivenToARequestThatStaysPending) {
    for (const bool after_signals : {false, true}) {
        Waiter::Options options;
        int cleared = 0;
        options.afterwards = [&] { cleared = interrupt_clear(); };
        OneOfTwo of(options);
        if (after_signals) {
            meet_signals(*of.waiter);
        }
        ASSERT_EQ(interrupt_thread(of.waiter->tid()), 0);
        EXPECT_EQ(of.waiter->join().returned, Returned{1});
        EXPECT_EQ(of.wait.received(1), "a");
        EXPECT_EQ(cleared, 1);
        EXPECT_EQ(error_of(of.wait.fd()), 0);
    }
}

TEST(Messages, WhatHasComeIsGivenToAHandlerOfTheProgram) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    ASSERT_EQ(sigaction(SIGUSR2, &action, nullptr), 0);
    OneOfTwo of;
    ASSERT_EQ(send_signal(of.waiter->tid(), SIGUSR2), 0);
    EXPECT_EQ(of.waiter->join().returned, Returned{1});
    EXPECT_EQ(of.wait.received(1), "a");
}

// shutdown() is how such a reader is woken: the kernel makes an empty message of it each time.
TEST(Messages, AShutdownEndsTheWait) {
    OneOfTwo of;
    ASSERT_EQ(shutdown(of.wait.fd(), SHUT_RD), 0);
    EXPECT_EQ(of.waiter->join().returned, Returned{2});
}

// They are left alone.
TEST(Messages, EachIsWholeWithMsgWaitall) {
    const SocketPair sockets;
    char bytes[2][10];
    struct iovec parts[2] = {{bytes[0], 10}, {bytes[1], 10}};
    struct mmsghdr messages[2] = {};
    for (int i = 0; i < 2; ++i) {
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    ASSERT_EQ(raw_write(sockets.peer, "0123456789abc", 13), 13);
    std::atomic<pid_t> tid = 0;
    int received = 0;
    std::thread thread([&] {
        tid = own_tid();
        received = recvmmsg(sockets.ours, messages, 2, MSG_WAITALL, nullptr);
    });
    await("the second message", [&] { return tid != 0 && sleeps_undisturbed(tid); });
    EXPECT_EQ(raw_write(sockets.peer, "defghij", 7), 7);
    thread.join();
    EXPECT_EQ(received, 2);
    EXPECT_EQ(messages[0].msg_len, 10u);
    EXPECT_EQ(messages[1].msg_len, 10u);
}

// It is looked at when a message has come: the wait itself has no end.
TEST(Messages, TheTimeLimitEndsItWithTheFirstThatComesLate) {
    class Limited : public IncomingMessages {
    public:
        Limited() : IncomingMessages(Limit::none) {}
        long call() override { return receive(0, &timeout); }
        struct timespec timeout = {0, 50'000'000};
    } wait;
    wait.send_one('a');
    Waiter waiter(recvmmsg_subject, wait);
    meet_signals(waiter);
    raw_wait(60'000);
    waiter.await_blocked();
    wait.send_one('b');
    EXPECT_EQ(waiter.join().returned, Returned{2});
    EXPECT_EQ(wait.timeout.tv_sec, 0);
    EXPECT_EQ(wait.timeout.tv_nsec, 0);
}

// The socket's limit is for each message.
TEST(Messages, TheSocketsTimeLimitGivesWhatHasCome) {
    IncomingMessages wait(Limit::near);
    wait.send_one('a');
    Waiter waiter(recvmmsg_subject, wait);
    meet_signals(waiter);
    const Waiter::Found& found = waiter.join();
    EXPECT_EQ(found.returned, Returned{1});
    EXPECT_GE(found.nanoseconds, (near_ms - 10) * 1'000'000ull);
    EXPECT_EQ(error_of(wait.fd()), 0);
}

}  // namespace

}  // namespace interrupt_tests
