#include "shim/injection.h"

#include <cstring>

#include "control/name_pattern.h"
#include "shim/cancellation.h"
#include "shim/delivery.h"
#include "shim/recording.h"
#include "shim/requester.h"
#include "shim/run.h"

namespace interrupt {

namespace {

// The runtime's name, the kernel's, or `main`.
bool is_calling_thread(const char* pattern) {
    if (std::strcmp(pattern, "main") == 0) {
        return may_call_kernel() ? os::gettid() == process.pid : false;
    }
    const ThreadName& own = thread_context.name;
    if (own.text[0] != 0 && matches(pattern, own.text)) {
        return true;
    }
    char name[17] = {};
    return may_call_kernel() && os::own_name(name) == 0 && matches(pattern, name);
}

// Which of the calls that `counter` counts this one is. 0: the rule is another one by now.
uint32_t count(std::atomic<uint64_t>& counter, uint32_t generation) {
    RuleCount before{counter.load(std::memory_order_relaxed)};
    do {
        if (before.generation() != generation) {
            return 0;
        }
    } while (!counter.compare_exchange_weak(before.word, RuleCount::make(generation, before.count() + 1).word,
                                            std::memory_order_relaxed));
    return before.count() + 1;
}

uint32_t count_here(RuleCount& counter, uint32_t generation) {
    const uint32_t before = counter.generation() == generation ? counter.count() : 0;
    counter = RuleCount::make(generation, before + 1);
    return before + 1;
}

bool is_about(const Injection& injection, const BeginningCall& call) {
    return injection.calls.has(call.call.call) &&
           (injection.fd < 0 || static_cast<uint32_t>(injection.fd) == static_cast<uint32_t>(call.call.target)) &&
           (injection.thread[0] == 0 || is_calling_thread(injection.thread)) &&
           (injection.outcome != Outcome::timeout || call.has_time_limit(call.wait));
}

// What belongs to the runtime's own locks, and to those of C libraries in its process, is left alone, as by requests.
bool may_end_wait(const Injection& injection, const BlockedCall& call) {
    if (adapter == nullptr || injection.signal != 0) {
        return true;
    }
    const Verdict verdict =
        adapter->verdict(thread_context.blocked, Request::make(1, injection.outcome, injection.error, true));
    const Kind kind = traits(call.call).kind;
    const bool is_lock = kind == Kind::Semaphore || kind == Kind::Condition || kind == Kind::Futex;
    return verdict != Verdict::leave_alone && !(is_lock && verdict == Verdict::native);
}

// A thread that defers interrupts defers these, too.
bool may_end_now(const Injection& injection) {
    if (thread_context.mask == Mask::all || (injection.signal != 0 && !may_call_kernel())) {
        return false;
    }
    switch (injection.outcome) {
        case Outcome::cancel:
            return adapter == nullptr && cancellation_enabled();
        case Outcome::exception:
            return adapter != nullptr;
        default:
            return true;
    }
}

// What a sweep's run wants of this call.
ActingRule acting_target(const BeginningCall& call) {
    if (call.call.call == Call::running || traits(call.call.call).kind == Kind::Shown || !may_call_kernel() ||
        !call.could_wait(call.wait)) {
        return {};
    }
    const bool has_time_limit = call.has_time_limit(call.wait);
    if (!is_target_of_run(call.call, has_time_limit)) {
        return {};
    }
    const RunTarget& target = run_file->target;
    Injection injection;
    injection.outcome = target.outcome;
    if (!may_end_now(injection) || !may_end_wait(injection, call.call) ||
        (target.outcome == Outcome::timeout && !has_time_limit)) {
        return {};
    }
    return {.acts = true, .outcome = target.outcome, .error = target.error};
}

}  // namespace

ActingRule acting_rule(const BeginningCall& call) {
    const uint32_t attention = table_header().attention.load(std::memory_order_acquire);
    ActingRule acting;
    enum class Answer { not_asked, no, yes } own_process = Answer::not_asked, could_wait = Answer::not_asked;
    // In a vfork child the rules are its parent's.
    const auto is_own_process = [&own_process] {
        if (own_process == Answer::not_asked) {
            own_process = !may_call_kernel() || os::getpid() == process.pid ? Answer::yes : Answer::no;
        }
        return own_process == Answer::yes;
    };
    if ((attention & attention_points) != 0 && is_own_process()) {
        acting = acting_target(call);
    }
    if ((attention & attention_rules) == 0 || !injection_rules().may_be_about(call.call.call)) {
        return acting;
    }
    InjectionRules& table = injection_rules();
    for (uint32_t i = 0; i < most_injection_rules; ++i) {
        InjectionRule& rule = table.rules[i];
        const uint32_t generation = rule.generation.load(std::memory_order_acquire);
        if (!InjectionRule::in_force(generation) || !is_about(rule.injection, call) || !is_own_process() ||
            !may_end_now(rule.injection) || !may_end_wait(rule.injection, call.call)) {
            continue;
        }
        const Injection injection = rule.injection;
        // Pairs with the writer's growing of the generation: what was read belongs to it.
        std::atomic_thread_fence(std::memory_order_acquire);
        if (rule.generation.load(std::memory_order_relaxed) != generation) {
            continue;
        }
        if (!injection.force && could_wait == Answer::not_asked) {
            could_wait = may_call_kernel() && call.could_wait(call.wait) ? Answer::yes : Answer::no;
        }
        if (!injection.force && could_wait == Answer::no) {
            continue;
        }
        const uint32_t in_process = count(rule.met, generation);
        if (run_file != nullptr && generation == 1) {
            run_file->rules_met[i].fetch_add(1, std::memory_order_relaxed);
        }
        const uint32_t number =
            injection.per_thread ? count_here(thread_context.rule_counts[i], generation) : in_process;
        if (!acting.acts && in_process != 0 && injection.is_due(number)) {
            acting = {true, injection.outcome, injection.error, injection.signal, injection.after, &rule, generation};
        }
    }
    return acting;
}

void count_acting(const ActingRule& rule) {
    if (rule.rule == nullptr) {
        run_file->target.acted.store(1, std::memory_order_relaxed);
        return;
    }
    count(rule.rule->acted, rule.generation);
    if (const ThreadRecord* record = own_record()) {
        record_event(events(), *record, EventKind::rule, {},
                     {.time = os::monotonic_ns(),
                      .target = static_cast<uint64_t>(rule.rule - injection_rules().rules),
                      .call = thread_context.blocked.call});
    }
    if (run_file != nullptr && rule.generation == 1) {
        run_file->rules_acted[rule.rule - injection_rules().rules].fetch_add(1, std::memory_order_relaxed);
    }
}

void meet_rule_timer(ThreadRecord& record) {
    const State state{record.state.load(std::memory_order_relaxed)};
    if (!state.blocked() || thread_context.attempt.wait != state.wait()) {
        return;
    }
    RuleDue& due = thread_context.attempt.rule_due;
    if (due.at == 0 || os::monotonic_ns() < due.at) {
        return;
    }
    if (due.rule.rule->generation.load(std::memory_order_acquire) != due.rule.generation) {
        due.at = 0;  // taken away meanwhile
    } else if (due.rule.signal != 0) {
        due.at = 0;
        count_acting(due.rule);
        send_own_signal(due.rule.signal);
    } else if (make_own_request(record, due.rule).pending()) {
        due.at = 0;
        count_acting(due.rule);
    } else {  // another request is pending; if that does not end the wait, the rule does
        constexpr uint64_t later_ns = 10'000'000;
        const RuleDue later{os::monotonic_ns() + later_ns, due.rule};
        arm_rule_timer(record, later);
    }
}

Request make_own_request(ThreadRecord& record, const ActingRule& rule) {
    if (!may_call_kernel()) {
        return {};
    }
    InProcess kernel;
    RecordLock lock(kernel, table_header(), record);  // whoever else makes a request has it, too
    const Request before{record.request.load(std::memory_order_relaxed)};
    if (before.pending()) {
        return {};
    }
    const State state{record.state.load(std::memory_order_relaxed)};
    const Request request = Request::make(before.sequence() + 1, rule.outcome, rule.error, true);
    record.only_wait.store(state.wait(), std::memory_order_relaxed);
    record.requested_at.store(kernel.now(), std::memory_order_relaxed);
    record.request.store(request.word, std::memory_order_seq_cst);
    kernel.wakeup(record, true);
    record_event(events(), record, EventKind::request, request, {.time = kernel.now(), .target = kernel.self()});
    return request;
}

void withdraw_own_request(ThreadRecord& record, Request request) {
    InProcess kernel;
    withdraw(kernel, table_header(), record,
             {record.tid.load(std::memory_order_relaxed), record.generation.load(std::memory_order_relaxed)},
             request.sequence());
}

void send_own_signal(int signal) {
    os::tgkill(os::getpid(), os::gettid(), signal);
}

}  // namespace interrupt
