#include "shim/exit_wait.h"

#include <cstring>

#include "shim/adapter.h"
#include "shim/delivery.h"
#include "shim/program_actions.h"
#include "shim/records.h"
#include "shim/requester.h"
#include "shim/rules_in_force.h"
#include "shim/thread_table.h"

namespace interrupt {

namespace {

constexpr int end_of_grace_cookie = 0x67726163;
constexpr uint64_t look_ns = 10'000'000;

// The main thread's; of another epoch: its parent's.
struct GraceTimer {
    int id = -1;
    uint32_t epoch = 0;
    bool interrupted = false;  // request `sequence` has been sent
    uint32_t sequence = 0;
};
constinit GraceTimer grace_timer;

RecordOwner owner_of(const ThreadRecord& record) {
    return {record.tid.load(std::memory_order_acquire), record.generation.load(std::memory_order_relaxed)};
}

// Unless it has been delivered.
void withdraw_own(uint32_t sequence) {
    ThreadRecord* const record = own_record();
    InProcess kernel;
    Withdrawal withdrawal = Withdrawal::gone;
    do {  // what the adapter has claimed, it withdraws itself
        if (record != nullptr) {
            if (adapter != nullptr && Request{record->request.load(std::memory_order_acquire)}.claimed()) {
                adapter->recall();
            }
            withdrawal = withdraw(kernel, table_header(), *record, owner_of(*record), sequence);
        }
    } while (withdrawal == Withdrawal::on_its_way && adapter != nullptr);
}

uint64_t end_of_grace() {
    const uint64_t signalled = process.signalled_at.load(std::memory_order_acquire);
    return signalled == 0 ? 0 : signalled + grace_ns();
}

// In a runtime's process its threads alone count: those of libraries wait for work, and do not end.
bool is_awaited(const ThreadRecord& record) {
    const uint32_t needed = record_interrupted_by_signal | (adapter != nullptr ? record_runs_runtime : 0);
    return (record.flags.load(std::memory_order_relaxed) & needed) == needed;
}

// One that is still there, other than the calling thread.
ThreadRecord* next_interrupted(uint32_t& next) {
    const ThreadRecord* const own = own_record();
    while (ThreadRecord* record = next_used_record(next)) {
        const auto tid = static_cast<pid_t>(record->tid.load(std::memory_order_acquire));
        if (tid != 0 && record != own && is_awaited(*record) && !os::has_ended(tid)) {
            return record;
        }
    }
    return nullptr;
}

bool any_interrupted() {
    uint32_t next = 0;
    return next_interrupted(next) != nullptr;
}

// Two threads that both end the process do not wait for each other.
void wait_not_for_this_thread() {
    if (ThreadRecord* record = own_record()) {
        record->flags.fetch_and(~record_interrupted_by_signal, std::memory_order_relaxed);
    }
}

// What it computes, or a call that began just now, may have kept the first nudge from acting.
void nudge_interrupted(ThreadRecord& record) {
    const RecordOwner owner = owner_of(record);
    const Request request{record.request.load(std::memory_order_relaxed)};
    if (owner.tid == 0 || !request.pending() || request.claimed()) {
        return;
    }
    InProcess kernel;
    if (!nudge_again(kernel, table_header(), record, owner, request.sequence())) {
        nudge_computing(record, static_cast<pid_t>(owner.tid));
    }
}

void set_grace_timer() {
    const uint64_t end = end_of_grace();
    if (grace_timer.epoch != process.epoch) {
        struct sigevent event;
        std::memset(&event, 0, sizeof event);
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = settings.signal;
        event.sigev_value.sival_int = end_of_grace_cookie;
        event._sigev_un._tid = process.pid;
        if (os::timer_create(CLOCK_MONOTONIC, &event, &grace_timer.id) != 0) {
            return;
        }
        grace_timer.epoch = process.epoch;
        grace_timer.interrupted = false;
    }
    const uint64_t now = os::monotonic_ns();
    struct itimerspec value = {};
    value.it_value = os::to_timespec(end > now ? end - now : 1);
    os::timer_settime(grace_timer.id, &value);
}

// Whether there is anything that this process could wait for.
bool may_wait() {
    return process.signalled_at.load(std::memory_order_acquire) != 0 && may_call_kernel() &&
           os::getpid() == process.pid;
}

// The end begins. A signal whose grace period was over before that was not what ends the program.
void forget_old_signal() {
    if (may_wait() && os::monotonic_ns() >= end_of_grace()) {
        process.signalled_at.store(0, std::memory_order_release);
    }
}

}  // namespace

void note_interrupted_by_signal() {
    process.signalled_at.store(os::monotonic_ns(), std::memory_order_release);
    if (process.runtime_waits.load(std::memory_order_seq_cst)) {
        set_grace_timer();
        let_signals_end_process(true);
    }
}

void await_interrupted() {
    forget_old_signal();
    if (!may_wait()) {
        return;
    }
    wait_not_for_this_thread();
    if (!any_interrupted()) {
        return;
    }
    let_signals_end_process(true);
    joiners.fetch_add(1, std::memory_order_seq_cst);
    for (;;) {
        uint32_t next = 0;
        const uint64_t now = os::monotonic_ns();
        const uint64_t end = end_of_grace();
        ThreadRecord* const record = next_interrupted(next);
        if (record == nullptr || now >= end) {
            break;
        }
        const uint32_t generation = record->generation.load(std::memory_order_acquire);
        const struct timespec rest = os::to_timespec(end - now < look_ns ? end - now : look_ns);
        if (record->tid.load(std::memory_order_acquire) != 0) {
            os::futex_wait(&record->generation, generation, &rest);
        }
        for (next = 0; ThreadRecord* each = next_interrupted(next);) {
            nudge_interrupted(*each);
        }
    }
    joiners.fetch_sub(1, std::memory_order_relaxed);
    let_signals_end_process(false);
}

bool is_interrupted_by_signal(uintptr_t pthread_ident) {
    const ThreadRecord* const record = record_of_ident(pthread_ident);
    return record != nullptr && is_awaited(*record);
}

void begin_runtimes_wait() {
    forget_old_signal();
    process.runtime_waits.store(true, std::memory_order_seq_cst);
    if (may_wait()) {
        set_grace_timer();
        let_signals_end_process(true);
    }
}

bool end_runtimes_wait() {
    process.runtime_waits.store(false, std::memory_order_seq_cst);
    if (!may_wait() || grace_timer.epoch != process.epoch) {
        return false;
    }
    struct itimerspec never = {};
    os::timer_settime(grace_timer.id, &never);
    const bool interrupted = grace_timer.interrupted;
    if (interrupted) {
        grace_timer.interrupted = false;
        withdraw_own(grace_timer.sequence);
    }
    let_signals_end_process(false);
    return interrupted;
}

bool is_end_of_grace(int si_code, int value) {
    return si_code == SI_TIMER && value == end_of_grace_cookie;
}

void grace_is_over() {
    ThreadRecord* const record = own_record();
    if (record == nullptr || !process.runtime_waits.load(std::memory_order_relaxed) || !any_interrupted()) {
        return;
    }
    InProcess kernel;
    grace_timer.sequence = post(kernel, table_header(), *record, owner_of(*record), Outcome::default_, 0, 0).sequence;
    grace_timer.interrupted = true;
}

}  // namespace interrupt
