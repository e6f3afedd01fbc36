#include "shim/on_signal.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "control/signal_rules.h"
#include "shim/adapter.h"
#include "shim/delivery.h"
#include "shim/exit_wait.h"
#include "shim/name_pattern.h"
#include "shim/nudge.h"
#include "shim/program_actions.h"
#include "shim/program_signals.h"
#include "shim/records.h"
#include "shim/requester.h"
#include "shim/thread_table.h"

namespace interrupt {

namespace {

constinit char rules_text[longest_signal_rules + 1];  // what the patterns point into
constinit SignalRule rules[most_signal_rules];
constinit int rule_count = 0;
constinit uint64_t grace = default_grace_ns;

void ignore_setting(const char* name, std::string_view word, const char* reason) {
    char* to = settings.ignored;
    const char* const end = to + sizeof settings.ignored - 1;
    const auto append = [&](std::string_view text) {
        for (size_t i = 0; i < text.size() && to < end; ++i) {
            *to++ = text[i];
        }
    };
    append(name);
    append(" is ignored, for `");
    append({word.data(), word.size() < 32 ? word.size() : 32});
    append("`: ");
    append(reason);
    *to = 0;
}

// All of it, or nothing.
void read_rules(const char* text) {
    const size_t size = std::strlen(text);
    if (size > longest_signal_rules) {
        ignore_setting("INTERRUPT_ON", text, sentence_of(RuleError::too_long));
        return;
    }
    std::memcpy(rules_text, text, size);
    int count = 0;
    for (std::string_view rest(rules_text, size); !rest.empty();) {
        const std::string_view word = take_rule(rest);
        SignalRule rule;
        RuleError error = parse_rule(word, settings.signal, rule);
        if (error == RuleError::none && count == most_signal_rules) {
            error = RuleError::too_many;
        }
        if (error != RuleError::none) {
            ignore_setting("INTERRUPT_ON", word, sentence_of(error));
            return;
        }
        rules[count++] = rule;
    }
    rule_count = count;
}

bool has_rule(int signal) {
    for (int i = 0; i < rule_count; ++i) {
        if (rules[i].signal == signal) {
            return true;
        }
    }
    return false;
}

// The runtime's name, or the kernel's: either may be what the user knows.
bool is_named(pid_t tid, const ThreadRecord& record, std::string_view pattern) {
    ThreadName own;
    std::memcpy(own.text, record.name, sizeof own.text);
    own.text[sizeof own.text - 1] = 0;
    if (own.text[0] != 0 && matches(pattern, own.text)) {
        return true;
    }
    char name[17];
    os::thread_name(tid, name);
    return matches(pattern, name);
}

// The signal acts on `told` by itself; 0: on nobody.
bool is_chosen(pid_t tid, const ThreadRecord& record, int signal, pid_t told) {
    for (int i = 0; i < rule_count; ++i) {
        const SignalRule& rule = rules[i];
        if (rule.signal != signal) {
            continue;
        }
        if (rule.whom == Whom::main ? tid == process.pid
                                    : tid != told && (rule.whom == Whom::all || is_named(tid, record, rule.pattern))) {
            return true;
        }
    }
    return false;
}

// False if it has ended.
bool send_request(ThreadRecord& record, pid_t tid) {
    InProcess kernel;
    const RecordOwner owner{static_cast<uint32_t>(tid), record.generation.load(std::memory_order_relaxed)};
    {
        RecordLock lock(kernel, table_header(), record);  // the record changes hands under it
        if (!owner.holds(record)) {
            return false;
        }
        record.flags.fetch_or(record_interrupted_by_signal, std::memory_order_relaxed);
    }
    const Posted posted = post(kernel, table_header(), record, owner, Outcome::default_, 0, 0);
    if (posted.error == 0 && !posted.nudged) {
        nudge_computing(record, tid);
    }
    return posted.error == 0 || posted.error == EAGAIN;
}

// How many threads have got one. Not inlined: its frame is large, and handlers that need none of it have small stacks.
[[gnu::noinline]] int send_requests(int signal, pid_t told) {
    if (!ensure_table()) {
        return 0;
    }
    note_interrupted_by_signal();
    int sent = 0;
    const auto visit = [&](pid_t tid) {
        ThreadRecord* const record = os::has_ended(tid) ? nullptr : record_of(tid);
        if (record != nullptr && is_chosen(tid, *record, signal, told) && send_request(*record, tid)) {
            ++sent;
        }
    };
    if (!os::each_thread(visit)) {  // no /proc, or no descriptor: those that are known
        uint32_t next = 0;
        while (const ThreadRecord* record = next_used_record(next)) {
            if (const uint32_t tid = record->tid.load(std::memory_order_acquire)) {
                visit(static_cast<pid_t>(tid));
            }
        }
    }
    return sent;
}

bool in_vfork_child() {
    return process.pid != 0 && os::getpid() != process.pid;
}

// A program that ends itself by a signal means just that.
bool sent_by_this_process(const siginfo_t& info) {
    return (info.si_code == SI_USER || info.si_code == SI_TKILL || info.si_code == SI_QUEUE) &&
           info.si_pid == os::getpid();
}

}  // namespace

void read_signal_rules() {
    if (const char* seconds = std::getenv("INTERRUPT_GRACE"); seconds != nullptr && *seconds != 0) {
        if (!parse_grace(seconds, grace)) {
            ignore_setting("INTERRUPT_GRACE", seconds, "it is to be a number of seconds, not below 0");
        }
    }
    if (const char* text = std::getenv("INTERRUPT_ON")) {
        read_rules(text);
    }
}

bool has_signal_rules() {
    return rule_count != 0;
}

void each_ruled_signal(void (*visit)(int signal)) {
    for (int i = 0; i < rule_count; ++i) {
        bool seen = false;
        for (int earlier = 0; earlier < i; ++earlier) {
            seen = seen || rules[earlier].signal == rules[i].signal;
        }
        if (!seen) {
            visit(rules[i].signal);
        }
    }
}

bool requests_replace_default(int signal) {
    for (int i = 0; i < rule_count; ++i) {
        if (rules[i].signal == signal) {
            return rules[i].by_default == ByDefault::ends;
        }
    }
    return false;
}

void send_requests_beside_handler(int signal) {
    if (rule_count == 0 || !has_rule(signal) || !may_call_kernel() || in_vfork_child()) {
        return;
    }
    let_default_act(signal);
    // A runtime's handler tells its main thread, whichever thread it runs in.
    send_requests(signal, adapter != nullptr ? os::getpid() : os::gettid());
}

void on_default_signal(int signal, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    const Handler handler = program_action(signal).handler.load(std::memory_order_acquire);
    if (is_function(handler)) {  // set while the signal was on its way
        on_program_signal(signal, info, context);
    } else if (handler == constant(SIG_DFL)) {
        // The default action is back before the first request goes out: from then on a second signal ends the process.
        const bool replaced = may_call_kernel() && !in_vfork_child() && !sent_by_this_process(*info) &&
                              put_default_back(signal) && send_requests(signal, 0) != 0;
        if (replaced) {
            meet_nudge(context);
        } else {
            act_by_default(signal, *info);
        }
    }
    errno = saved_errno;
}

uint64_t grace_ns() {
    return grace;
}

}  // namespace interrupt
