// The requester's side of the protocol, the same inside the target and in another process: the record lock, posting
// a request, nudging, withdrawing. Header only, async-signal-safe, no allocation.
//
// `Kernel` is what the two sides do differently. It has
//     uint32_t self()                      this thread's id for the lock word, with LockWord::foreign_bit if it is of
//                                          another PID namespace than the target
//     bool gone(uint32_t owner)            that lock owner does not exist any more; false if it cannot be told
//     uint64_t now()                       CLOCK_MONOTONIC, ns
//     void yield()                         let the lock's owner run
//     auto block_signals(), restore_signals(x)   every signal of this thread
//     void fence()                         membarrier over the target's threads
//     int nudge(uint32_t tid)              0, or an error number
//     void wakeup(ThreadRecord&, bool set) write to, or drain, the record's wakeup pipe
//     EventRing* events()                  where events go; null while nobody records
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "control/table_layout.h"

namespace interrupt {

// How long a live owner that does not run (stopped, starved) is waited for before its lock is broken.
inline constexpr uint64_t lock_patience_ns = 100'000'000;

// Holds a record's lock, with every signal of this thread blocked: a handler that ran in between could be the very one
// that waits for the lock.
template <class Kernel>
class RecordLock {
public:
    RecordLock(Kernel& kernel, TableHeader& table, ThreadRecord& record)
        : kernel_(kernel), record_(record), self_(kernel.self()), signals_(kernel.block_signals()) {
        uint64_t start = 0;
        uint64_t seen_owner = 0;
        for (int attempt = 0;; ++attempt) {
            uint64_t word = record.lock.load(std::memory_order_relaxed);
            const uint64_t owner = word & LockWord::owner_mask;
            // Acquire pairs with the release in unlock(): what the last owner did is seen.
            if (owner == 0) {
                if (record.lock.compare_exchange_weak(word, word | self_, std::memory_order_acquire)) {
                    return;
                }
                continue;
            }
            if (attempt < 100) {
                continue;
            }
            const uint64_t now = kernel.now();
            if (owner != seen_owner) {
                seen_owner = owner;
                start = now;
            }
            const bool foreign = owner & LockWord::foreign_bit;
            if (now - start > lock_patience_ns || (!foreign && kernel.gone(static_cast<uint32_t>(owner)))) {
                if (record.lock.compare_exchange_strong(word, (word & ~LockWord::owner_mask) | self_,
                                                        std::memory_order_acquire)) {
                    table.locks_broken.fetch_add(1, std::memory_order_relaxed);
                    return;
                }
                continue;
            }
            kernel.yield();
        }
    }

    ~RecordLock() {
        uint64_t word = record_.lock.load(std::memory_order_relaxed);
        while (held_in(word) &&
               !record_.lock.compare_exchange_weak(word, word & ~LockWord::owner_mask, std::memory_order_release)) {
        }
        kernel_.restore_signals(signals_);
    }

    RecordLock(const RecordLock&) = delete;
    RecordLock& operator=(const RecordLock&) = delete;

    // False once somebody has broken the lock: then nothing more may be done to the record.
    bool held() const { return held_in(record_.lock.load(std::memory_order_relaxed)); }

private:
    bool held_in(uint64_t word) const { return (word & LockWord::owner_mask) == self_; }

    Kernel& kernel_;
    ThreadRecord& record_;
    const uint64_t self_;
    const decltype(std::declval<Kernel&>().block_signals()) signals_;
};

// Which thread a request is for: the record may have changed hands since it was looked up.
struct RecordOwner {
    uint32_t tid = 0;
    uint32_t generation = 0;
    bool holds(const ThreadRecord& record) const {
        return record.tid.load(std::memory_order_acquire) == tid &&
               record.generation.load(std::memory_order_relaxed) == generation;
    }
};

struct Posted {
    int error = 0;          // 0, ESRCH (the record has changed hands), or what the nudge said
    uint32_t sequence = 0;  // of this request
    bool coalesced = false;
    bool nudged = false;
};

// With the lock held: does the thread wait where `request` can act? Only then may it be nudged.
inline bool would_act(const ThreadRecord& record, Request request) {
    // Pairs with the publication in shim/interruption_point.h, through Kernel::fence() in between.
    const State state{record.state.load(std::memory_order_relaxed)};
    return state.blocked() && state.call() < Call::count && request.pending() && !request.claimed() &&
           static_cast<Mask>(record.mask.load(std::memory_order_relaxed)) != Mask::all &&
           can_have(state.call(), request.outcome()) &&
           (!request.this_wait() || record.only_wait.load(std::memory_order_relaxed) == state.wait());
}

// With the lock held. The mark goes first: a thread that leaves its interposer after this sees it, waits for the lock
// and lets the signal arrive before it goes on.
template <class Kernel>
int nudge_locked(Kernel& kernel, const RecordLock<Kernel>& lock, ThreadRecord& record) {
    record.lock.fetch_or(LockWord::nudged_bit, std::memory_order_seq_cst);
    return lock.held() ? kernel.nudge(record.tid.load(std::memory_order_relaxed)) : EAGAIN;
}

// Sets the pending flag and, if the thread is blocked where the request can act, nudges it. `wait` is the number of the
// only wait that it may act on, or 0.
template <class Kernel>
Posted post(Kernel& kernel, TableHeader& table, ThreadRecord& record, RecordOwner owner, Outcome outcome,
            uint16_t error, uint64_t wait) {
    RecordLock lock(kernel, table, record);
    if (!owner.holds(record)) {
        return {.error = ESRCH};
    }
    Posted posted;
    record.only_wait.store(wait, std::memory_order_relaxed);
    record.requested_at.store(kernel.now(), std::memory_order_relaxed);
    Request before{record.request.load(std::memory_order_relaxed)};
    Request request;
    do {  // The thread may consume the one before at any moment, without the lock.
        posted.sequence = before.sequence() + 1;
        request = Request::make(posted.sequence, outcome, error, wait != 0);
        if (before.pending() && before.claimed()) {  // it is on its way; this one arrives with it
            const uint64_t kept = before.word & 0xffffffff & ~Request::recalled_bit;
            request = Request{kept | uint64_t{posted.sequence} << 32};
        }
    } while (!record.request.compare_exchange_weak(before.word, request.word, std::memory_order_seq_cst));
    posted.coalesced = before.pending();
    if (posted.coalesced) {
        record.coalesced.fetch_add(1, std::memory_order_relaxed);
    } else {
        kernel.wakeup(record, true);
    }
    kernel.fence();
    if (would_act(record, request)) {
        posted.error = nudge_locked(kernel, lock, record);
        posted.nudged = true;
    }
    record_event(kernel.events(), record, EventKind::request, request,
                 {.time = record.requested_at.load(std::memory_order_relaxed), .target = kernel.self()});
    return posted;
}

// Nudges once more for request `sequence` if it is still pending and the thread waits where it can act. True if it did.
template <class Kernel>
bool nudge_again(Kernel& kernel, TableHeader& table, ThreadRecord& record, RecordOwner owner, uint32_t sequence) {
    RecordLock lock(kernel, table, record);
    const Request request{record.request.load(std::memory_order_relaxed)};
    if (!owner.holds(record) || request.sequence() != sequence) {
        return false;
    }
    kernel.fence();
    return would_act(record, request) && nudge_locked(kernel, lock, record) == 0;
}

// The index of the class of that name for a request with Outcome::exception; -1: there are too many already.
// Async-signal-safe.
inline int index_of_exception(TableHeader& table, std::string_view name) {
    if (name.size() >= sizeof ExceptionName::name) {
        return -1;
    }
    for (uint32_t i = 0; i < max_exceptions; ++i) {
        ExceptionName& slot = table.exceptions[i];
        uint32_t state = slot.state.load(std::memory_order_acquire);
        if (state == ExceptionName::free &&
            slot.state.compare_exchange_strong(state, ExceptionName::being_written, std::memory_order_acquire)) {
            name.copy(slot.name, name.size());
            slot.name[name.size()] = 0;
            slot.state.store(ExceptionName::ready, std::memory_order_release);
            return static_cast<int>(i);
        }
        if (state == ExceptionName::ready &&
            std::string_view(slot.name, strnlen(slot.name, sizeof slot.name)) == name) {
            return static_cast<int>(i);
        }
    }
    return -1;
}

enum class Withdrawal {
    withdrawn,   // it will not be delivered
    delivered,   // too late: it has been
    on_its_way,  // an adapter has it: asked to give it back; `cleared` or `delivered` will tell
    replaced,    // a newer request has taken its place; that one stays
    gone,        // the thread has ended
};

// Takes request `sequence` back, if it is still there; with `any`, whatever request is pending.
template <class Kernel>
Withdrawal withdraw(Kernel& kernel, TableHeader& table, ThreadRecord& record, RecordOwner owner, uint32_t sequence,
                    bool any = false) {
    RecordLock lock(kernel, table, record);
    if (!owner.holds(record)) {
        return Withdrawal::gone;
    }
    Request request{record.request.load(std::memory_order_relaxed)};
    do {
        if (!request.pending()) {
            return Withdrawal::delivered;
        }
        if (!any && request.sequence() != sequence) {
            return Withdrawal::replaced;
        }
    } while (!record.request.compare_exchange_weak(
        request.word, request.claimed() ? request.recalled_now().word : request.consumed().word,
        std::memory_order_seq_cst));
    if (request.claimed()) {
        kernel.fence();
        // A thread that computes looks by itself, every few milliseconds.
        if (State{record.state.load(std::memory_order_relaxed)}.blocked()) {
            nudge_locked(kernel, lock, record);
        }
        return Withdrawal::on_its_way;
    }
    record.cleared.store(request.sequence(), std::memory_order_release);
    table.withdrawn.fetch_add(1, std::memory_order_relaxed);
    record_event(kernel.events(), record, EventKind::withdrawal, request, {.time = kernel.now()});
    kernel.wakeup(record, false);
    return Withdrawal::withdrawn;
}

}  // namespace interrupt
