// An injection rule, or a sweep, meets a call that begins.
#pragma once

#include "shim/cancellation.h"
#include "shim/injection.h"
#include "shim/outcome.h"

namespace interrupt {

// An injection rule acts on the call, which has been published: true if it ends the call before it is made, with this
// result.
template <class Wait, class Result>
[[gnu::noinline]] bool ended_by_rule(ThreadRecord& record, const BlockedCall& call, Wait& wait, Result& result) {
    INTERRUPT_MARK_FRAME();
    const ActingRule rule =
        acting_rule({call, [](const void* its) { return static_cast<const Wait*>(its)->has_time_limit(); },
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

}  // namespace interrupt
