#include "shim/thread_table.h"

#include <pthread.h>

#include <cstring>

#include "shim/adapter.h"
#include "shim/held_signal.h"
#include "shim/nudge.h"
#include "shim/platform/platform.h"
#include "shim/records.h"
#include "shim/requester.h"
#include "shim/table_file.h"
#include "shim/thread_end.h"
#include "shim/wakeup.h"

namespace interrupt {

constinit Process process;
constinit Settings settings;
constinit std::atomic<bool> seccomp_seen = false;
constinit std::atomic<SignalUse> signal_use = SignalUse::nudges;
constinit std::atomic<uint32_t> joiners = 0;
constinit NoTable no_table_reason = NoTable::unknown;
constinit thread_local ThreadContext thread_context;

namespace {

// NoTable in the ABI header: as many of these pages as the reason's number cannot be written. They can be read: a
// leak checker reads all of a library's data.
alignas(4096) constinit char no_table_pages[static_cast<size_t>(NoTable::count)][4096];

// A requester may have claimed a record in this thread's name while the thread claimed one itself. Both look again
// after their claim, so at least one of them sees two; what was requested there moves here.
void merge_other_record(ThreadRecord& mine, uint32_t tid) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    ThreadRecord* other = probe(tid, &mine).own;
    if (other == nullptr) {
        return;
    }
    const Request request{other->request.load(std::memory_order_acquire)};
    if (request.pending()) {
        mine.requested_at.store(other->requested_at.load());
        mine.only_wait.store(other->only_wait.load());
        uint64_t nothing = 0;
        mine.request.compare_exchange_strong(nothing, request.word);
    }
    free_record(*other, tid);
}

// Was the record claimed in the name of this very thread, and not of an earlier one with the same id?
bool adopt(ThreadRecord& record, uint32_t tid) {
    for (int i = 0; i < 1000 && !(record.flags.load(std::memory_order_acquire) & record_unadopted); ++i) {
        os::sched_yield();  // a requester sets the flag right after its claim
    }
    const bool adopted = record.flags.fetch_and(~record_unadopted, std::memory_order_acq_rel) & record_unadopted;
    return adopted && record.since.load(std::memory_order_relaxed) == os::thread_start_ticks(static_cast<pid_t>(tid));
}

ThreadRecord* claim_for_this_thread() {
    const auto tid = static_cast<uint32_t>(os::gettid());
    ThreadContext& context = thread_context;
    const Claimed claimed = claim(tid, 0);
    ThreadRecord* record = claimed.record;
    if (record == nullptr) {
        if (!context.claim_failed) {
            context.claim_failed = true;
            table_header().threads_unseen.fetch_add(1, std::memory_order_relaxed);
        }
        return nullptr;
    }
    if (claimed.found && !adopt(*record, tid)) {
        free_record(*record, tid);  // left behind by a thread of the same number
        return claim_for_this_thread();
    }
    merge_other_record(*record, tid);
    record->ident.store(reinterpret_cast<uintptr_t>(pthread_self()), std::memory_order_relaxed);
    record->mask.store(static_cast<uint32_t>(context.mask), std::memory_order_relaxed);
    write_name(*record, context.name);
    if (context.epoch != process.epoch) {  // timers and pending signals are not inherited by a forked child
        context.retry_timer = context.cpu_timer = -1;
        context.retry_armed = context.cpu_armed = false;
        context.attempt = {};
        wakeup_after_fork(*record);
        keep_held_signal();
    }
    context.epoch = process.epoch;
    context.record_offset = offset_of(*record);
    watch_this_thread();
    return record;
}

bool create_table() {
    timespec now;
    os::vdso_clock_gettime(CLOCK_BOOTTIME, &now);
    const uint64_t created = os::nanoseconds(now);
    const TableFile file = make_table_file(process.path, sizeof process.path, created);
    if (file.failure != NoTable::unknown) {
        mark_no_table(file.failure);
        return false;
    }
    process.table = file.mapping;
    process.capacity = file.capacity;
    process.pid = os::getpid();
    static constinit bool forked = false;  // not of `process`, which a fork wipes
    if (forked) {
        set_nudge_handler();  // another thread of the parent may have had the signal ignored just then, to spawn a
                              // program
    }
    forked = true;
    process.epoch = static_cast<uint32_t>(created) | 1;
    process.populated[0].store(1);
    if (file.fully_backed) {
        for (auto& word : process.populated) {
            word.store(~uint64_t{0});
        }
    }
    const bool expedited = os::membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
                           os::membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0;
    process.heavy_fences = !expedited;
    TableHeader& header = table_header();
    header.flags.store(expedited ? 0 : table_heavy_fences, std::memory_order_relaxed);
    write_adapter_report();
    header.magic.store(magic_word(), std::memory_order_release);
    return true;
}

constinit std::atomic<bool> adapter_settled = false;
constinit std::atomic<bool> adapter_busy = false;

// True once interposers need not ask the adapter any more.
bool adapter_lets_go(const BlockedCall& call) {
    if (adapter == nullptr || adapter_settled.load(std::memory_order_acquire)) {
        return true;
    }
    if (adapter_busy.exchange(true, std::memory_order_acquire)) {
        return false;  // another thread is at it, or this one is and the runtime calls us
    }
    if (adapter->settle(call)) {
        adapter_settled.store(true, std::memory_order_release);
    }
    adapter_busy.store(false, std::memory_order_release);
    return adapter_settled.load(std::memory_order_relaxed);
}

}  // namespace

void ask_adapter_again() {
    adapter_settled.store(false, std::memory_order_release);
    process.live.store(nullptr, std::memory_order_release);
}

void mark_no_table(NoTable reason) {
    no_table_reason = reason;
    os::mprotect(no_table_pages, static_cast<size_t>(reason) * 4096, PROT_READ);
}

bool ensure_table() {
    auto state = static_cast<TableState>(process.state.load(std::memory_order_acquire));
    if (state == TableState::none && settings.active && may_call_kernel()) {
        auto expected = static_cast<uint32_t>(TableState::none);
        if (process.state.compare_exchange_strong(expected, static_cast<uint32_t>(TableState::creating))) {
            state = create_table() ? TableState::ready : TableState::failed;
            process.state.store(static_cast<uint32_t>(state), std::memory_order_release);
        } else {
            state = static_cast<TableState>(expected);
        }
    }
    return state == TableState::ready;
}

ThreadRecord* record_for_call(const BlockedCall& call) {
    if (!ensure_table()) {
        return nullptr;
    }
    ThreadContext& context = thread_context;
    ThreadRecord* record = nullptr;
    if (context.record_offset != 0 && context.epoch == process.epoch) {
        record = reinterpret_cast<ThreadRecord*>(process.table + context.record_offset);
    } else if (!may_call_kernel()) {
        return nullptr;
    } else {
        os::KernelMask before = os::block_all_signals();
        record = claim_for_this_thread();
        // Inherited through exec, or by a thread that libc or the program started by itself: from now on as the program
        // sees it.
        const os::KernelMask nudge = os::KernelMask{1} << (settings.signal - 1);
        if (before & nudge) {
            context.signal_blocked = true;
            before &= ~nudge;
        }
        if (record != nullptr) {
            publish_signal_mask(*record);
            if (context.runs_runtime) {
                record->flags.fetch_or(record_runs_runtime, std::memory_order_relaxed);
            }
        }
        os::set_signal_mask(before);
    }
    if (process.live.load(std::memory_order_relaxed) == nullptr && adapter_lets_go(call) && !process.heavy_fences) {
        process.live.store(process.table, std::memory_order_release);
    }
    return record;
}

ThreadRecord* record_of(pid_t tid) {
    if (tid <= 0 || !ensure_table()) {
        return nullptr;
    }
    const Found found = probe(static_cast<uint32_t>(tid));
    if (found.own != nullptr) {
        return found.own;
    }
    if (!may_call_kernel() || os::tgkill(process.pid, tid, 0) != 0) {
        return nullptr;
    }
    const Claimed done = claim(static_cast<uint32_t>(tid), record_unadopted);
    ThreadRecord* claimed = done.record;
    if (claimed == nullptr || done.found) {
        return claimed;
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (ThreadRecord* other = probe(static_cast<uint32_t>(tid), claimed).own) {
        free_record(*claimed, static_cast<uint32_t>(tid));
        return other;
    }
    return claimed;
}

void release_record() {
    ThreadContext& context = thread_context;
    if (context.record_offset == 0 || context.epoch != process.epoch || process.table == nullptr) {
        return;
    }
    auto& record = *reinterpret_cast<ThreadRecord*>(process.table + context.record_offset);
    context.record_offset = 0;
    context.attempt = {};
    if (!may_call_kernel()) {
        record.state.store(0, std::memory_order_relaxed);
        record.tid.store(0, std::memory_order_release);
        return;
    }
    delete_timers();
    close_wakeup(record);
    free_record(record, record.tid.load(std::memory_order_relaxed));
    if (joiners.load(std::memory_order_seq_cst) != 0) {
        os::futex_wake_all(&record.generation);
    }
}

void nudge_again_all() {
    InProcess kernel;
    uint32_t next = 0;
    while (ThreadRecord* record = next_used_record(next)) {
        const RecordOwner owner{record->tid.load(std::memory_order_acquire),
                                record->generation.load(std::memory_order_relaxed)};
        const Request request{record->request.load(std::memory_order_relaxed)};
        if (owner.tid != 0 && request.pending()) {
            nudge_again(kernel, table_header(), *record, owner, request.sequence());
        }
    }
}

void unlink_table() {
    if (process.path[0] != 0 && may_call_kernel() && process.pid == os::getpid()) {
        os::unlinkat(AT_FDCWD, process.path);
    }
}

}  // namespace interrupt
