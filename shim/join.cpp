#include "shim/join.h"

#include "shim/interruption_point.h"
#include "shim/records.h"

namespace interrupt {

namespace {

// 0, or -1 with errno, as a libc call would.
struct ThreadEnd : waits::Common {
    explicit ThreadEnd(bool limited) : limited_(limited) {}
    bool has_time_limit() const { return limited_; }
    int time_out() const { return fail(ETIMEDOUT); }

private:
    const bool limited_;
};

int futex_until_changed(const std::atomic<uint32_t>& word, uint32_t value, uint64_t until_ns) {
    const uint64_t now = os::monotonic_ns();
    if (now >= until_ns) {
        errno = ETIMEDOUT;
        return -1;
    }
    const struct timespec rest = os::to_timespec(until_ns - now);
    const long result = os::futex_wait(&word, value, &rest);
    if (result == 0 || result == -EAGAIN) {
        return 0;
    }
    errno = static_cast<int>(-result);
    return -1;
}

}  // namespace

JoinWait wait_for_thread_end(uintptr_t pthread_ident, uint64_t deadline_ns, uint64_t look_ns) {
    ThreadRecord* record = may_call_kernel() ? record_of_ident(pthread_ident) : nullptr;
    if (record == nullptr) {
        return JoinWait::unknown;
    }
    const uint32_t generation = record->generation.load(std::memory_order_acquire);
    if (record->ident.load(std::memory_order_acquire) != pthread_ident) {
        return JoinWait::unknown;  // ended just now
    }
    const int saved_errno = errno;
    joiners.fetch_add(1, std::memory_order_seq_cst);
    const bool limit_first = deadline_ns != 0 && deadline_ns <= look_ns;
    ThreadEnd wait(deadline_ns != 0);
    const uint64_t delivered_before =
        own_record() == nullptr ? 0 : own_record()->delivered.load(std::memory_order_relaxed);
    int result = 0;
    while (result == 0 && record->generation.load(std::memory_order_acquire) == generation) {
        result = interruption_point(
            {Call::thread_join, record->tid.load(), __builtin_return_address(0)}, wait,
            [&] { return futex_until_changed(record->generation, generation, limit_first ? deadline_ns : look_ns); },
            [] {});
    }
    const int error = errno;
    joiners.fetch_sub(1, std::memory_order_relaxed);
    errno = saved_errno;
    if (result == 0) {
        return JoinWait::ended;
    }
    const ThreadRecord* self = own_record();
    if (self != nullptr && self->delivered.load(std::memory_order_relaxed) != delivered_before) {
        return error == ETIMEDOUT ? JoinWait::timed_out : JoinWait::interrupted;
    }
    return error != ETIMEDOUT ? JoinWait::signalled : limit_first ? JoinWait::timed_out : JoinWait::look_again;
}

bool is_main_thread(uintptr_t pthread_ident) {
    const ThreadRecord* record = record_of_ident(pthread_ident);
    return record != nullptr && static_cast<pid_t>(record->tid.load(std::memory_order_relaxed)) == process.pid;
}

}  // namespace interrupt
