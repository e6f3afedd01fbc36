#include "shim/requester.h"

#include <cstring>

#include "shim/adapter.h"
#include "shim/delivery.h"
#include "shim/thread_table.h"

namespace interrupt {

void delay_here() {
    static constinit thread_local uint64_t random = 0;
    if (random == 0) {
        random = os::monotonic_ns() | 1;
    }
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    if (random % 8 != 0) {
        return;
    }
    const uint64_t until = os::monotonic_ns() + random / 8 % 60'000;
    while (os::monotonic_ns() < until) {
        arch::spin_pause();
    }
}

int send_to_own_thread(pid_t tid, int cookie) {
    siginfo_t info;
    std::memset(&info, 0, sizeof info);
    info.si_signo = settings.signal;
    info.si_code = SI_QUEUE;
    info.si_pid = process.pid;
    info.si_value.sival_int = cookie;
    return static_cast<int>(-os::rt_tgsigqueueinfo(process.pid, tid, settings.signal, &info));
}

uint32_t InProcess::self() {
    const ThreadRecord* record = own_record();
    return record != nullptr ? record->tid.load(std::memory_order_relaxed) : static_cast<uint32_t>(os::gettid());
}

int InProcess::nudge(uint32_t tid) {
    delay_in_window();
    return send_to_own_thread(static_cast<pid_t>(tid), nudge_cookie);
}

void nudge_computing(ThreadRecord& record, pid_t tid) {
    if (adapter == nullptr || (record.flags.load(std::memory_order_relaxed) & record_runs_runtime) == 0 ||
        !os::is_on_cpu(tid)) {
        return;
    }
    InProcess kernel;
    RecordLock lock(kernel, table_header(), record);
    if (!State{record.state.load(std::memory_order_relaxed)}.blocked()) {
        nudge_locked(kernel, lock, record);
    }
}

void nudge_for_signal(pid_t tid) {
    ThreadRecord* record = may_call_kernel() ? record_of(tid) : nullptr;
    if (record == nullptr) {
        return;
    }
    InProcess kernel;
    RecordLock lock(kernel, table_header(), *record);
    kernel.fence();
    // Not while it sleeps in a call outside the list. A lock of the runtime's, on the way to a wait, is got at once.
    for (int look = 0; look < 20; ++look) {
        if (State{record->state.load(std::memory_order_relaxed)}.blocked() || os::is_on_cpu(tid)) {
            record->lock.fetch_or(LockWord::nudged_bit, std::memory_order_seq_cst);
            send_to_own_thread(tid, runtime_signal_cookie);
            return;
        }
        kernel.yield();
    }
}

void InProcess::wakeup(ThreadRecord& record, bool set) {
    if (!calls_kernel_ || record.wakeup_inode.load(std::memory_order_relaxed) == 0) {
        return;
    }
    const int fd = (set ? record.wakeup_write : record.wakeup_read).load(std::memory_order_relaxed);
    struct stat status;
    if (os::fstat(fd, &status) != 0 || status.st_ino != record.wakeup_inode.load(std::memory_order_relaxed)) {
        return;  // the program has closed it, and may have the number in use
    }
    char byte = 0;
    if (set) {
        os::write(fd, &byte, 1);
    } else {
        while (os::read(fd, &byte, 1) == 1) {
        }
    }
}

}  // namespace interrupt
