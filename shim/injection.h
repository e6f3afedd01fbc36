// Injection rules at work: which of them acts on a call that begins, and how it ends the call.
//
// A rule acts at entry, and the call is not made; or, with `after`, the call is made, and the thread's rule timer makes
// a request of its own when it has been blocked for that long. Everything from there on is the request's way.
#pragma once

#include "shim/process.h"

namespace interrupt {

// A call that begins, as the rules see it.
struct BeginningCall {
    const BlockedCall& call;
    bool has_time_limit;
    // Whether the kernel could let it wait: asked only where a rule is about it, since the answer costs system calls.
    bool (*could_wait)(const void* wait);
    const void* wait;
};

// Whether a rule names this call: otherwise nothing is asked about it, which would cost system calls.
bool may_be_ruled(Call call);

// Counts the call for every rule that is about it, and returns the first of those that are due.
ActingRule acting_rule(const BeginningCall& call);

// The rule has ended, or is about to end, a call.
void count_acting(const ActingRule& rule);

// Starts the rule timer for the wait that `record` publishes, which a rule is to end when it is due; false if the
// kernel gives none. leave() disarms it.
bool arm_rule_timer(ThreadRecord& record, const RuleDue& due);

// The rule timer has expired: makes the request, unless the wait is over or another request is pending.
void meet_rule_timer(ThreadRecord& record);

// Makes the rule's request in this thread's own name, for the wait that `record` publishes alone. Not pending if
// another request goes first. withdraw_own_request(): it did not act.
Request make_own_request(ThreadRecord& record, const ActingRule& rule);
void withdraw_own_request(ThreadRecord& record, Request request);

// Sends the rule's signal to this thread; its handler, if the program has one, has run when this returns.
void send_own_signal(int signal);

}  // namespace interrupt
