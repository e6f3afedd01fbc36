// Calls that gather several things: a signal that is nobody's makes them return with no fewer, and a request gives what
// is there and stays pending.
#include <gtest/gtest.h>
#include <sys/uio.h>

#include <algorithm>
#include <vector>

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

// Many messages of one byte, through a stream that has room for some of them only.
struct ManyMessages {
    explicit ManyMessages(unsigned count) : bytes(count, 'x'), parts(count), messages(count) {
        for (size_t i = 0; i < count; ++i) {
            parts[i] = {&bytes[i], 1};
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
    }
    std::vector<char> bytes;
    std::vector<struct iovec> parts;
    std::vector<struct mmsghdr> messages;
};

class SendingMany : public Wait {
public:
    explicit SendingMany(unsigned count) : many_(count) {}
    long call() override {
        return sendmmsg(sockets.ours, many_.messages.data(), static_cast<unsigned>(many_.messages.size()), 0);
    }
    Returned natural() const override { return {0}; }
    bool goes_on_after_handler(bool) const override { return false; }
    const SocketPair sockets;

private:
    ManyMessages many_;
};

// The kernel takes no more than UIO_MAXIOV of them by one call, whatever meets it.
TEST(Messages, NoMoreAreSentThanByOneCall) {
    for (const unsigned count : {UIO_MAXIOV - 1, UIO_MAXIOV, UIO_MAXIOV + 1, 3 * UIO_MAXIOV}) {
        for (const bool pending : {false, true}) {
            SCOPED_TRACE(testing::Message() << count << " messages" << (pending ? ", a request pending" : ""));
            const long most = std::min<unsigned>(count, UIO_MAXIOV);
            SendingMany wait(count);
            const Subject subject{"sendmmsg", Call::sendmmsg_, nullptr};
            Waiter::Options options;
            if (pending) {  // it finds a part moved
                options.caller = [](Wait& it) {
                    EXPECT_EQ(interrupt_thread(own_tid()), 0);
                    const long sent = it.call();
                    EXPECT_EQ(interrupt_clear(), 1);
                    return sent;
                };
                Waiter waiter(subject, wait, options);
                EXPECT_LT(waiter.join().returned.value, most);
                EXPECT_GT(waiter.join().returned.value, 0);
                continue;
            }
            Waiter waiter(subject, wait, options);
            long arrived = 0;
            while (arrived < most) {
                send_signal(waiter.tid(), SIGURG);
                char bytes[7];
                arrived += raw_read(wait.sockets.peer, bytes, sizeof bytes);
            }
            EXPECT_EQ(waiter.join().returned, Returned{most});
            EXPECT_EQ(arrived, most);
        }
    }
}

// Of these it takes as many as are asked for.
TEST(Messages, AsManyAreReceivedAsAreAskedFor) {
    constexpr unsigned count = 2 * UIO_MAXIOV;
    const SocketPair sockets;
    const std::vector<char> sent(count, 'x');
    ASSERT_EQ(raw_write(sockets.peer, sent.data(), count), count);
    for (const bool pending : {false, true}) {
        ManyMessages many(count / 2 - 100);
        if (pending) {
            ASSERT_EQ(interrupt_thread(own_tid()), 0);
        }
        EXPECT_EQ(recvmmsg(sockets.ours, many.messages.data(), static_cast<unsigned>(many.messages.size()), 0, nullptr),
                  static_cast<int>(many.messages.size()));
        EXPECT_EQ(interrupt_clear(), pending ? 1 : 0);
    }
    ASSERT_EQ(raw_write(sockets.peer, sent.data(), count), count);
    ManyMessages many(count);
    const long bare = raw_call(SYS_recvmmsg, sockets.ours, reinterpret_cast<long>(many.messages.data()), count, 0, 0);
    ASSERT_EQ(raw_write(sockets.peer, sent.data(), count), count);
    EXPECT_EQ(recvmmsg(sockets.ours, many.messages.data(), count, 0, nullptr), bare);
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
