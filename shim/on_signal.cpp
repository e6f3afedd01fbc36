#include "shim/on_signal.h"

#include <cerrno>
#include <cstring>

#include "control/name_pattern.h"
#include "shim/adapter.h"
#include "shim/delivery.h"
#include "shim/exit_wait.h"
#include "shim/nudge.h"
#include "shim/program_actions.h"
#include "shim/program_signals.h"
#include "shim/records.h"
#include "shim/requester.h"
#include "shim/rules_in_force.h"
#include "shim/thread_table.h"

namespace interrupt {

namespace {

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
    for (const SignalRule& rule : signal_rules()) {
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

bool requests_replace_default(int signal) {
    const SignalRule* const rule = signal_rules().of(signal);
    return rule != nullptr && rule->by_default == ByDefault::ends;
}

void send_requests_beside_handler(int signal) {
    if (signal_rules().of(signal) == nullptr || !may_call_kernel() || in_vfork_child()) {
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

}  // namespace interrupt
