// recvmmsg and sendmmsg.
#pragma once

#include "tests/interposers/transfers.h"

namespace interrupt_tests {

// Two datagrams of one byte are waited for.
class IncomingMessages : public Wait {
public:
    explicit IncomingMessages(Limit limit) : limit_(limit) { set_socket_limit(sockets_.ours, SO_RCVTIMEO, limit); }
    long call() override { return receive(0, nullptr); }
    void end(pid_t) override {
        send_one('a');
        send_one('b');
    }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{2}; }
    Returned timed_out() const override { return {-1, EAGAIN}; }
    bool can_reach_end_of_file() const override { return true; }
    Returned end_of_file() const override { return {2}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts && limit_ == Limit::none; }
    void check(End end) override {
        const bool arrived = end == End::natural && limit_ != Limit::near;
        EXPECT_EQ(std::string(bytes_, 2), arrived ? "ab" : "..");
        for (const struct mmsghdr& message : messages_) {
            EXPECT_EQ(message.msg_len, arrived ? 1u : end == End::end_of_file ? 0u : unset);
        }
    }
    void without_waiting(NoWait& check) override {
        end(0);
        check("both are there", {2}, [&] { return call(); });
        this->check(End::natural);
        end(0);
        struct timespec timeout = {far_seconds, 0};
        check("both are there, with a time limit", {2}, [&] { return receive(0, &timeout); });
        EXPECT_LE(timeout.tv_sec, far_seconds);
        EXPECT_GT(timeout.tv_sec, 0);
        send_one('a');
        check("MSG_WAITFORONE, one is there", {1}, [&] { return receive(MSG_WAITFORONE, nullptr); });
        check("MSG_DONTWAIT", failed(EAGAIN), [&] { return receive(MSG_DONTWAIT, nullptr); });
        send_one('a');
        check("MSG_DONTWAIT, one is there", {1}, [&] { return receive(MSG_DONTWAIT, nullptr); });
        set_nonblocking(sockets_.ours, true);
        check("non-blocking descriptor", failed(EAGAIN), [&] { return call(); });
        send_one('a');
        check("non-blocking descriptor, one is there", {1}, [&] { return call(); });
        set_nonblocking(sockets_.ours, false);
        check("no descriptor", failed(EBADF), [&] { return recvmmsg(-1, messages_, 2, 0, nullptr); });
    }

    // For messages_test.cpp.
    long receive(int flags, struct timespec* timeout) { return receive_from(sockets_.ours, flags, timeout); }
    long receive_from(int fd, int flags, struct timespec* timeout) {
        std::memset(bytes_, '.', sizeof bytes_);
        for (size_t i = 0; i < 2; ++i) {
            parts_[i] = {&bytes_[i], 1};
            messages_[i] = {};
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
            messages_[i].msg_len = unset;
        }
        return recvmmsg(fd, messages_, 2, flags, timeout);
    }
    void send_one(char byte) { EXPECT_EQ(raw_write(sockets_.peer, &byte, 1), 1); }
    int fd() const { return sockets_.ours; }
    std::string received(long count) const { return std::string(bytes_, static_cast<size_t>(count)); }

private:
    static constexpr unsigned unset = 4711;
    const Limit limit_;
    SocketPair sockets_{SOCK_DGRAM};
    char bytes_[2] = {};
    struct iovec parts_[2];
    struct mmsghdr messages_[2];
};

template <>
struct Case<Row::recvmmsg> : TwoCases<Row::recvmmsg> {
    static WaitPointer make(Limit limit) { return std::make_unique<IncomingMessages>(limit); }
};

// Of two messages there is no room for the first.
class OutgoingMessages : public Outgoing {
public:
    explicit OutgoingMessages(Limit limit) : Outgoing(limit, Medium::socket, send_both) {}
    Returned natural() const override {
        return Outgoing::natural().value == sizeof buffer ? Returned{2} : Outgoing::natural();
    }
    void without_waiting(NoWait& check) override {
        flags = MSG_DONTWAIT;
        check("MSG_DONTWAIT", failed(EAGAIN), [&] { return call(); });
        flags = 0;
        set_nonblocking(fd(), true);
        check("non-blocking descriptor", failed(EAGAIN), [&] { return call(); });
        set_nonblocking(fd(), false);
        end(0);
        check("room", {2}, [&] { return call(); });
    }

private:
    static long send_both(Outgoing& it) {
        struct mmsghdr messages[2] = {{it.message, 0}, {it.message, 0}};
        const long sent = sendmmsg(it.fd(), messages, 2, it.flags);
        for (long i = 0; i < sent; ++i) {
            EXPECT_EQ(messages[i].msg_len, sizeof it.buffer);
        }
        return sent;
    }
};

template <>
struct Case<Row::sendmmsg> : TwoCases<Row::sendmmsg> {
    static WaitPointer make(Limit limit) { return std::make_unique<OutgoingMessages>(limit); }
};

}  // namespace interrupt_tests
