// Waits for readiness: poll, select, epoll.
#pragma once

#include "shim/waits_common.h"

namespace interrupt::waits {

struct Readiness : Common {
    int time_out() const { return 0; }
};

// False if they cannot be written.
inline bool clear_revents(struct pollfd* fds, nfds_t count) {
    for (nfds_t i = 0; i < count; ++i) {
        if (!store(&fds[i].revents, short{0})) {
            return false;
        }
    }
    return true;
}

inline int make_ready(struct pollfd* fds, nfds_t count) {
    for (nfds_t i = 0; i < count; ++i) {
        fds[i].revents = fds[i].events;
    }
    return static_cast<int>(count);
}

struct Poll : Readiness {
    Poll(struct pollfd* fds, nfds_t count, int& timeout) : fds_(fds), count_(count), timeout_(timeout) {}
    uint64_t target() const { return reinterpret_cast<uintptr_t>(fds_); }
    bool has_time_limit() const { return !timeout_.none(); }
    bool cannot_block() const { return timeout_.zero(); }
    void shorten(uint64_t since) { timeout_.shorten(since); }
    int time_out() const { return clear_revents(fds_, count_) ? 0 : fail(EFAULT); }
    int be_ready() const { return make_ready(fds_, count_); }

private:
    struct pollfd* const fds_;
    const nfds_t count_;
    Milliseconds timeout_;
};

struct Ppoll : RelativelyLimited<Readiness> {
    static constexpr bool redirects = true;
    Ppoll(struct pollfd* fds, nfds_t count, const struct timespec*& timeout, const sigset_t*& mask)
        : RelativelyLimited(timeout), fds_(fds), count_(count), mask_(mask) {}
    uint64_t target() const { return reinterpret_cast<uintptr_t>(fds_); }
    int time_out() const { return clear_revents(fds_, count_) ? 0 : fail(EFAULT); }
    int be_ready() const { return make_ready(fds_, count_); }
    bool ended_at_entry(int& result) { return mask_.ended_at_entry(result); }
    int total(int result) {
        mask_.restore();
        return result;
    }

private:
    struct pollfd* const fds_;
    const nfds_t count_;
    Masked mask_;
};

class Sets {
public:
    Sets(int count, fd_set* reads, fd_set* writes, fd_set* exceptions)
        : count_(count), sets_{reads, writes, exceptions} {}
    // False if they cannot be written.
    bool clear() const {
        bool cleared = true;
        for_each_word([&](__fd_mask& word) { cleared = cleared && store(&word, __fd_mask{0}); });
        return cleared;
    }
    // The descriptors in the sets; the kernel leaves these as they were when a call fails.
    int size() const {
        int size = 0;
        for_each_word([&](const __fd_mask& word) { size += __builtin_popcountl(static_cast<unsigned long>(word)); });
        return size;
    }

private:
    template <class Function>
    void for_each_word(Function function) const {
        const size_t words = (static_cast<size_t>(count_ < 0 ? 0 : count_) + NFDBITS - 1) / NFDBITS;
        for (fd_set* set : sets_) {
            for (size_t i = 0; set != nullptr && i < words; ++i) {
                function(reinterpret_cast<__fd_mask*>(set)[i]);
            }
        }
    }
    const int count_;
    fd_set* const sets_[3];
};

// The kernel leaves the rest of the time in the timeval, so that a repetition needs nothing.
struct Select : Readiness {
    Select(int count, fd_set* reads, fd_set* writes, fd_set* exceptions, struct timeval* timeout)
        : sets_(count, reads, writes, exceptions), timeout_(timeout) {}
    static uint64_t target() { return 0; }
    bool has_time_limit() const { return timeout_ != nullptr; }
    bool cannot_block() const {
        struct timeval time;
        return timeout_ != nullptr && (!load(timeout_, time) || (time.tv_sec == 0 && time.tv_usec == 0));
    }
    int time_out() const { return sets_.clear() && store(timeout_, {}) ? 0 : fail(EFAULT); }
    int be_ready() const { return sets_.size(); }

private:
    const Sets sets_;
    struct timeval* const timeout_;
};

struct Pselect : RelativelyLimited<Readiness> {
    static constexpr bool redirects = true;
    Pselect(int count, fd_set* reads, fd_set* writes, fd_set* exceptions, const struct timespec*& timeout,
            const sigset_t*& mask)
        : RelativelyLimited(timeout), sets_(count, reads, writes, exceptions), mask_(mask) {}
    static uint64_t target() { return 0; }
    int time_out() const { return sets_.clear() ? 0 : fail(EFAULT); }
    int be_ready() const { return sets_.size(); }
    bool ended_at_entry(int& result) { return mask_.ended_at_entry(result); }
    int total(int result) {
        mask_.restore();
        return result;
    }

private:
    const Sets sets_;
    Masked mask_;
};

struct Epoll : Readiness {
    Epoll(int fd, int& timeout) : fd_(fd), timeout_(timeout) {}
    uint64_t target() const { return static_cast<uint64_t>(fd_); }
    bool has_time_limit() const { return !timeout_.none(); }
    bool cannot_block() const { return timeout_.zero(); }
    void shorten(uint64_t since) { timeout_.shorten(since); }

private:
    const int fd_;
    Milliseconds timeout_;
};

struct EpollMasked : Epoll {
    static constexpr bool redirects = true;
    EpollMasked(int fd, int& timeout, const sigset_t*& mask) : Epoll(fd, timeout), mask_(mask) {}
    bool ended_at_entry(int& result) { return mask_.ended_at_entry(result); }
    int total(int result) {
        mask_.restore();
        return result;
    }

private:
    Masked mask_;
};

struct EpollTimespec : RelativelyLimited<Readiness> {
    static constexpr bool redirects = true;
    EpollTimespec(int fd, const struct timespec*& timeout, const sigset_t*& mask)
        : RelativelyLimited(timeout), fd_(fd), mask_(mask) {}
    uint64_t target() const { return static_cast<uint64_t>(fd_); }
    bool ended_at_entry(int& result) { return mask_.ended_at_entry(result); }
    int total(int result) {
        mask_.restore();
        return result;
    }

private:
    const int fd_;
    Masked mask_;
};

}  // namespace interrupt::waits
