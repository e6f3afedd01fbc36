#include "shim/thread_table.h"

#include <pthread.h>

#include <cstring>

#include "shim/adapter.h"
#include "shim/nudge.h"
#include "shim/platform/platform.h"
#include "shim/requester.h"
#include "shim/table_file.h"
#include "shim/thread_end.h"
#include "shim/wakeup.h"

namespace interrupt {

constinit Process process;
constinit Settings settings;
constinit std::atomic<bool> seccomp_seen = false;
constinit std::atomic<uint32_t> joiners = 0;
constinit NoTable no_table_reason = NoTable::unknown;
constinit thread_local ThreadContext thread_context;

namespace {

constexpr uint32_t max_capacity = (Process::max_pages - 1) * (4096 / sizeof(ThreadRecord));
constinit std::atomic<uintptr_t> idents[max_capacity];

// NoTable in the ABI header: as many of these pages as the reason's number lose their access rights.
alignas(4096) constinit char no_table_pages[static_cast<size_t>(NoTable::count)][4096];

ThreadRecord& record_at(uint32_t index) {
    return *reinterpret_cast<ThreadRecord*>(process.table + sizeof(TableHeader) + size_t{index} * sizeof(ThreadRecord));
}

uint32_t offset_of(const ThreadRecord& record) {
    return static_cast<uint32_t>(reinterpret_cast<const char*>(&record) - process.table);
}

uint32_t index_of(const ThreadRecord& record) {
    return (offset_of(record) - static_cast<uint32_t>(sizeof(TableHeader))) /
           static_cast<uint32_t>(sizeof(ThreadRecord));
}

// May the record be touched at all?
bool has_memory(const ThreadRecord& record) {
    const uint32_t page = offset_of(record) / 4096;
    return (process.populated[page / 64].load(std::memory_order_relaxed) & uint64_t{1} << page % 64) != 0;
}

bool back_with_memory(const ThreadRecord& record) {
    if (has_memory(record)) {
        return true;
    }
    const uint32_t page = offset_of(record) / 4096;
    if (!may_call_kernel() || os::madvise(process.table + page * 4096, 4096, MADV_POPULATE_WRITE) != 0) {
        return false;
    }
    process.populated[page / 64].fetch_or(uint64_t{1} << page % 64, std::memory_order_relaxed);
    return true;
}

// With the record lock held, or for a record that nobody else can know of. What was delivered last stays until the next
// claim: a requester may still be about to read it.
void reset(ThreadRecord& record) {
    record.state.store(0, std::memory_order_relaxed);
    record.request.store(0, std::memory_order_relaxed);
    record.only_wait.store(0, std::memory_order_relaxed);
    record.coalesced.store(0, std::memory_order_relaxed);
    record.mask.store(0, std::memory_order_relaxed);
    record.flags.store(0, std::memory_order_relaxed);
    record.wakeup_read.store(0, std::memory_order_relaxed);
    record.wakeup_write.store(0, std::memory_order_relaxed);
    record.wakeup_inode.store(0, std::memory_order_relaxed);
    record.lock.fetch_and(LockWord::owner_mask, std::memory_order_relaxed);
    idents[index_of(record)].store(0, std::memory_order_relaxed);
}

// Frees a record, unless it has changed hands meanwhile.
void free_record(ThreadRecord& record, uint32_t tid) {
    InProcess kernel;
    RecordLock lock(kernel, table_header(), record);
    if (record.tid.load(std::memory_order_relaxed) == tid) {
        reset(record);
        record.generation.fetch_add(1, std::memory_order_relaxed);
        record.tid.store(0, std::memory_order_release);
    }
}

// Threads that went without telling us (raw clone, a key destructor that ran after ours) leave their records.
void free_dead_records() {
    for (uint32_t i = 0; i < process.capacity; ++i) {
        ThreadRecord& record = record_at(i);
        if (!back_with_memory(record)) {
            return;
        }
        const uint32_t tid = record.tid.load(std::memory_order_relaxed);
        if (tid != 0 && os::tgkill(process.pid, static_cast<pid_t>(tid), 0) == -ESRCH) {
            free_record(record, tid);
        }
    }
}

struct Found {
    ThreadRecord* own = nullptr;   // has this tid
    ThreadRecord* free = nullptr;  // the first free one on the way
};

Found probe(uint32_t tid, const ThreadRecord* other_than = nullptr) {
    Found found;
    uint32_t index = first_probe(tid, process.capacity);
    for (uint32_t i = 0; i < process.capacity; ++i, index = (index + 1) % process.capacity) {
        ThreadRecord& record = record_at(index);
        if (!back_with_memory(record)) {
            break;
        }
        const uint32_t holder = record.tid.load(std::memory_order_acquire);
        if (holder == tid && &record != other_than) {
            found.own = &record;
            break;
        }
        if (holder == 0) {
            if (found.free == nullptr) {
                found.free = &record;
            }
            if (record.generation.load(std::memory_order_relaxed) == 0) {
                break;
            }
        }
    }
    return found;
}

struct Claimed {
    ThreadRecord* record = nullptr;
    bool found = false;  // somebody had claimed it before
};

Claimed claim(uint32_t tid, uint32_t flags) {
    for (bool searched = false;;) {
        const Found found = probe(tid);
        if (found.own != nullptr) {
            return {found.own, true};
        }
        if (found.free == nullptr) {
            if (searched) {
                return {};
            }
            searched = true;
            free_dead_records();
            continue;
        }
        uint32_t nobody = 0;
        if (found.free->tid.compare_exchange_strong(nobody, tid, std::memory_order_acq_rel)) {
            found.free->delivered.store(0, std::memory_order_relaxed);
            found.free->cleared.store(0, std::memory_order_relaxed);
            found.free->since.store(flags != 0 ? os::thread_start_ticks(static_cast<pid_t>(tid)) : 0,
                                    std::memory_order_relaxed);
            found.free->flags.store(flags, std::memory_order_release);
            found.free->generation.fetch_add(1, std::memory_order_release);
            return {found.free, false};
        }
    }
}

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
    idents[index_of(*record)].store(reinterpret_cast<uintptr_t>(pthread_self()), std::memory_order_relaxed);
    record->mask.store(static_cast<uint32_t>(context.mask), std::memory_order_relaxed);
    if (context.epoch != process.epoch) {  // timers and pending signals are not inherited by a forked child
        context.retry_timer = context.cpu_timer = -1;
        context.retry_armed = context.cpu_armed = false;
        context.attempt = {};
        wakeup_after_fork(*record);
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

void mark_no_table(NoTable reason) {
    no_table_reason = reason;
    os::mprotect(no_table_pages, static_cast<size_t>(reason) * 4096, PROT_NONE);
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
    for (uint32_t i = 0; process.table != nullptr && i < process.capacity; ++i) {
        ThreadRecord& record = record_at(i);
        if (!has_memory(record)) {
            continue;  // never used
        }
        const RecordOwner owner{record.tid.load(std::memory_order_acquire),
                                record.generation.load(std::memory_order_relaxed)};
        const Request request{record.request.load(std::memory_order_relaxed)};
        if (owner.tid != 0 && request.pending()) {
            nudge_again(kernel, table_header(), record, owner, request.sequence());
        }
    }
}

void unlink_table() {
    if (process.path[0] != 0 && may_call_kernel() && process.pid == os::getpid()) {
        os::unlinkat(AT_FDCWD, process.path);
    }
}

std::atomic<uintptr_t>& ident_of(const ThreadRecord& record) {
    return idents[index_of(record)];
}

ThreadRecord* record_of_ident(uintptr_t ident) {
    for (uint32_t i = 0; process.table != nullptr && i < process.capacity; ++i) {
        if (idents[i].load(std::memory_order_relaxed) == ident) {
            return &record_at(i);
        }
    }
    return nullptr;
}

}  // namespace interrupt
