// Transfers from one descriptor to another, and the locks of files.
#pragma once

#include "shim/waits_transfers.h"

namespace interrupt::waits {

inline bool is_pipe(int fd) {
    struct stat status;
    return os::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

// The kernel reads from regular files and block devices alone: what is waited for is room. The offset, the file's or
// the program's, goes on with each part. Into a pipe goes what there is room for.
struct SendFile : WriteCommon {
    SendFile(int to, size_t& size) : WriteCommon(to), size_(size) {}
    bool unfinished(ssize_t result) {
        if (result <= 0 || static_cast<size_t>(result) >= size_ || cannot_block() || is_pipe(fd_)) {
            return false;
        }
        done_.add(result);
        size_ -= static_cast<size_t>(result);
        return true;
    }
    bool moved() const { return done_.any(); }
    ssize_t total(ssize_t result) const { return done_.total(result); }

private:
    size_t& size_;
    Done done_;
};

// From or to a pipe, so that at most one of the two is a socket with a time limit. Once it has moved something it waits
// for no more data: the rest after a cut is what is there.
struct Splice : Common {
    Splice(int from, int to, size_t& size, unsigned& flags) : from_(from), to_(to), size_(size), flags_(flags) {}
    uint64_t target() const { return from_.target(); }
    bool cannot_block() const { return from_.cannot_block() && to_.cannot_block(); }
    bool has_time_limit() const { return from_.has_time_limit() || to_.has_time_limit(); }
    void shorten(uint64_t since) {
        from_.shorten(since);
        to_.shorten(since);
    }
    template <class RealCall>
    auto repeat(RealCall& real) {
        return from_.has_time_limit() ? from_.repeat(real) : to_.repeat(real);
    }
    bool unfinished(ssize_t result) {
        if (result <= 0 || static_cast<size_t>(result) >= size_) {
            return false;
        }
        done_.add(result);
        size_ -= static_cast<size_t>(result);
        flags_ |= SPLICE_F_NONBLOCK;
        return true;
    }
    bool moved() const { return done_.any(); }
    ssize_t total(ssize_t result) const { return done_.total(result); }

private:
    Read from_;
    WriteCommon to_;
    size_t& size_;
    unsigned& flags_;
    Done done_;
};

// Between two pipes.
struct Tee : Common {
    Tee(int from, int to, unsigned flags) : from_(from), to_(to), flags_(flags) {}
    uint64_t target() const { return static_cast<uint64_t>(from_); }
    bool cannot_block() const {
        return (flags_ & SPLICE_F_NONBLOCK) != 0 || is_nonblocking(from_) || is_nonblocking(to_);
    }

private:
    const int from_;
    const int to_;
    const unsigned flags_;
};

// The pipe's own O_NONBLOCK is not looked at.
struct Vmsplice : OnDescriptor {
    Vmsplice(int pipe, unsigned flags) : OnDescriptor(pipe), flags_(flags) {}
    bool cannot_block() const { return (flags_ & SPLICE_F_NONBLOCK) != 0; }

private:
    const unsigned flags_;
};

// A lock that is free is taken by the very call: no look at it could tell without taking it, or be sure that it stays
// free.
struct FileLock : Common {
    FileLock(int fd, bool only_tries) : fd_(fd), only_tries_(only_tries) {}
    uint64_t target() const { return static_cast<uint64_t>(fd_); }
    bool cannot_block() const { return only_tries_; }

private:
    const int fd_;
    const bool only_tries_;
};

}  // namespace interrupt::waits
