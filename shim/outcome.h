// From a request that is pending to what the interrupted call returns.
#pragma once

#include <cerrno>

#include "shim/delivery.h"
#include "shim/nudge.h"
#include "shim/process.h"

namespace interrupt {

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

}  // namespace interrupt
