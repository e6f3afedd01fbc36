// Calls that gather several things: a signal that is nobody's makes them return with no fewer, and a request gives what
// is there and stays pending.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "interrupt/interrupt.h"
#include "tests/interposers/cases_devices.h"
#include "tests/interposers/cases_messages.h"
#include "tests/interposers/scenario.h"

namespace interrupt_tests {

namespace {

using interrupt::Call;

const Subject recvmmsg_subject{"recvmmsg", Call::recvmmsg_, nullptr};
const Subject io_getevents_subject{"io_getevents", Call::io_getevents_, nullptr};

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

// An error of the connection ends the wait for the second, and is the next call's.
TEST(Messages, AnErrorOfTheSocketIsLeftToTheNextCall) {
    const Descriptor ours(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    Descriptor peer(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    struct sockaddr_in addresses[2] = {};
    for (int i = 0; i < 2; ++i) {
        const int fd = i == 0 ? ours : peer;
        addresses[i].sin_family = AF_INET;
        addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof addresses[i];
        auto* const address = reinterpret_cast<struct sockaddr*>(&addresses[i]);
        ASSERT_EQ(bind(fd, address, size), 0);
        ASSERT_EQ(getsockname(fd, address, &size), 0);
    }
    ASSERT_EQ(connect(ours, reinterpret_cast<struct sockaddr*>(&addresses[1]), sizeof addresses[1]), 0);
    ASSERT_EQ(connect(peer, reinterpret_cast<struct sockaddr*>(&addresses[0]), sizeof addresses[0]), 0);
    ASSERT_EQ(raw_write(peer, "a", 1), 1);

    class Both : public IncomingMessages {
    public:
        explicit Both(int socket) : IncomingMessages(Limit::none), socket_(socket) {}
        long call() override { return receive_from(socket_, 0, nullptr); }

    private:
        const int socket_;
    } wait(ours);
    Waiter waiter(recvmmsg_subject, wait);
    waiter.await_blocked();
    peer.close_now();
    ASSERT_EQ(raw_write(ours, "x", 1), 1);  // nobody takes it: ECONNREFUSED
    EXPECT_EQ(waiter.join().returned, Returned{1});
    char byte;
    EXPECT_EQ(raw_read(ours, &byte, 1), -ECONNREFUSED);
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

class BothEvents : public KernelEvents {
public:
    BothEvents() : KernelEvents(Limit::none) {}
    long call() override { return wait_for(2); }
};

TEST(Events, SignalsThatAreNobodysMakeThemNoFewer) {
    BothEvents wait;
    Waiter waiter(io_getevents_subject, wait);
    waiter.await_blocked();
    wait.end(0);
    meet_signals(waiter);
    wait.end_other();
    EXPECT_EQ(waiter.join().returned, Returned{2});
    EXPECT_EQ(wait.data_of(0), 1u);
    EXPECT_EQ(wait.data_of(1), 2u);
}

TEST(Events, OneIsGivenToARequestThatStaysPending) {
    BothEvents wait;
    Waiter::Options options;
    int cleared = 0;
    options.afterwards = [&] { cleared = interrupt_clear(); };
    Waiter waiter(io_getevents_subject, wait, options);
    waiter.await_blocked();
    wait.end(0);
    waiter.await_blocked();
    ASSERT_EQ(interrupt_thread(waiter.tid()), 0);
    EXPECT_EQ(waiter.join().returned, Returned{1});
    EXPECT_EQ(cleared, 1);
}

// Of more than 256 bytes the kernel makes fewer when a signal comes.
TEST(Random, SignalsThatAreNobodysMakeItNoShorter) {
    std::atomic<bool> over = false;
    const pid_t tid = own_tid();
    std::thread storm([&] {
        while (!over) {
            send_signal(tid, SIGURG);
            raw_wait(100);
        }
    });
    std::string bytes(1 << 20, 0);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(getrandom(bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    }
    over = true;
    storm.join();
}

}  // namespace

}  // namespace interrupt_tests
