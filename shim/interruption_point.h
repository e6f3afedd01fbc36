// THE protocol: what every interposed call does around the real one.
//
//     thread                                      requester (control/request_protocol.h)
//     ------                                      ---------
//     state = blocked in CALL                     take the record lock
//     (compiler barrier)                          pending = 1
//     look at pending                             membarrier
//     real call                                   if state is blocked: mark nudged, signal the thread
//     state = running                             release the record lock
//     (compiler barrier)
//     look at the lock word
//
// Entry. The requester's membarrier stands for a full fence between the thread's store and its look: either the thread
// sees pending, or the requester sees blocked and sends the nudge. A nudge that arrives between the look and the system
// call would be handled too early: the handler finds that the thread is not in its system call, and arms a timer that
// nudges again. A flag that is pending at entry does the same: the timer is armed and the call made, so that the kernel
// decides whether it waits at all.
//
// Exit. A requester that read *blocked* just before it was taken back may still send its signal, and the signal would
// meet the program's next raw system call. So it holds the record lock over read and send, and marks the word before it
// sends: the thread, which looks at the word after it has published *running*, then waits for the lock and lets the
// signal arrive.
//
// Ways out of the real call that are not a return. A cancellation, pthread_exit or an exception unwinds: the frame is
// marked, and its personality routine leaves (unwind.cpp). A handler of the program that does not return, by
// siglongjmp, has been called with the record saying *running* (program_signals.cpp).
#pragma once

#include <cerrno>

#include "shim/outcome.h"
#include "shim/publication.h"
#include "shim/rule_at_entry.h"
#include "shim/thread_table.h"
#include "shim/waits.h"

namespace interrupt {

// What the program gets. A failure of the rest of a transfer does not show: what had been moved is the result.
template <class Wait, class Result>
Result conclude(Wait& wait, Result result, int error, int errno_before) {
    errno = error;
    const Result total = wait.total(result);
    if (Wait::succeeded(total) && !Wait::succeeded(result)) {
        errno = errno_before;
    }
    return total;
}

// The wait goes on after leave(); so does the time after which a rule is to end it.
template <class Wait>
void publish_again(ThreadRecord& record, Wait& wait, const RuleDue& due) {
    const bool pending = publish_fenced(record, thread_context.blocked);
    begin_recorded_wait();
    if (due.at != 0) {
        arm_rule_timer(record, due);
    }
    if (pending) {
        prepare_to_deliver(record, wait);
    }
}

// The call has failed with EINTR, or was nudged, or a requester holds the lock.
template <class Wait, class RealCall, class Result>
[[gnu::noinline]] Result finish_contested(ThreadRecord& record, Wait& wait, RealCall& real, Result result) {
    INTERRUPT_MARK_FRAME();
    for (;;) {
        Attempt& attempt = attempt_of(record);
        const RuleDue due = attempt.rule_due;
        const int saved_errno = errno;
        if (!wait.interrupted(result, attempt)) {
            const bool nudged = attempt.nudged;
            const bool cut_by_program = attempt.program_made_eintr;
            const int errno_before = attempt.errno_before;
            const bool awaited = accepts(record, wait, Request{record.request.load(std::memory_order_acquire)});
            leave(record);
            const bool pending = Request{record.request.load(std::memory_order_relaxed)}.pending();
            if (nudged && pending) {
                table_header().windows[static_cast<size_t>(Window::way_out)].fetch_add(1, std::memory_order_relaxed);
            }
            if (!(nudged || wait.underway()) || awaited || cut_by_program || !may_call_kernel() ||
                !wait.unfinished(result)) {
                return conclude(wait, result, saved_errno, errno_before);
            }
            // A transfer was cut short by a nudge that is owed to nobody: the rest of it.
            wait.shorten(record.since.load(std::memory_order_relaxed));
            publish_again(record, wait, due);
            attempt_of(record).part_done = true;
            attempt.errno_before = saved_errno;
            result = wait.repeat(real);
            continue;
        }
        if (wait.moved() && accepts(record, wait, Request{record.request.load(std::memory_order_acquire)})) {
            const int errno_before = attempt.errno_before;
            leave(record);  // a part is the result; the request is for the next interruption point
            return conclude(wait, result, saved_errno, errno_before);
        }
        Result outcome;
        if (const Outcome delivered = deliver(record, wait, outcome); delivered != Outcome::none) {
            const Result total = wait.total(outcome);
            if (delivered == Outcome::cancel) {
                cancel_calling_thread();
            }
            return total;
        }
        if (attempt.program_made_eintr || !attempt.nudge_made_eintr) {  // the program's own signal
            const int errno_before = attempt.errno_before;
            leave(record);
            if (wait.ends_by_program_signal()) {
                return conclude(wait, result, saved_errno, errno_before);
            }
            publish_again(record, wait, due);
        } else {  // nobody's: the rest of the time
            wait.shorten(record.since.load(std::memory_order_relaxed));
            attempt.repeating = true;
            attempt.nudge_made_eintr = false;
            std::atomic_signal_fence(std::memory_order_seq_cst);
            if (attempt.program_made_eintr) {
                continue;  // it came just now
            }
            errno = attempt.errno_before;  // what the program finds if the repetition works
        }
        result = wait.repeat(real);
    }
}

// `real` makes the call, with the arguments as `wait` has them by then; `resolve` finds the real function where that
// has not been done (other libraries' constructors run before ours).
template <class Wait, class RealCall, class Resolve>
[[gnu::always_inline]] inline auto interruption_point(const BlockedCall& call, Wait& wait, RealCall real,
                                                      Resolve resolve) -> decltype(real()) {
    INTERRUPT_MARK_FRAME();
    using Result = decltype(real());
    ThreadRecord* record = current_record();
    if (record == nullptr) [[unlikely]] {
        resolve();
        record = record_for_call(call);
        if (record == nullptr) {
            if constexpr (requires(Result early) { wait.ended_at_entry(early); }) {
                if (Result early; wait.ended_at_entry(early)) {
                    return wait.total(early);
                }
            }
            return wait.total(real());
        }
    }
    const bool pending = publish_fenced(*record, call);
    const bool looked_at = needs_closer_look(process.table);
    if (looked_at) {
        begin_recorded_wait();
        if (Result early; ended_by_rule(*record, call, wait, early)) {
            return early;
        }
    }
    if (pending) [[unlikely]] {
        if (Result early; fails_at_entry(*record, wait, early)) {
            return wait.total(early);
        }
        prepare_to_deliver(*record, wait);
    }
    // Once published: a signal that this look misses finds the wait, and ends it.
    if constexpr (requires(Result early) { wait.ended_at_entry(early); }) {
        if (Result early; wait.ended_at_entry(early)) [[unlikely]] {
            leave(*record);
            return wait.total(early);
        }
    }
    delay_in_window();
    auto result = real();
    if (wait.succeeded(result) && !process.heavy_fences && !(looked_at && wait_is_recorded()) && retire(*record))
        [[likely]] {
        return wait.total(result);
    }
    return finish_contested(*record, wait, real, result);
}

// The same with the arguments in registers as long as nothing happens: they go to memory, where a repetition can change
// them, only in `contested`, a function of its own for each interposer.
struct Contested {
    ThreadRecord* record;  // null: the whole interruption point is still to be gone through
    bool called;           // the real call has been made; otherwise a request was pending at entry
    BlockedCall call;
};

template <class Wait, class Result, class RealCall, class Resolve>
[[gnu::always_inline]] inline Result go_on_contested(const Contested& at, Wait& wait, Result result, RealCall real,
                                                     Resolve resolve) {
    INTERRUPT_MARK_FRAME();
    if (at.record == nullptr) {
        return interruption_point({at.call.call, wait.target(), at.call.caller}, wait, real, resolve);
    }
    if (!at.called) {
        if (Result early; fails_at_entry(*at.record, wait, early)) {
            return wait.total(early);
        }
        prepare_to_deliver(*at.record, wait);
        result = real();
    }
    return finish_contested(*at.record, wait, real, result);
}

}  // namespace interrupt
