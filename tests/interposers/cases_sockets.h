// recv, send, accept, connect and their kin.
#pragma once

#include <netinet/in.h>

#include <list>

#include "tests/interposers/transfers.h"

namespace interrupt_tests {

#define RECEIVE(name, ...)                                                                                      \
    template <>                                                                                                 \
    struct Case<Row::name> : TwoCases<Row::name> {                                                              \
        static WaitPointer make(Limit limit) {                                                                  \
            return std::make_unique<Incoming>(limit, Medium::socket, [](Incoming& it) -> long { __VA_ARGS__ }); \
        }                                                                                                       \
    };
RECEIVE(recv, return recv(it.fd(), it.buffer, sizeof it.buffer, it.flags);)
RECEIVE(__recv_chk, return __recv_chk(it.fd(), it.buffer, sizeof it.buffer, sizeof it.buffer, it.flags);)
RECEIVE(recvfrom, it.uses_address = true;
        return recvfrom(it.fd(), it.buffer, sizeof it.buffer, it.flags, reinterpret_cast<struct sockaddr*>(&it.address),
                        &it.address_length);)
RECEIVE(__recvfrom_chk, it.uses_address = true;
        return __recvfrom_chk(it.fd(), it.buffer, sizeof it.buffer, sizeof it.buffer, it.flags,
                              reinterpret_cast<struct sockaddr*>(&it.address), &it.address_length);)
RECEIVE(recvmsg, it.uses_message = true; return recvmsg(it.fd(), &it.message, it.flags);)
#undef RECEIVE

#define SEND(name, ...)                                                                                         \
    template <>                                                                                                 \
    struct Case<Row::name> : TwoCases<Row::name> {                                                              \
        static WaitPointer make(Limit limit) {                                                                  \
            return std::make_unique<Outgoing>(limit, Medium::socket,                                            \
                                              [](Outgoing& it) -> long { return name(it.fd(), __VA_ARGS__); }); \
        }                                                                                                       \
    };
SEND(send, it.buffer, sizeof it.buffer, it.flags)
SEND(__send, it.buffer, sizeof it.buffer, it.flags)
SEND(sendto, it.buffer, sizeof it.buffer, it.flags, nullptr, 0)
SEND(sendmsg, &it.message, it.flags)
#undef SEND

class Accept : public Wait {
public:
    using Function = long (*)(int, struct sockaddr*, socklen_t*);
    Accept(Limit limit, Function function) : limit_(limit), function_(function), listener_(8) {
        set_socket_limit(listener_.fd(), SO_RCVTIMEO, limit);
    }
    long call() override {
        struct sockaddr_un address;
        socklen_t length = sizeof address;
        return closed(function_(listener_.fd(), reinterpret_cast<struct sockaddr*>(&address), &length));
    }
    void end(pid_t) override { EXPECT_EQ(listener_.connect_client(client_), 0); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{0}; }
    Returned timed_out() const override { return {-1, EAGAIN}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts && limit_ == Limit::none; }
    void without_waiting(NoWait& check) override {
        end(0);
        check("a connection waits", {0}, [&] { return call(); });
        set_nonblocking(listener_.fd(), true);
        check("non-blocking descriptor", failed(EAGAIN), [&] { return call(); });
        set_nonblocking(listener_.fd(), false);
    }

private:
    const Limit limit_;
    const Function function_;
    Listener listener_;
    Descriptor client_;
};

template <>
struct Case<Row::accept> : TwoCases<Row::accept> {
    static WaitPointer make(Limit limit) {
        return std::make_unique<Accept>(limit, [](int fd, struct sockaddr* address, socklen_t* length) -> long {
            return accept(fd, address, length);
        });
    }
};

template <>
struct Case<Row::accept4> : TwoCases<Row::accept4> {
    static WaitPointer make(Limit limit) {
        return std::make_unique<Accept>(limit, [](int fd, struct sockaddr* address, socklen_t* length) -> long {
            return accept4(fd, address, length, SOCK_CLOEXEC);
        });
    }
};

using ConnectFunction = int (*)(int, const struct sockaddr*, socklen_t);

// To a local listener whose queue is full: it goes on when the listener has accepted.
class LocalConnect : public Wait {
public:
    LocalConnect(Limit limit, ConnectFunction function)
        : limit_(limit), function_(function), listener_(0), ours_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        do {
            clients_.emplace_back();
        } while (listener_.connect_client(clients_.back()) == 0);
        set_socket_limit(ours_, SO_SNDTIMEO, limit);
    }
    long call() override { return function_(ours_, listener_.address(), listener_.length()); }
    void end(pid_t) override { listener_.accept_all(); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{0}; }
    Returned timed_out() const override { return {-1, EAGAIN}; }  // unix(7), as the kernel has it
    bool goes_on_after_handler(bool restarts) const override { return restarts && limit_ == Limit::none; }
    void without_waiting(NoWait& check) override {
        set_nonblocking(ours_, true);
        check("non-blocking descriptor", failed(EAGAIN), [&] { return call(); });
        set_nonblocking(ours_, false);
        end(0);
        check("room in the queue", {0}, [&] { return call(); });
        end(0);
        check("connected", failed(EISCONN), [&] { return call(); });
    }

private:
    const Limit limit_;
    const ConnectFunction function_;
    Listener listener_;
    std::list<Descriptor> clients_;
    Descriptor ours_;
};

// To a listener of the network whose queue is full: the kernel sends again and again, and the connection comes about in
// the background, whatever has become of the call.
class NetworkConnect : public Wait {
public:
    NetworkConnect(Limit limit, ConnectFunction function)
        : limit_(limit), function_(function), listener_(stream_socket()), ours_(stream_socket()) {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address_;
        EXPECT_EQ(bind(listener_, address(), sizeof address_), 0);
        EXPECT_EQ(getsockname(listener_, address(), &length), 0);
        EXPECT_EQ(listen(listener_, 0), 0);
        // One has room; the kernel answers it at once.
        first_.take(stream_socket());
        EXPECT_EQ(raw_call(SYS_connect, first_, reinterpret_cast<long>(&address_), sizeof address_), 0);
        set_socket_limit(ours_, SO_SNDTIMEO, limit);
    }
    long call() override { return function_(ours_, address(), sizeof address_); }
    void end(pid_t) override { raw_close(raw_call(SYS_accept4, listener_, 0, 0, 0)); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{0}; }
    Returned timed_out() const override { return {-1, EINPROGRESS}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts && limit_ == Limit::none; }
    void check(End end) override {
        if (end == End::interrupted) {
            this->end(0);
            struct pollfd fd = {ours_, POLLOUT, 0};
            EXPECT_EQ(poll(&fd, 1, 10'000), 1) << "the connection was to go on";
            int error = -1;
            socklen_t length = sizeof error;
            EXPECT_EQ(getsockopt(ours_, SOL_SOCKET, SO_ERROR, &error, &length), 0);
            EXPECT_EQ(error, 0);
        }
    }
    void without_waiting(NoWait& check) override {
        set_nonblocking(ours_, true);
        check("non-blocking descriptor", failed(EINPROGRESS), [&] { return call(); });
    }

private:
    static int stream_socket() { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
    struct sockaddr* address() {
        return reinterpret_cast<struct sockaddr*>(&address_);
    }
    const Limit limit_;
    const ConnectFunction function_;
    struct sockaddr_in address_ = {};
    const Descriptor listener_;
    Descriptor ours_;
    Descriptor first_;
};

// The local one where it is ended from outside: the network's takes a second to send again.
inline WaitPointer make_connect(Limit limit, ConnectFunction function) {
    if (limit == Limit::none) {
        return std::make_unique<LocalConnect>(limit, function);
    }
    return std::make_unique<NetworkConnect>(limit, function);
}

template <>
struct Case<Row::connect> : TwoCases<Row::connect> {
    static WaitPointer make(Limit limit) { return make_connect(limit, &connect); }
};

template <>
struct Case<Row::__connect> : TwoCases<Row::__connect> {
    static WaitPointer make(Limit limit) { return make_connect(limit, &__connect); }
};

}  // namespace interrupt_tests
