// Waits for devices, for random numbers, and for asynchronous input and output.
#pragma once

#include <sys/random.h>

#include "shim/waits_transfers.h"

namespace interrupt::waits {

// ioctl and tcdrain: only the device knows whether a command waits.
struct Device : Common {
    explicit Device(int fd) : fd_(fd) {}
    uint64_t target() const { return static_cast<uint64_t>(fd_); }

private:
    const int fd_;
};

// Of more than 256 bytes a signal makes fewer: random(7).
struct Random : Common {
    Random(void*& buffer, size_t& size, unsigned flags) : buffer_(buffer), size_(size), flags_(flags) {}
    static uint64_t target() { return 0; }
    bool cannot_block() const { return (flags_ & GRND_NONBLOCK) != 0; }
    bool unfinished(ssize_t result) {
        if (result <= 0 || static_cast<size_t>(result) >= size_) {
            return false;
        }
        done_.add(result);
        buffer_ = static_cast<char*>(buffer_) + result;
        size_ -= static_cast<size_t>(result);
        return true;
    }
    bool moved() const { return done_.any(); }
    ssize_t total(ssize_t result) const { return done_.total(result); }

private:
    void*& buffer_;
    size_t& size_;
    const unsigned flags_;
    Done done_;
};

// For one of several requests of asynchronous input and output. Its target is not shown; it tells whether it
// has a time limit, on which it depends whether a handler of the program restarts it.
struct Asynchronous : Common {
    explicit Asynchronous(const struct timespec*& timeout) : timeout_(timeout) {}
    uint64_t target() const { return timeout_.none() ? 0 : 1; }
    bool has_time_limit() const { return !timeout_.none(); }
    bool cannot_block() const { return timeout_.zero(); }
    void shorten(uint64_t since) { timeout_.shorten(since); }

private:
    Timespec timeout_;
};

// libaio's io_getevents: a negative error number, and errno is left alone. A signal makes it return with fewer events
// than it was to wait for.
struct AsyncEvents : Asynchronous {
    AsyncEvents(long& least, long& most, void*& events, const struct timespec*& timeout)
        : Asynchronous(timeout), least_(least), most_(most), events_(events) {}
    bool interrupted(int result, const Attempt&) const { return result == -EINTR; }
    int fail(int error) const { return -error; }
    int interrupt() const { return -EINTR; }
    int time_out() const { return 0; }
    bool unfinished(int result) {
        if (result <= 0 || result >= least_) {
            return false;
        }
        done_.add(result);
        events_ = static_cast<char*>(events_) + result * size_of_event;
        least_ -= result;
        most_ -= result;
        return true;
    }
    bool moved() const { return done_.any(); }
    int total(int result) const { return done_.total(result); }

private:
    static constexpr int size_of_event = 32;  // struct io_event of the kernel
    long& least_;
    long& most_;
    void*& events_;
    Done done_;
};

}  // namespace interrupt::waits
