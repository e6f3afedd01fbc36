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

#include "shim/cancellation.h"
#include "shim/delivery.h"
#include "shim/injection.h"
#include "shim/nudge.h"
#include "shim/platform/platform.h"
#include "shim/requester.h"
#include "shim/thread_table.h"
#include "shim/waits.h"

namespace interrupt {

// Publishes *blocked* and says whether a request is pending. The stores before and loads after keep their order
// for the compiler by the fence; for the processor the requester's membarrier does it. Where the kernel has none, no
// record is current_record(), and the slow way fences by itself.
[[gnu::always_inline]] inline bool publish(ThreadRecord& record, const BlockedCall& call) {
    const uint64_t since = os::coarse_ns();  // first: nothing of the rest has to be kept across this call
    ThreadContext& context = thread_context;
    context.blocked.call = call.call;  // field by field: a copy of the whole would wait for the stores that made it
    context.blocked.target = call.target;
    context.blocked.caller = call.caller;
    record.target.store(call.target, std::memory_order_relaxed);
    record.since.store(since, std::memory_order_relaxed);
    delay_in_window();
    if (traits(call.call).kind == Kind::Condition) {  // a constant, once this is inlined
        ++context.condition_waits;
    }
    record.state.store(State::make(++context.waits, call.call).word, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    delay_in_window();
    return Request{record.request.load(std::memory_order_relaxed)}.pending();
}

// The same on the slow way.
inline bool publish_fenced(ThreadRecord& record, const BlockedCall& call) {
    const bool pending = publish(record, call);
    if (!process.heavy_fences) {
        return pending;
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return Request{record.request.load(std::memory_order_relaxed)}.pending();
}

// Whether this very wait can have the outcome; remembered, so that the nudge handler leaves the wait alone otherwise.
template <class Wait>
bool accepts(ThreadRecord& record, Wait& wait, Request request) {
    if (!may_act(record, request)) {
        return false;
    }
    if (request.outcome() == Outcome::timeout && !wait.has_time_limit()) {
        attempt_of(record).refused = request.sequence() + 1;
        return false;
    }
    return true;
}

// A request is pending when the call begins.
template <class Wait>
[[gnu::noinline]] void prepare_to_deliver(ThreadRecord& record, Wait& wait) {
    if (!may_call_kernel()) {
        return;
    }
    drop_if_for_another_wait(record);
    const Request request{record.request.load(std::memory_order_acquire)};
    if (accepts(record, wait, request) && !wait.cannot_block()) {
        attempt_of(record).window = Window::before_call;
        arm_retry(record, true);
    } else if (adapter != nullptr && thread_context.runs_runtime && !thread_context.cpu_armed) {
        adapter->unmasked();  // the requester's one look may have met the thread where no nudge is sent
    }
}

// How a wait that gives up looks to whoever called it.
template <class Result, class Wait>
Result given_up(Wait& wait, int how) {
    if (how == time_limit_passed && wait.has_time_limit()) {
        return wait.time_out();
    }
    if constexpr (requires { wait.be_ready(); }) {
        if (how == all_is_ready) {
            return wait.be_ready();
        }
    }
    return wait.fail(how > 0 ? how : ECANCELED);
}

// The result of a wait that ends with this outcome.
template <class Result, class Wait>
Result ended_as(Wait& wait, Outcome outcome, uint16_t error) {
    switch (outcome) {
        case Outcome::error:
            return wait.fail(error);
        case Outcome::timeout:
            return wait.time_out();
        case Outcome::eof:
            return wait.end_of_file();
        default:
            return wait.interrupt();
    }
}

// The call failed with EINTR, or a condition variable's wait was ended by the handler. If that is owed to a request,
// what the request wants is in `result`; Outcome::none otherwise. A cancellation is still to be acted upon.
template <class Wait, class Result>
Outcome deliver(ThreadRecord& record, Wait& wait, Result& result) {
    const Attempt attempt = attempt_of(record);
    const BlockedCall blocked = thread_context.blocked;
    Request request = attempt.faked;
    if (!request.word) {
        request = Request{record.request.load(std::memory_order_acquire)};
        if (!accepts(record, wait, request)) {
            return Outcome::none;
        }
    }
    const Verdict verdict = adapter != nullptr ? adapter->verdict(blocked, request) : Verdict::native;
    const bool gives_up = verdict == Verdict::give_up || verdict == Verdict::give_up_at_once;
    if (!attempt.faked.word && !request.claimed()) {
        const bool keeps = gives_up && adapter->keeps(blocked);
        if (!(keeps ? claim(request) : consume(record, request, blocked.call, attempt.window))) {
            return Outcome::none;
        }
        request = keeps ? request.claimed_now() : request;
    }
    leave(record);
    errno = attempt.errno_before;  // an outcome that is no failure leaves it alone
    if (gives_up) {
        result = given_up<Result>(wait, adapter->give_up(blocked, request));
        return Outcome::default_;
    }
    result = ended_as<Result>(wait, request.outcome(), request.error());
    return request.outcome();
}

// The call is not made at all where the adapter says so.
template <class Wait, class Result>
[[gnu::noinline]] bool fails_at_entry(ThreadRecord& record, Wait& wait, Result& result) {
    const Request request{record.request.load(std::memory_order_acquire)};
    if (!request.claimed() || adapter == nullptr ||
        adapter->verdict(thread_context.blocked, request) != Verdict::give_up_at_once) {
        return false;
    }
    attempt_of(record).errno_before = errno;
    return deliver(record, wait, result) != Outcome::none;
}

// An injection rule acts on the call, which has been published: true if it ends the call before it is made, with this
// result.
template <class Wait, class Result>
[[gnu::noinline]] bool ended_by_rule(ThreadRecord& record, const BlockedCall& call, Wait& wait, Result& result) {
    INTERRUPT_MARK_FRAME();
    if (!may_be_ruled(call.call)) {
        return false;
    }
    const ActingRule rule =
        acting_rule({call, wait.has_time_limit(),
                     [](const void* its) { return !static_cast<const Wait*>(its)->cannot_block(); }, &wait});
    if (!rule.acts) {
        return false;
    }
    if (rule.after != 0) {
        arm_rule_timer(record, {os::monotonic_ns() + rule.after, rule});
        return false;
    }
    if constexpr (requires { wait.is_not_made(); }) {
        wait.is_not_made();
    }
    Attempt& attempt = attempt_of(record);
    attempt.errno_before = errno;
    Outcome outcome = rule.outcome;
    if (rule.signal != 0) {
        attempt.repeating = true;  // so that its handler counts as one that has met the call
        count_acting(rule);
        send_own_signal(rule.signal);
        Attempt& met = attempt_of(record);
        if (!met.program_made_eintr || !wait.ends_by_program_signal() || traits(call.call).kind == Kind::Condition) {
            met.program_made_eintr = met.repeating = false;
            return false;
        }
        leave(record);
        result = wait.interrupt();
    } else if (adapter == nullptr) {
        count_acting(rule);
        leave(record);
        result = ended_as<Result>(wait, outcome, rule.error);
    } else {
        const Request request = make_own_request(record, rule);
        if (!request.pending()) {
            return false;
        }
        attempt_of(record).window = Window::before_call;
        outcome = deliver(record, wait, result);
        if (outcome == Outcome::none) {
            withdraw_own_request(record, request);
            return false;
        }
        count_acting(rule);
    }
    result = wait.total(result);
    if (outcome == Outcome::cancel) {
        cancel_calling_thread();
    }
    return true;
}

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

// Publishes *running*. True if nobody has nudged, or is about to: the call's result stands as it is.
[[gnu::always_inline]] inline bool retire(ThreadRecord& record) {
    delay_in_window();
    const State state{record.state.load(std::memory_order_relaxed)};
    record.state.store(State::make(state.wait(), Call::running).word, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return record.lock.load(std::memory_order_relaxed) == 0;
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
    if (needs_closer_look(process.table)) {
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
    if (wait.succeeded(result) && !process.heavy_fences && retire(*record)) [[likely]] {
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
