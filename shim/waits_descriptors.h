// Waits for a descriptor: what they have in common; connections; opening a FIFO.
#pragma once

#include "shim/waits_common.h"

namespace interrupt::waits {

inline bool is_nonblocking(int fd) {
    const long flags = os::fcntl(fd, F_GETFL);
    return flags < 0 || (flags & O_NONBLOCK) != 0;
}

inline bool is_stream_socket(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    return os::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

struct OnDescriptor : Common {
    explicit OnDescriptor(int fd) : fd_(fd) {}
    uint64_t target() const { return static_cast<uint64_t>(fd_); }
    bool cannot_block() const { return is_nonblocking(fd_); }

protected:
    const int fd_;
};

// A wait under the socket's own time limit, SO_RCVTIMEO or SO_SNDTIMEO, which the kernel begins anew with each call: a
// repetition first waits for the descriptor to be ready, for no longer than the rest.
template <int option, short events>
struct OnLimitedDescriptor : OnDescriptor {
    using OnDescriptor::OnDescriptor;
    bool has_time_limit() const { return may_call_kernel() && os::socket_limit_ns(fd_, option) != 0; }
    void shorten(uint64_t since) {
        if (whole_ == unknown) {
            whole_ = may_call_kernel() ? os::socket_limit_ns(fd_, option) : 0;
        }
        rest_ = limit_.rest(since, whole_);
    }
    template <class RealCall>
    auto repeat(RealCall& real) {
        return repeat_or_fail(real, EAGAIN);
    }

protected:
    // The next call is another wait, under the whole limit.
    void begin_anew() {
        whole_ = unknown;
        limit_ = {};
    }
    template <class RealCall>
    auto repeat_or_fail(RealCall& real, int error) -> decltype(real()) {
        if (whole_ == 0) {
            return real();
        }
        struct pollfd ready = {fd_, events, 0};
        const struct timespec rest = os::to_timespec(rest_);
        thread_context.attempt.repeats_in = reinterpret_cast<uintptr_t>(&ready);
        const int count = real::ppoll(&ready, 1, &rest, nullptr);
        thread_context.attempt.repeats_in = 0;
        return count > 0 ? real() : count == 0 ? fail(error) : -1;
    }

private:
    static constexpr uint64_t unknown = UINT64_MAX;
    uint64_t whole_ = unknown;
    uint64_t rest_ = 0;
    Limit limit_;
};
using OnReceivingDescriptor = OnLimitedDescriptor<SO_RCVTIMEO, POLLIN>;
using OnSendingDescriptor = OnLimitedDescriptor<SO_SNDTIMEO, POLLOUT>;

struct Accept : OnReceivingDescriptor {
    using OnReceivingDescriptor::OnReceivingDescriptor;
};

// Repeated, connect() goes on waiting for the connection that it has begun (inet_stream_connect in the kernel). A local
// one has begun nothing before there is room in the listener's queue (unix_stream_connect); until then its limit begins
// anew.
struct Connect : OnSendingDescriptor {
    using OnSendingDescriptor::OnSendingDescriptor;
    int time_out() const { return fail(limit_error()); }
    template <class RealCall>
    auto repeat(RealCall& real) {
        return repeat_or_fail(real, limit_error());
    }

private:
    int limit_error() const {
        int domain = AF_UNSPEC;
        socklen_t size = sizeof domain;
        os::getsockopt(fd_, SOL_SOCKET, SO_DOMAIN, &domain, &size);
        return domain == AF_UNIX ? EAGAIN : EINPROGRESS;
    }
};

// --- files ---

inline bool never_waits(int fd) {
    struct stat status;
    return os::fstat(fd, &status) == 0 && os::never_waits(status);
}

// Waits for the other end of a FIFO, or for a terminal's carrier.
struct Open : Common {
    Open(int directory, const char* path, int flags) : directory_(directory), path_(path), flags_(flags) {}
    static uint64_t target() { return 0; }
    bool cannot_block() const {
        struct stat status;
        return (flags_ & O_NONBLOCK) != 0 || os::fstatat(directory_, path_, &status, 0) != 0 ||
               !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) || os::never_waits(status);
    }

private:
    const int directory_;
    const char* const path_;
    const int flags_;
};

}  // namespace interrupt::waits
