#include "shim/delivery.h"

#include "shim/nudge.h"
#include "shim/platform/platform.h"
#include "shim/recording.h"
#include "shim/records.h"
#include "shim/requester.h"
#include "shim/thread_table.h"

namespace interrupt {

constinit const Adapter* adapter = nullptr;

ThreadRecord* own_record() {
    const ThreadContext& context = thread_context;
    if (process.table == nullptr || context.record_offset == 0 || context.epoch != process.epoch) {
        return nullptr;
    }
    return reinterpret_cast<ThreadRecord*>(process.table + context.record_offset);
}

Attempt& attempt_of(const ThreadRecord& record) {
    Attempt& attempt = thread_context.attempt;
    const uint64_t wait = State{record.state.load(std::memory_order_relaxed)}.wait();
    if (attempt.wait != wait) {
        attempt = {};
        attempt.wait = wait;
    }
    return attempt;
}

bool deliverable_here(const ThreadRecord& record, Request request) {
    return request.pending() && !request.claimed() && thread_context.mask != Mask::all &&
           (!request.this_wait() || record.only_wait.load(std::memory_order_relaxed) ==
                                        State{record.state.load(std::memory_order_relaxed)}.wait());
}

bool consume(ThreadRecord& record, Request request, Call call, Window window) {
    if (may_call_kernel() && os::getpid() != process.pid) {
        return false;  // a vfork child: the request is its parent's
    }
    uint64_t expected = request.word;
    InProcess kernel;
    bool consumed;
    if (record.wakeup_inode.load(std::memory_order_relaxed) != 0) {
        RecordLock lock(kernel, table_header(), record);  // a requester writes to the pipe under it
        consumed = record.request.compare_exchange_strong(expected, request.consumed().word);
        if (consumed) {
            kernel.wakeup(record, false);
        }
    } else {
        consumed = record.request.compare_exchange_strong(expected, request.consumed().word);
    }
    if (!consumed) {
        return false;
    }
    const uint64_t now = os::monotonic_ns();
    const uint64_t latency = now - record.requested_at.load(std::memory_order_relaxed);
    record.delivered_latency.store(latency, std::memory_order_relaxed);
    // Release pairs with the acquire of whoever waits for this sequence number: the latency is there too.
    record.delivered.store(Delivered::make(request.sequence(), call, request.outcome()).word,
                           std::memory_order_release);
    TableHeader& header = table_header();
    header.delivered.fetch_add(1, std::memory_order_relaxed);
    header.windows[static_cast<size_t>(window)].fetch_add(1, std::memory_order_relaxed);
    record_event(events(), record, EventKind::delivery, request,
                 {.time = now, .duration = latency, .call = call, .window = static_cast<uint8_t>(window)});
    if (thread_context.cpu_armed) {
        start_cpu_retry(0);
    }
    return true;
}

void flush_nudge(ThreadRecord& record) {
    if (!may_call_kernel()) {
        record.lock.fetch_and(~LockWord::nudged_bit, std::memory_order_relaxed);
        return;
    }
    if constexpr (!with_record_lock) {
        record.lock.fetch_and(~LockWord::nudged_bit, std::memory_order_relaxed);
        disarm_timers();
        return;
    }
    uint64_t word = record.lock.load(std::memory_order_relaxed);
    if ((word & LockWord::owner_mask) == 0 &&
        record.lock.compare_exchange_strong(word, word & ~LockWord::nudged_bit, std::memory_order_acquire)) {
        disarm_timers();
        os::getpid();  // whoever had the lock has sent its signal: any system call lets it arrive here
        return;
    }
    InProcess kernel;
    {
        // Whoever read *blocked* before it was taken back has sent its signal once the lock is free.
        RecordLock lock(kernel, table_header(), record);
        record.lock.fetch_and(~LockWord::nudged_bit, std::memory_order_relaxed);
        disarm_timers();
    }  // The system call that restores the signal mask lets the signal arrive, here, where the handler ignores it.
}

void leave(ThreadRecord& record) {
    const State state{record.state.load(std::memory_order_relaxed)};
    record.state.store(State::make(state.wait(), Call::running).word, std::memory_order_relaxed);
    // Pairs with post(): lock, set, fence, read state. Either it reads running, or the lock word is seen here.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (process.heavy_fences) {
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    delay_in_window();
    end_recorded_wait(record);
    if (record.lock.load(std::memory_order_relaxed) != 0) {
        flush_nudge(record);
    }
}

void drop_if_for_another_wait(ThreadRecord& record) {
    Request request{record.request.load(std::memory_order_acquire)};
    if (!request.pending() || !request.this_wait() ||
        record.only_wait.load(std::memory_order_relaxed) ==
            State{record.state.load(std::memory_order_relaxed)}.wait()) {
        return;
    }
    InProcess kernel;
    withdraw(kernel, table_header(), record,
             {record.tid.load(std::memory_order_relaxed), record.generation.load(std::memory_order_relaxed)},
             request.sequence());
}

// --- for adapters ---

Request deliverable(bool between_bytecodes) {
    ThreadRecord* record = own_record();
    if (record == nullptr) {
        return {};
    }
    const Request request{record->request.load(std::memory_order_relaxed)};
    if (!request.pending()) [[likely]] {
        return {};
    }
    const Mask mask = thread_context.mask;
    const bool masked = mask == Mask::all || (mask == Mask::on_blocking && between_bytecodes);
    return masked || request.claimed() || request.this_wait() ? Request{} : request;
}

bool consume(Request request, Call call) {
    ThreadRecord* record = own_record();
    return record != nullptr && consume(*record, request, call, Window::before_call);
}

bool claim(Request request) {
    ThreadRecord* record = own_record();
    uint64_t expected = request.word;
    return record != nullptr && request.pending() && !request.claimed() &&
           record->request.compare_exchange_strong(expected, request.claimed_now().word);
}

bool unclaim() {
    ThreadRecord* record = own_record();
    if (record == nullptr) {
        return false;
    }
    Request request{record->request.load(std::memory_order_relaxed)};
    uint64_t unclaimed;
    do {
        if (!request.claimed()) {
            return false;
        }
        unclaimed = request.word & ~(Request::claimed_bit | Request::recalled_bit);
    } while (!record->request.compare_exchange_weak(request.word, unclaimed));
    if (request.recalled()) {
        InProcess kernel;
        withdraw(kernel, table_header(), *record,
                 {record->tid.load(std::memory_order_relaxed), record->generation.load(std::memory_order_relaxed)},
                 request.sequence());
    }
    return true;
}

void set_thread_name(const ThreadName& name) {
    thread_context.name = name;
    if (ThreadRecord* record = own_record()) {
        write_name(*record, name);
    }
}

void set_runs_runtime(bool runs) {
    ThreadRecord* record = own_record();
    if (record == nullptr || thread_context.runs_runtime == runs) {
        return;
    }
    thread_context.runs_runtime = runs;
    if (runs) {
        record->flags.fetch_or(record_runs_runtime, std::memory_order_relaxed);
    } else {
        record->flags.fetch_and(~record_runs_runtime, std::memory_order_relaxed);
    }
}

bool is_recalled() {
    const ThreadRecord* record = own_record();
    return record != nullptr && Request{record->request.load(std::memory_order_relaxed)}.recalled();
}

Request claimed_request() {
    const ThreadRecord* record = own_record();
    const Request request{record == nullptr ? 0 : record->request.load(std::memory_order_relaxed)};
    return request.pending() && request.claimed() ? request : Request{};
}

bool deliver_claimed(Call call) {
    ThreadRecord* record = own_record();
    if (record == nullptr) {
        return false;
    }
    for (;;) {  // a newer request may join it at any moment
        const Request request{record->request.load(std::memory_order_relaxed)};
        if (!request.pending() || !request.claimed()) {
            return false;
        }
        if (consume(*record, request, call, Window::before_call)) {
            return true;
        }
    }
}

void owe(Request request) {
    ThreadRecord* record = own_record();
    if (record == nullptr) {
        return;
    }
    InProcess kernel;
    RecordLock lock(kernel, table_header(), *record);
    uint64_t expected = request.consumed().word;
    const uint64_t again = Request::make(request.sequence(), request.outcome(), request.error(), false).word;
    if (record->request.compare_exchange_strong(expected, again)) {
        record->delivered.store(Delivered::make(request.sequence() - 1, Call::running, request.outcome()).word,
                                std::memory_order_release);
        table_header().delivered.fetch_sub(1, std::memory_order_relaxed);
        record_event(events(), *record, EventKind::returned, request, {.time = kernel.now()});
        kernel.wakeup(*record, true);
    }
}

}  // namespace interrupt
