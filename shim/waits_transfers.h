// Waits for data, or for room for it, and the parts of it that a nudge may leave.
#pragma once

#include "shim/waits_descriptors.h"

namespace interrupt::waits {

// What a transfer has moved before it was cut short and went on.
class Done {
public:
    template <class Result>
    Result total(Result result) const {
        if (done_ == 0) {
            return result;
        }
        return static_cast<Result>(result > 0 ? done_ + result : done_);
    }
    void add(ssize_t count) { done_ += count; }
    bool any() const { return done_ != 0; }

private:
    ssize_t done_ = 0;
};

// The rest of a scattered transfer: first what is left of the part that was cut, by itself, then the parts after it.
class Parts {
public:
    // False if nothing is left.
    template <class Count>
    bool advance(size_t done, const struct iovec*& parts, Count& count) {
        if (at_cut_part_) {
            done += cut_offset_;
            parts = rest_;
            count = static_cast<Count>(rest_count_);
        }
        while (count > 0 && done >= parts->iov_len) {
            done -= parts->iov_len;
            ++parts;
            --count;
        }
        at_cut_part_ = done > 0;
        if (at_cut_part_) {
            rest_ = parts;
            rest_count_ = static_cast<size_t>(count);
            cut_offset_ = done;
            cut_ = {static_cast<char*>(parts->iov_base) + done, parts->iov_len - done};
            parts = &cut_;
            count = 1;
        }
        return count > 0;
    }
    // A cut part is on its way by itself: the parts after it are still to go.
    bool underway() const { return at_cut_part_; }

private:
    const struct iovec* rest_ = nullptr;
    size_t rest_count_ = 0;
    size_t cut_offset_ = 0;
    struct iovec cut_ = {};
    bool at_cut_part_ = false;
};

// --- sockets ---

// A receive without MSG_WAITALL is whole whatever it brought.
inline bool waits_for_all(int fd, int flags) {
    return (flags & MSG_WAITALL) != 0 && (flags & (MSG_PEEK | MSG_DONTWAIT)) == 0 && !is_nonblocking(fd) &&
           is_stream_socket(fd);
}

struct SocketReceive : OnReceivingDescriptor {
    SocketReceive(int fd, int flags) : OnReceivingDescriptor(fd), flags_(flags) {}
    bool cannot_block() const { return (flags_ & MSG_DONTWAIT) != 0 || is_nonblocking(fd_); }

protected:
    const int flags_;
};

struct Receive : SocketReceive {
    Receive(int fd, void*& buffer, size_t& size, int flags) : SocketReceive(fd, flags), buffer_(buffer), size_(size) {}
    bool unfinished(ssize_t result) {
        if (result <= 0 || static_cast<size_t>(result) >= size_ || !waits_for_all(fd_, flags_)) {
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
    Done done_;
};

struct ReceiveChecked : Receive {
    ReceiveChecked(int fd, void*& buffer, size_t& size, size_t& room, int flags)
        : Receive(fd, buffer, size, flags), room_(room) {}
    bool unfinished(ssize_t result) {
        if (!Receive::unfinished(result)) {
            return false;
        }
        room_ -= static_cast<size_t>(result);
        return true;
    }

private:
    size_t& room_;
};

struct ReceiveFrom : Receive {
    ReceiveFrom(int fd, void*& buffer, size_t& size, int flags, struct sockaddr* from, socklen_t* length)
        : Receive(fd, buffer, size, flags), from_(from), length_(length) {}
    int end_of_file() const { return from_ == nullptr || store(length_, socklen_t{0}) ? 0 : fail(EFAULT); }

private:
    struct sockaddr* const from_;
    socklen_t* const length_;
};

struct ReceiveFromChecked : ReceiveFrom {
    ReceiveFromChecked(int fd, void*& buffer, size_t& size, size_t& room, int flags, struct sockaddr* from,
                       socklen_t* length)
        : ReceiveFrom(fd, buffer, size, flags, from, length), room_(room) {}
    bool unfinished(ssize_t result) {
        if (!ReceiveFrom::unfinished(result)) {
            return false;
        }
        room_ -= static_cast<size_t>(result);
        return true;
    }

private:
    size_t& room_;
};

// What is left of a message: the same without its ancillary data, which went with the first part.
template <class Message>
class MessageParts {
public:
    explicit MessageParts(Message*& message) : message_(message) {}
    bool underway() const { return parts_.underway(); }
    // The rest after `done` bytes; false if there is none.
    bool go_on(size_t done) {
        rest_.msg_name = nullptr;
        rest_.msg_namelen = 0;
        rest_.msg_control = nullptr;
        rest_.msg_controllen = 0;
        const struct iovec* parts = message_->msg_iov;
        size_t count = message_->msg_iovlen;
        const bool more = parts_.advance(done, parts, count);
        rest_.msg_iov = const_cast<struct iovec*>(parts);
        rest_.msg_iovlen = count;
        if (more) {
            message_ = &rest_;
        }
        return more;
    }

private:
    Message*& message_;
    struct msghdr rest_ = {};
    Parts parts_;
};

// What the kernel tells of a message at the end of a stream. False if it cannot be written.
inline bool make_empty(struct msghdr& header) {
    return (header.msg_name == nullptr || store(&header.msg_namelen, socklen_t{0})) &&
           store(&header.msg_controllen, size_t{0}) && store(&header.msg_flags, 0);
}

struct ReceiveMessage : SocketReceive {
    ReceiveMessage(int fd, struct msghdr*& message, int flags)
        : SocketReceive(fd, flags), program_(message), parts_(message) {}
    bool underway() const { return parts_.underway(); }
    bool unfinished(ssize_t result) {
        if (result <= 0 || !waits_for_all(fd_, flags_) || !parts_.go_on(static_cast<size_t>(result))) {
            return false;
        }
        done_.add(result);
        return true;
    }
    bool moved() const { return done_.any(); }
    ssize_t total(ssize_t result) const { return done_.total(result); }
    int end_of_file() const { return make_empty(*program_) ? 0 : fail(EFAULT); }

private:
    struct msghdr* const program_;
    MessageParts<struct msghdr> parts_;
    Done done_;
};

struct SocketSend : OnSendingDescriptor {
    SocketSend(int fd, int flags) : OnSendingDescriptor(fd), flags_(flags) {}
    bool cannot_block() const { return (flags_ & MSG_DONTWAIT) != 0 || is_nonblocking(fd_); }

protected:
    bool sends_all() const { return !cannot_block() && is_stream_socket(fd_); }
    const int flags_;
};

struct Send : SocketSend {
    Send(int fd, const void*& buffer, size_t& size, int flags) : SocketSend(fd, flags), buffer_(buffer), size_(size) {}
    bool unfinished(ssize_t result) {
        if (result <= 0 || static_cast<size_t>(result) >= size_ || !sends_all()) {
            return false;
        }
        done_.add(result);
        buffer_ = static_cast<const char*>(buffer_) + result;
        size_ -= static_cast<size_t>(result);
        return true;
    }
    bool moved() const { return done_.any(); }
    ssize_t total(ssize_t result) const { return done_.total(result); }

private:
    const void*& buffer_;
    size_t& size_;
    Done done_;
};

struct SendMessage : SocketSend {
    SendMessage(int fd, const struct msghdr*& message, int flags) : SocketSend(fd, flags), parts_(message) {}
    bool underway() const { return parts_.underway(); }
    bool unfinished(ssize_t result) {
        if (result <= 0 || !sends_all() || !parts_.go_on(static_cast<size_t>(result))) {
            return false;
        }
        done_.add(result);
        return true;
    }
    bool moved() const { return done_.any(); }
    ssize_t total(ssize_t result) const { return done_.total(result); }

private:
    MessageParts<const struct msghdr> parts_;
    Done done_;
};

struct Read : OnReceivingDescriptor {
    using OnReceivingDescriptor::OnReceivingDescriptor;
    bool cannot_block() const { return is_nonblocking(fd_) || never_waits(fd_); }
};

struct WriteCommon : OnSendingDescriptor {
    using OnSendingDescriptor::OnSendingDescriptor;
    bool cannot_block() const { return is_nonblocking(fd_) || never_waits(fd_); }
};

struct Write : WriteCommon {
    Write(int fd, const void*& buffer, size_t& size) : WriteCommon(fd), buffer_(buffer), size_(size) {}
    bool unfinished(ssize_t result) {
        if (result <= 0 || static_cast<size_t>(result) >= size_ || cannot_block()) {
            return false;
        }
        done_.add(result);
        buffer_ = static_cast<const char*>(buffer_) + result;
        size_ -= static_cast<size_t>(result);
        return true;
    }
    bool moved() const { return done_.any(); }
    ssize_t total(ssize_t result) const { return done_.total(result); }

private:
    const void*& buffer_;
    size_t& size_;
    Done done_;
};

struct WriteParts : WriteCommon {
    WriteParts(int fd, const struct iovec*& parts, int& count) : WriteCommon(fd), parts_(parts), count_(count) {}
    bool underway() const { return rest_.underway(); }
    bool unfinished(ssize_t result) {
        if (result <= 0 || cannot_block() || !rest_.advance(static_cast<size_t>(result), parts_, count_)) {
            return false;
        }
        done_.add(result);
        return true;
    }
    bool moved() const { return done_.any(); }
    ssize_t total(ssize_t result) const { return done_.total(result); }

private:
    const struct iovec*& parts_;
    int& count_;
    Parts rest_;
    Done done_;
};

// At an offset nothing waits; -1 is the current position.
struct ReadAt : Read {
    ReadAt(int fd, off64_t offset, int flags) : Read(fd), waits_(offset == -1 && (flags & RWF_NOWAIT) == 0) {}
    bool cannot_block() const { return !waits_ || Read::cannot_block(); }

private:
    const bool waits_;
};

struct WritePartsAt : WriteParts {
    WritePartsAt(int fd, const struct iovec*& parts, int& count, off64_t offset, int flags)
        : WriteParts(fd, parts, count), waits_(offset == -1 && (flags & RWF_NOWAIT) == 0) {}
    bool cannot_block() const { return !waits_ || WriteParts::cannot_block(); }
    bool unfinished(ssize_t result) { return waits_ && WriteParts::unfinished(result); }

private:
    const bool waits_;
};

}  // namespace interrupt::waits
