#include "shim/records.h"

#include <cstring>

#include "shim/platform/platform.h"
#include "shim/requester.h"

namespace interrupt {

uint32_t offset_of(const ThreadRecord& record) {
    return static_cast<uint32_t>(reinterpret_cast<const char*>(&record) - process.table);
}

namespace {

ThreadRecord& record_at(uint32_t index) {
    return *reinterpret_cast<ThreadRecord*>(process.table + sizeof(TableHeader) + size_t{index} * sizeof(ThreadRecord));
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
    record.name[0] = 0;
    record.started_by.store(0, std::memory_order_relaxed);
    record.ident.store(0, std::memory_order_relaxed);
}

}  // namespace

void free_record(ThreadRecord& record, uint32_t tid) {
    InProcess kernel;
    RecordLock lock(kernel, table_header(), record);
    if (record.tid.load(std::memory_order_relaxed) == tid) {
        reset(record);
        record.generation.fetch_add(1, std::memory_order_relaxed);
        record.tid.store(0, std::memory_order_release);
    }
}

Found probe(uint32_t tid, const ThreadRecord* other_than) {
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

namespace {

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

}  // namespace

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

ThreadRecord* next_used_record(uint32_t& next) {
    while (process.table != nullptr && next < process.capacity) {
        ThreadRecord& record = record_at(next++);
        if (has_memory(record) && record.generation.load(std::memory_order_relaxed) != 0) {
            return &record;
        }
    }
    return nullptr;
}

// Whoever reads meanwhile finds no name, or all of it.
void write_name(ThreadRecord& record, const ThreadName& name) {
    std::atomic_ref<char> first(record.name[0]);
    first.store(0, std::memory_order_relaxed);
    std::memcpy(record.name + 1, name.text + 1, sizeof name.text - 1);
    first.store(name.text[0], std::memory_order_release);
}

ThreadRecord* record_of_ident(uintptr_t ident) {
    uint32_t next = 0;
    while (ThreadRecord* const record = next_used_record(next)) {
        if (record->ident.load(std::memory_order_relaxed) == ident) {
            return record;
        }
    }
    return nullptr;
}

}  // namespace interrupt
