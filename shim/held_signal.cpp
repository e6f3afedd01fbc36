#include "shim/held_signal.h"

#include <cerrno>

#include "shim/delivery.h"
#include "shim/records.h"
#include "shim/requester.h"

namespace interrupt {

namespace {

// The signal held for the process. Its holder cannot be interrupted, so whoever finds it held waits for a moment only.
class ProcessSignal {
public:
    ProcessSignal() : signals_(os::block_all_signals()) {
        while (process.signal_lock.exchange(true, std::memory_order_acquire)) {
            os::sched_yield();
        }
    }
    ~ProcessSignal() {
        process.signal_lock.store(false, std::memory_order_release);
        os::set_signal_mask(signals_);
    }
    void hold(const siginfo_t& info) {
        if (!process.signal_pending.load(std::memory_order_relaxed)) {  // signals of one number do not queue
            process.signal_info = info;
            process.signal_pending.store(true, std::memory_order_seq_cst);
        }
    }
    bool take(siginfo_t& info) {
        const bool pending = process.signal_pending.exchange(false, std::memory_order_seq_cst);
        if (pending) {
            info = process.signal_info;
        }
        return pending;
    }

private:
    const os::KernelMask signals_;
};

void mark_blocked(ThreadRecord& record, bool blocked) {
    if (blocked) {
        record.flags.fetch_or(record_blocks_signal, std::memory_order_seq_cst);
    } else {
        record.flags.fetch_and(~record_blocks_signal, std::memory_order_seq_cst);
    }
}

// A vfork child sees its parent's. A forked one has its own from the start, before it has a table.
bool is_ours() {
    return process.pid == 0 || os::getpid() == process.pid;
}

// Without a table all processes look the same: a forked child's parent may have had none either.
bool held_by_this_thread() {
    return process.epoch != 0 || !may_call_kernel() || thread_context.signal_held_by == os::gettid();
}

bool held_for_thread() {
    const ThreadContext& self = thread_context;
    return self.signal_pending && self.signal_held_in == process.epoch && held_by_this_thread() &&
           self.signal_held_before_discard == process.signal_discards.load(std::memory_order_relaxed);
}

// Another thread that does not block the signal, or waits for it; `next` goes on from one to the next.
pid_t open_thread(uint32_t& next) {
    const ThreadRecord* const own = own_record();
    while (const ThreadRecord* record = next_used_record(next)) {
        const uint32_t tid = record->tid.load(std::memory_order_acquire);
        if (tid != 0 && record != own && !(record->flags.load(std::memory_order_seq_cst) & record_blocks_signal)) {
            return static_cast<pid_t>(tid);
        }
    }
    return 0;
}

// Two threads that both seem open must not send each other to it for ever.
constexpr int most_calls = 8;

}  // namespace

void publish_signal_mask(ThreadRecord& record) {
    mark_blocked(record, thread_context.signal_blocked);
}

void set_signal_blocked(bool blocked) {
    if (blocked == thread_context.signal_blocked) {
        return;
    }
    thread_context.signal_blocked = blocked;
    if (ThreadRecord* record = own_record()) {
        mark_blocked(*record, blocked);
    }
}

void set_signal_awaited(bool awaited) {
    ThreadRecord* record = own_record();
    if (record != nullptr && thread_context.signal_blocked) {
        mark_blocked(*record, !awaited);
    }
}

bool signal_awaited() {
    const ThreadRecord* record = own_record();
    return thread_context.signal_blocked && record != nullptr &&
           (record->flags.load(std::memory_order_relaxed) & record_blocks_signal) == 0;
}

void call_open_thread(int calls_before) {
    // A thread that has opened since it was looked at finds what is held by itself.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (calls_before == most_calls) {
        return;
    }
    uint32_t next = 0;
    while (const pid_t tid = open_thread(next)) {
        if (send_to_own_thread(tid, held_signal_cookie + calls_before) == 0) {
            return;
        }
    }
}

int calls_for_held_signal(const siginfo_t& info) {
    const int calls = info.si_code == SI_QUEUE ? info.si_value.sival_int - held_signal_cookie : -1;
    return calls >= 0 && calls < most_calls ? calls + 1 : 0;
}

void hold_signal(const siginfo_t& info) {
    ThreadContext& self = thread_context;
    if (info.si_code != SI_TKILL && may_call_kernel() && is_ours()) {
        ProcessSignal().hold(info);
        if (!signal_awaited()) {
            call_open_thread(0);
        }
        return;
    }
    self.signal_pending = true;
    self.signal_held_in = process.epoch;
    self.signal_held_by = process.epoch == 0 && may_call_kernel() ? os::gettid() : 0;
    self.signal_held_before_discard = process.signal_discards.load(std::memory_order_relaxed);
    self.signal_info = info;
}

void hand_over_held_signal() {
    if (siginfo_t info; take_held_signal(info)) {
        os::rt_tgsigqueueinfo(os::getpid(), os::gettid(), settings.signal, &info);
    }
}

bool another_thread_blocks_signal() {
    const ThreadRecord* const own = own_record();
    uint32_t next = 0;
    while (const ThreadRecord* record = next_used_record(next)) {
        const Call call = State{record->state.load(std::memory_order_seq_cst)}.call();
        const bool blocks = (record->flags.load(std::memory_order_seq_cst) & record_blocks_signal) != 0;
        const bool awaits = call < Call::count && traits(call).kind == Kind::SignalSet;
        if (record != own && record->tid.load(std::memory_order_acquire) != 0 && (blocks || awaits)) {
            return true;
        }
    }
    return false;
}

void keep_held_signal() {
    if (thread_context.signal_held_in == 0 && thread_context.signal_held_by == os::gettid()) {
        thread_context.signal_held_in = process.epoch;
    }
}

bool signal_held() {
    return (held_for_thread() || process.signal_pending.load(std::memory_order_seq_cst)) &&
           (!may_call_kernel() || is_ours());
}

void discard_held_signals() {
    process.signal_discards.fetch_add(1, std::memory_order_relaxed);
    if (may_call_kernel() && is_ours()) {
        siginfo_t info;
        ProcessSignal().take(info);
    }
}

bool take_held_signal(siginfo_t& info) {
    if (!signal_held()) {
        return false;
    }
    if (held_for_thread()) {
        thread_context.signal_pending = false;
        info = thread_context.signal_info;
    } else if (!may_call_kernel() || !ProcessSignal().take(info)) {
        return false;
    }
    return true;
}

}  // namespace interrupt
