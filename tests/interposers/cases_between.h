// Transfers from one descriptor to another, and the locks of files.
#pragma once

#include <sys/mman.h>

#include "tests/interposers/transfers.h"

namespace interrupt_tests {

// From a file, at its own offset.
template <class Function>
long send_file(Function function, Outgoing& it) {
    const Descriptor file(memfd_create("data", MFD_CLOEXEC));
    EXPECT_EQ(ftruncate(file, sizeof it.buffer), 0);
    errno = untouched;
    const long sent = function(it.fd(), file, nullptr, sizeof it.buffer);
    const int error = errno;
    EXPECT_EQ(lseek(file, 0, SEEK_CUR), sent > 0 ? sent : 0);
    errno = error;
    return sent;
}

#define SENDFILE(name)                                                                                   \
    template <>                                                                                          \
    struct Case<Row::name> : TwoCases<Row::name> {                                                       \
        static WaitPointer make(Limit limit) {                                                           \
            return std::make_unique<Outgoing>(limit, Medium::pipe_or_limited_socket,                     \
                                              [](Outgoing& it) -> long { return send_file(name, it); }); \
        }                                                                                                \
    };
SENDFILE(sendfile)
SENDFILE(sendfile64)
#undef SENDFILE

// Into a pipe that has room.
template <>
struct Case<Row::splice> : TwoCases<Row::splice> {
    static WaitPointer make(Limit limit) {
        return std::make_unique<Incoming>(limit, Medium::pipe_or_limited_socket, [](Incoming& it) -> long {
            const Pipe pipe;
            const long count = splice(it.fd(), nullptr, pipe.writer, nullptr, sizeof it.buffer, 0);
            if (count > 0) {
                raw_read(pipe.reader, it.buffer, static_cast<size_t>(count));
            }
            return count;
        });
    }
};

// From a pipe into another that has room; what was copied is taken from both.
class Copied : public Incoming {
public:
    Copied() : Incoming(Limit::none, Medium::pipe_or_limited_socket, copy) {}
    void without_waiting(NoWait& check) override {
        check("SPLICE_F_NONBLOCK", failed(EAGAIN),
              [&] { return tee(fd(), copy_.writer, sizeof buffer, SPLICE_F_NONBLOCK); });
        set_nonblocking(copy_.writer, true);
        check("non-blocking descriptor", failed(EAGAIN), [&] { return call(); });
        set_nonblocking(copy_.writer, false);
        end(0);
        check("data ready", {5}, [&] { return call(); });
        this->check(End::natural);
        check("the wrong end", failed(EBADF), [&] { return tee(fd(), fd(), 1, 0); });
    }

private:
    static long copy(Incoming& it) {
        const auto& self = static_cast<const Copied&>(it);
        const long count = tee(it.fd(), self.copy_.writer, sizeof it.buffer, 0);
        if (count > 0) {
            raw_read(it.fd(), it.buffer, static_cast<size_t>(count));
            raw_read(self.copy_.reader, it.buffer, static_cast<size_t>(count));
        }
        return count;
    }
    const Pipe copy_;
};

template <>
struct Case<Row::tee> : TwoCases<Row::tee> {
    static WaitPointer make(Limit limit) { return limit != Limit::none ? nullptr : std::make_unique<Copied>(); }
};

// One byte of memory into a pipe that is full.
class Gifted : public Outgoing {
public:
    Gifted() : Outgoing(Limit::none, Medium::pipe_or_limited_socket, [](Outgoing& it) { return give(it, 0); }) {}
    Returned natural() const override { return {1}; }
    void without_waiting(NoWait& check) override {
        check("SPLICE_F_NONBLOCK", failed(EAGAIN), [&] { return give(*this, SPLICE_F_NONBLOCK); });
        end(0);
        check("room", {1}, [&] { return call(); });
    }

private:
    static long give(Outgoing& it, unsigned flags) {
        const struct iovec byte = {it.buffer, 1};
        return vmsplice(it.fd(), &byte, 1, flags);
    }
};

template <>
struct Case<Row::vmsplice> : TwoCases<Row::vmsplice> {
    static WaitPointer make(Limit limit) { return limit != Limit::none ? nullptr : std::make_unique<Gifted>(); }
};

// A lock of a whole file, which another open file description has.
class LockedFile : public Wait {
public:
    using Function = long (*)(int fd, bool tries);
    enum class Owner { open_file, process };
    LockedFile(Function function, Owner owner) : function_(function), owner_(owner) { set(other_, F_WRLCK); }
    long call() override { return function_(ours_, false); }
    void end(pid_t) override { set(other_, F_UNLCK); }
    Returned natural() const override { return {0}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts; }
    void without_waiting(NoWait& check) override {
        check("it only tries", failed(EWOULDBLOCK), [&] { return function_(ours_, true); });
        set(other_, F_UNLCK);
        check("a free lock", {0}, [&] { return call(); });
        EXPECT_TRUE(is_ours());
        check("a lock that it has", {0}, [&] { return call(); });
        check("no descriptor", failed(EBADF), [&] { return function_(-1, false); });
    }

private:
    void set(int fd, short type) {
        if (owner_ == Owner::open_file) {
            EXPECT_EQ(raw_call(SYS_flock, fd, type == F_UNLCK ? LOCK_UN : LOCK_EX), 0);
            return;
        }
        struct flock lock = {};
        lock.l_type = type;
        EXPECT_EQ(raw_call(SYS_fcntl, fd, F_OFD_SETLK, reinterpret_cast<long>(&lock)), 0);
    }
    bool is_ours() {
        if (owner_ == Owner::open_file) {
            return raw_call(SYS_flock, other_, LOCK_EX | LOCK_NB) == -EWOULDBLOCK;
        }
        struct flock lock = {};
        lock.l_type = F_WRLCK;
        return raw_call(SYS_fcntl, other_, F_OFD_GETLK, reinterpret_cast<long>(&lock)) == 0 && lock.l_type == F_WRLCK;
    }
    const Function function_;
    const Owner owner_;
    const Directory directory_;
    const Descriptor ours_{::open(directory_.path("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    const Descriptor other_{::open(directory_.path("file").c_str(), O_RDWR | O_CLOEXEC)};
};

template <class Function>
long lock_by_fcntl(Function function, int command, int fd) {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    return function(fd, command, &lock);
}

#define LOCK(name, owner, ...)                                                                                \
    template <>                                                                                               \
    struct Case<Row::name> : TwoCases<Row::name> {                                                            \
        static WaitPointer make(Limit limit) {                                                                \
            return limit != Limit::none                                                                       \
                       ? nullptr                                                                              \
                       : std::make_unique<LockedFile>([](int fd, bool tries) -> long { return __VA_ARGS__; }, \
                                                      LockedFile::Owner::owner);                              \
        }                                                                                                     \
    };
LOCK(flock, open_file, flock(fd, LOCK_EX | (tries ? LOCK_NB : 0)))
LOCK(lockf, process, lockf(fd, tries ? F_TLOCK : F_LOCK, 0))
LOCK(lockf64, process, lockf64(fd, tries ? F_TLOCK : F_LOCK, 0))
LOCK(fcntl, process, lock_by_fcntl(fcntl, tries ? F_SETLK : F_SETLKW, fd))
LOCK(fcntl64, process, lock_by_fcntl(fcntl64, tries ? F_SETLK : F_SETLKW, fd))
LOCK(__fcntl, process, lock_by_fcntl(__fcntl, tries ? F_OFD_SETLK : F_OFD_SETLKW, fd))
#undef LOCK

}  // namespace interrupt_tests
