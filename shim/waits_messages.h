// Many messages by one call.
#pragma once

#include "shim/waits_transfers.h"

namespace interrupt::waits {

// recvmmsg. A signal that ends the wait for its second message or a later one makes the kernel return those that it has
// and keep the EINTR as an error of the socket, which its next call gets, whoever makes it (net/socket.c,
// do_recvmmsg). So no call here waits for more than a first message: for those after it there are other calls. An
// error of the socket's own that ends one of these is not kept for the next call.
class ReceiveMany : public SocketReceive {
public:
    ReceiveMany(int fd, struct mmsghdr* messages, unsigned count, int flags, struct timespec* timeout)
        : SocketReceive(fd, flags), messages_(messages), count_(count), timeout_(timeout) {}

    // No signal can come between two messages, or what the other way takes may not be done.
    static bool is_one_call(unsigned count, int flags) {
        return count < 2 || (flags & (MSG_WAITFORONE | MSG_DONTWAIT | MSG_ERRQUEUE)) != 0 || !may_call_kernel();
    }

    // The next message, and all that are there with it. How many that are by now, or -1.
    int receive() {
        if (is_one_call(count_, flags_)) {
            return real::recvmmsg(fd_, messages_, count_, flags_, timeout_);
        }
        set_rest_of_time();
        const int saved_errno = errno;
        const int received = real::recvmmsg(fd_, messages_ + done_, count_ - done_, flags_ | MSG_WAITFORONE, timeout_);
        if (received < 0 && (done_ == 0 || errno == EINTR)) {
            return -1;
        }
        errno = saved_errno;
        over_ = received < 0;
        done_ += received > 0 ? static_cast<unsigned>(received) : 0;
        return static_cast<int>(done_);
    }

    // Whether the program waits for more messages than that.
    bool goes_on(int result) {
        if (result <= 0 || over_ || done_ >= count_ || is_one_call(count_, flags_) || cannot_block()) {
            return false;
        }
        if (timeout_ != nullptr) {
            if (deadline_ == 0) {
                deadline_ = os::monotonic_ns() + os::nanoseconds(*timeout_);
            }
            if (os::nanoseconds(*timeout_) == 0) {
                return false;
            }
        }
        begin_anew();
        return true;
    }

    bool moved() const { return done_ > 0; }
    int total(int result) {
        over_ |= result < 0;
        return result < 0 && done_ > 0 ? static_cast<int>(done_) : result;
    }
    // Of a stream at its end the kernel makes an empty message each time.
    int end_of_file() {
        over_ = true;
        for (unsigned i = 0; i < count_; ++i) {
            struct mmsghdr& message = messages_[i];
            if (!may_read(&message) || !make_empty(message.msg_hdr) || !store(&message.msg_len, 0u)) {
                return i != 0 ? static_cast<int>(i) : fail(EFAULT);
            }
        }
        return static_cast<int>(count_);
    }

private:
    // The kernel looks at it after each message, and ends at the first one that comes when it is over.
    void set_rest_of_time() {
        if (deadline_ != 0) {
            const uint64_t now = os::monotonic_ns();
            *timeout_ = os::to_timespec(now < deadline_ ? deadline_ - now : 0);
        }
    }

    struct mmsghdr* const messages_;
    const unsigned count_;
    struct timespec* const timeout_;
    unsigned done_ = 0;
    bool over_ = false;
    uint64_t deadline_ = 0;  // of `timeout_`; 0: not known yet
};

inline size_t size_of(const struct msghdr& message) {
    size_t size = 0;
    for (size_t i = 0; i < message.msg_iovlen; ++i) {
        size += message.msg_iov[i].iov_len;
    }
    return size;
}

// sendmmsg. Of a stream a signal may cut one of the messages: what is left of it goes by itself, then those after it.
// The kernel sends no more than UIO_MAXIOV by one call.
class SendMany : public SocketSend {
public:
    SendMany(int fd, struct mmsghdr*& messages, unsigned& count, int flags)
        : SocketSend(fd, flags),
          messages_(messages),
          count_(count),
          program_(messages),
          whole_count_(count < UIO_MAXIOV ? count : UIO_MAXIOV) {}

    bool underway() const { return messages_ == &cut_; }
    bool unfinished(int result) {
        if (result <= 0 || cannot_block()) {
            return false;
        }
        if (!underway()) {
            done_ += static_cast<unsigned>(result) - 1;
        }
        struct mmsghdr& last = program_[done_];
        const struct msghdr& header = underway() ? cut_.msg_hdr : last.msg_hdr;
        const unsigned sent = underway() ? cut_.msg_len : last.msg_len;
        if (underway()) {
            last.msg_len += sent;
        }
        if (last.msg_len < size_of(last.msg_hdr)) {
            const struct iovec* parts = header.msg_iov;
            size_t parts_left = header.msg_iovlen;
            parts_.advance(sent, parts, parts_left);
            cut_ = {};
            cut_.msg_hdr.msg_iov = const_cast<struct iovec*>(parts);
            cut_.msg_hdr.msg_iovlen = parts_left;
            messages_ = &cut_;
            count_ = 1;
            return true;
        }
        ++done_;
        parts_ = {};
        messages_ = program_ + done_;
        count_ = whole_count_ - done_;
        counted_ = count_ == 0;
        return !counted_;
    }
    bool moved() const { return done_ > 0 || underway(); }
    int total(int result) {
        if (counted_) {
            return static_cast<int>(done_);
        }
        if (underway() && result > 0) {
            program_[done_].msg_len += cut_.msg_len;
        }
        const int before = static_cast<int>(done_) + (underway() && result <= 0 ? 1 : 0);
        return before == 0 ? result : result > 0 ? before + result : before;
    }

private:
    struct mmsghdr*& messages_;
    unsigned& count_;
    struct mmsghdr* const program_;
    const unsigned whole_count_;
    unsigned done_ = 0;
    bool counted_ = false;     // `done_` has the last call's, too
    struct mmsghdr cut_ = {};  // without ancillary data, which went with the first part
    Parts parts_;
};

}  // namespace interrupt::waits
