// What the cases' descriptors are made of. Nothing here is an interruption point.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/interposers/raw_calls.h"
#include "tests/interposers/wait.h"

namespace interrupt_tests {

class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    ~Descriptor() { close_now(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    operator int() const { return fd_; }
    void take(int fd) {
        close_now();
        fd_ = fd;
    }
    void close_now() {
        if (fd_ >= 0) {
            raw_close(fd_);
        }
        fd_ = -1;
    }

private:
    int fd_;
};

// A result that is a new descriptor becomes 0.
inline long closed(long result) {
    if (result < 0) {
        return result;
    }
    raw_close(result);
    return 0;
}

inline void set_nonblocking(int fd, bool on) {
    const int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

inline long raw_read(int fd, void* buffer, size_t size) {
    return raw_call(SYS_read, fd, reinterpret_cast<long>(buffer), static_cast<long>(size));
}
inline long raw_write(int fd, const void* buffer, size_t size) {
    return raw_call(SYS_write, fd, reinterpret_cast<long>(buffer), static_cast<long>(size));
}

// Writes until there is no room for another byte.
inline void fill(int fd) {
    set_nonblocking(fd, true);
    static const char bytes[4096] = {};
    while (raw_write(fd, bytes, sizeof bytes) > 0) {
    }
    while (raw_write(fd, bytes, 1) > 0) {
    }
    set_nonblocking(fd, false);
}

// Reads all that is there.
inline void drain(int fd) {
    set_nonblocking(fd, true);
    char bytes[4096];
    while (raw_read(fd, bytes, sizeof bytes) > 0) {
    }
    set_nonblocking(fd, false);
}

inline void set_socket_limit(int fd, int option, Limit limit) {
    if (limit != Limit::none) {
        const struct timeval time = {limit == Limit::far ? far_seconds : near_ms / 1'000, 0};
        ASSERT_EQ(setsockopt(fd, SOL_SOCKET, option, &time, sizeof time), 0);
    }
}

struct Pipe {
    Descriptor reader;
    Descriptor writer;
    Pipe() {
        int ends[2];
        EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
        reader.take(ends[0]);
        writer.take(ends[1]);
    }
};

struct SocketPair {
    Descriptor ours;  // of the waiting thread
    Descriptor peer;
    explicit SocketPair(int type = SOCK_STREAM) {
        int ends[2];
        EXPECT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
        ours.take(ends[0]);
        peer.take(ends[1]);
    }
};

// A local listener under a name that the kernel chooses.
class Listener {
public:
    explicit Listener(int backlog) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        address_.sun_family = AF_UNIX;
        EXPECT_EQ(bind(fd_, address(), sizeof(sa_family_t)), 0);
        length_ = sizeof address_;
        EXPECT_EQ(getsockname(fd_, address(), &length_), 0);
        EXPECT_EQ(listen(fd_, backlog), 0);
    }
    int fd() const { return fd_; }
    struct sockaddr* address() {
        return reinterpret_cast<struct sockaddr*>(&address_);
    }
    socklen_t length() const { return length_; }
    // A client's connection: 0, or a negative error number if there is no room for it.
    long connect_client(Descriptor& client) {
        client.take(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        return raw_call(SYS_connect, client, reinterpret_cast<long>(&address_), length_);
    }
    // Takes every connection that waits.
    void accept_all() {
        set_nonblocking(fd_, true);
        for (long fd; (fd = raw_call(SYS_accept4, fd_, 0, 0, 0)) >= 0;) {
            raw_close(fd);
        }
        set_nonblocking(fd_, false);
    }

private:
    Descriptor fd_;
    struct sockaddr_un address_ = {};
    socklen_t length_ = 0;
};

// A directory of its own, removed with what is in it.
class Directory {
public:
    Directory() {
        char name[] = "/tmp/interposer_tests.XXXXXX";
        EXPECT_NE(mkdtemp(name), nullptr);
        path_ = name;
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    std::string path(const char* name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace interrupt_tests
