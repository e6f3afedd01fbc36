// Waits for data that comes, and for room for data that goes: what the receives and sends have in common with the reads
// and writes. On a socket pair; on a pipe where a call is not for sockets alone and no time limit is asked for.
#pragma once

#include <cstring>

#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/descriptors.h"

namespace interrupt_tests {

enum class Medium { socket, pipe_or_limited_socket };

class Transfer : public Wait {
public:
    Transfer(Limit limit, Medium medium, int option)
        : limit_(limit), is_pipe_(medium == Medium::pipe_or_limited_socket && limit == Limit::none) {
        set_socket_limit(sockets_.ours, option, limit);
    }
    Returned timed_out() const override { return {-1, EAGAIN}; }
    // A socket's time limit excludes a restart.
    bool goes_on_after_handler(bool restarts) const override { return restarts && limit_ == Limit::none; }
    int flags = 0;  // for the calls that have them

protected:
    const Limit limit_;
    const bool is_pipe_;
    Pipe pipe_;
    SocketPair sockets_;
};

class Incoming : public Transfer {
public:
    using Function = long (*)(Incoming&);
    Incoming(Limit limit, Medium medium, Function function)
        : Transfer(limit, medium, SO_RCVTIMEO), function_(function), is_for_sockets_(medium == Medium::socket) {}
    int fd() const { return is_pipe_ ? pipe_.reader : sockets_.ours; }

    long call() override {
        std::memset(buffer, '.', sizeof buffer);
        std::memset(&address, '.', sizeof address);
        message.msg_name = &address;
        message.msg_namelen = address_length = sizeof address;
        message.msg_control = control_;
        message.msg_controllen = sizeof control_;
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        message.msg_flags = -1;
        return function_(*this);
    }
    void end(pid_t) override { EXPECT_EQ(raw_write(other_end(), "hello", 5), 5); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{5}; }
    bool can_reach_end_of_file() const override { return true; }
    void check(End end) override {
        const bool arrived = end == End::natural && limit_ != Limit::near;
        EXPECT_STREQ(std::string(buffer, 6).c_str(), arrived ? "hello." : "......");
        if (end == End::end_of_file && uses_address) {
            EXPECT_EQ(address_length, 0u);
        }
        if (end == End::end_of_file && uses_message) {
            EXPECT_EQ(message.msg_namelen, 0u);
            EXPECT_EQ(message.msg_controllen, 0u);
            EXPECT_EQ(message.msg_flags, 0);
        }
    }
    void without_waiting(NoWait& check) override {
        end(0);
        check("data ready", {5}, [&] { return call(); });
        this->check(End::natural);
        if (is_for_sockets_) {
            flags = MSG_DONTWAIT;
            check("MSG_DONTWAIT", failed(EAGAIN), [&] { return call(); });
            flags = 0;
        }
        set_nonblocking(fd(), true);
        check("non-blocking descriptor", failed(EAGAIN), [&] { return call(); });
        end(0);
        check("non-blocking descriptor, data ready", {5}, [&] { return call(); });
        set_nonblocking(fd(), false);
        if (!is_for_sockets_) {
            const Directory directory;
            const Descriptor file(::open(directory.path("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
            EXPECT_EQ(pwrite(file, "hello", 5, 0), 5);
            const Descriptor kept(dup(fd()));
            dup3(file, fd(), O_CLOEXEC);
            check("regular file", {5}, [&] { return call(); });
            check("regular file, its end", {0}, [&] { return call(); });
            dup3(kept, fd(), O_CLOEXEC);
        }
        (is_pipe_ ? pipe_.writer : sockets_.peer).close_now();
        check("end of file", {0}, [&] { return call(); });
    }

    char buffer[100];
    struct sockaddr_un address;
    socklen_t address_length;
    struct msghdr message = {};
    struct iovec parts[2] = {{buffer, 3}, {buffer + 3, sizeof buffer - 3}};
    bool uses_address = false;
    bool uses_message = false;

private:
    int other_end() const { return is_pipe_ ? pipe_.writer : sockets_.peer; }
    const Function function_;
    const bool is_for_sockets_;
    char control_[64] = {};
};

class Outgoing : public Transfer {
public:
    using Function = long (*)(Outgoing&);
    Outgoing(Limit limit, Medium medium, Function function)
        : Transfer(limit, medium, SO_SNDTIMEO), function_(function), is_for_sockets_(medium == Medium::socket) {
        fill(fd());
    }
    int fd() const { return is_pipe_ ? pipe_.writer : sockets_.ours; }

    long call() override {
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        return function_(*this);
    }
    void end(pid_t) override { drain(is_pipe_ ? pipe_.reader : sockets_.peer); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{sizeof buffer}; }
    void without_waiting(NoWait& check) override {
        if (is_for_sockets_) {
            flags = MSG_DONTWAIT;
            check("MSG_DONTWAIT", failed(EAGAIN), [&] { return call(); });
            flags = 0;
        }
        set_nonblocking(fd(), true);
        check("non-blocking descriptor", failed(EAGAIN), [&] { return call(); });
        set_nonblocking(fd(), false);
        end(0);
        check("room", {sizeof buffer}, [&] { return call(); });
        if (!is_for_sockets_) {
            const Directory directory;
            const Descriptor file(::open(directory.path("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
            const Descriptor kept(dup(fd()));
            dup3(file, fd(), O_CLOEXEC);
            check("regular file", {sizeof buffer}, [&] { return call(); });
            dup3(kept, fd(), O_CLOEXEC);
        }
    }

    char buffer[100] = {};
    struct msghdr message = {};
    struct iovec parts[2] = {{buffer, 3}, {buffer + 3, sizeof buffer - 3}};

private:
    const Function function_;
    const bool is_for_sockets_;
};

}  // namespace interrupt_tests
