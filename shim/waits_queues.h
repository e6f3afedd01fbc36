// Waits for messages, or for room for them, and for System V's semaphores.
#pragma once

#include "shim/waits_descriptors.h"

namespace interrupt::waits {

// POSIX message queues: on Linux their descriptors are files. The time limit is a point in real time, null for none.
// The kernel looks for a signal before it looks whether that is over.
struct MessageQueue : OnDescriptor {
    MessageQueue(mqd_t queue, const struct timespec* deadline) : OnDescriptor(queue), deadline_(deadline) {}
    bool cannot_block() const {
        struct timespec time;
        return OnDescriptor::cannot_block() ||
               (deadline_ != nullptr &&
                (!load(deadline_, time) || os::nanoseconds(time) <= os::clock_ns(CLOCK_REALTIME)));
    }
    bool has_time_limit() const { return deadline_ != nullptr; }
    int time_out() const { return fail(ETIMEDOUT); }

private:
    const struct timespec* const deadline_;
};

// System V's message queues and semaphores.
struct SystemV : Common {
    SystemV(int id, bool waits) : id_(id), waits_(waits) {}
    uint64_t target() const { return static_cast<uint64_t>(id_); }
    bool cannot_block() const { return !waits_; }

private:
    const int id_;
    const bool waits_;
};

struct SystemVMessage : SystemV {
    SystemVMessage(int id, int flags) : SystemV(id, (flags & IPC_NOWAIT) == 0) {}
};

struct SystemVSemaphores : SystemV {
    explicit SystemVSemaphores(int id) : SystemV(id, true) {}
};

struct SystemVSemaphoresTimed : RelativelyLimited<SystemVSemaphores> {
    SystemVSemaphoresTimed(int id, const struct timespec*& timeout) : RelativelyLimited(timeout, id) {}
};

}  // namespace interrupt::waits
