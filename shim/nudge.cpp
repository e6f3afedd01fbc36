// The handler runs at any instruction of the thread. It makes raw system calls and atomic operations only.
#include "shim/nudge.h"

#include <pthread.h>

#include <cerrno>

#include "shim/adapter.h"
#include "shim/cancellation.h"
#include "shim/delivery.h"
#include "shim/exit_wait.h"
#include "shim/injection.h"
#include "shim/libc_functions.h"
#include "shim/platform/platform.h"
#include "shim/program_actions.h"
#include "shim/program_signals.h"

namespace interrupt {

namespace {

bool is_ours(const siginfo_t& info, const ThreadRecord* record) {
    if ((info.si_code == SI_QUEUE || info.si_code == SI_TIMER) &&
        (info.si_value.sival_int == nudge_cookie || info.si_value.sival_int == runtime_signal_cookie ||
         info.si_value.sival_int == rule_timer_cookie)) {
        return true;
    }
    // At RLIMIT_SIGPENDING the kernel sends the signal without its siginfo.
    return record != nullptr && info.si_code == SI_USER && info.si_pid == 0 &&
           (record->lock.load(std::memory_order_relaxed) & LockWord::nudged_bit) != 0;
}

// The runtime's signal handlers look for themselves when this wait has come back with EINTR. Where it is none of the
// waits that do, the next one of the same builtin may be.
void meet_runtime_signal(ThreadRecord& record, Attempt& attempt, Kind kind, bool ends_call) {
    if (!thread_context.runtime_signal || adapter == nullptr || !adapter->looks_after_eintr()) {
        return;
    }
    if (kind == Kind::Condition) {
        arm_retry(record, false);
        return;
    }
    attempt.program_made_eintr = true;
    thread_context.runtime_signal = !ends_call;
}

// A system call that a libc function makes besides its main one must not be taken for it: its EINTR is not the call's.
bool is_main_syscall(const ThreadRecord& record, const Attempt& attempt, Kind kind, void* context) {
    if (attempt.repeats_in != 0 && arch::syscall_argument(context, 0) == attempt.repeats_in) {
        return true;
    }
    const uint64_t target = record.target.load(std::memory_order_relaxed);
    switch (kind) {
        case Kind::Receive:
        case Kind::Read:
        case Kind::Send:
        case Kind::Write:
        case Kind::Accept:
        case Kind::Connect:
        case Kind::Lock:
        case Kind::Queue:
        case Kind::Counter:
        case Kind::Device:
        case Kind::SystemV:
            return static_cast<uint32_t>(arch::syscall_argument(context, 0)) == static_cast<uint32_t>(target);
        case Kind::Semaphore:
            return arch::syscall_argument(context, 0) - target < sizeof(sem_t);
        case Kind::Condition:
            return arch::syscall_argument(context, 0) - target < sizeof(pthread_cond_t) &&
                   (arch::syscall_argument(context, 1) & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
        case Kind::Asynchronous:  // glibc also takes a lock, by another operation
            return (arch::syscall_argument(context, 1) & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
        default:
            return true;
    }
}

// What glibc's futex wait for a condition variable is made to return, so that it ends: it would repeat an EINTR itself.
void end_condition_wait(ThreadRecord& record, Attempt& attempt, Request request, void* context) {
    const Call call = State{record.state.load(std::memory_order_relaxed)}.call();
    if (consume(record, request, call, attempt.window)) {
        arch::set_syscall_result(context, -ETIMEDOUT);
        attempt.faked = request;
    }
}

void meet_blocked(ThreadRecord& record, State state, Request request, void* context) {
    Attempt& attempt = attempt_of(record);
    attempt.nudged = true;
    // Also for a signal that no requester has announced: a transfer that it cut short has to go on (finish_contested).
    record.lock.fetch_or(LockWord::nudged_bit, std::memory_order_relaxed);
    const Kind kind = traits(state.call()).kind;
    const bool ends_call = arch::returns_eintr(context) && is_main_syscall(record, attempt, kind, context);
    if (ends_call) {
        attempt.nudge_made_eintr = true;
        attempt.errno_before = errno;
    }
    meet_runtime_signal(record, attempt, kind, ends_call);
    if (!may_act(record, request)) {
        // A signal of the program's is to end the call, and has not met it yet.
        if (!ends_call && (attempt.program_made_eintr || (signal_awaited() && signal_held()))) {
            arm_retry(record, false);
        }
        if (adapter != nullptr && (request.claimed() || deliverable(true).pending())) {
            adapter->nudged(context, true);
        }
        return;
    }
    if (!ends_call) {
        if (attempt.window == Window::in_kernel) {
            attempt.window = Window::at_entry;
        }
        arm_retry(record, false);
    } else if (kind == Kind::Condition) {
        end_condition_wait(record, attempt, request, context);
    }
}

}  // namespace

bool is_own_nudge(const siginfo_t& info) {
    return is_ours(info, own_record()) || calls_for_held_signal(info) != 0;
}

bool may_act(const ThreadRecord& record, Request request) {
    if (!may_call_kernel()) {
        return false;  // a delivery would make system calls
    }
    const State state{record.state.load(std::memory_order_relaxed)};
    if (request.claimed()) {
        const Verdict verdict =
            adapter != nullptr ? adapter->verdict(thread_context.blocked, request) : Verdict::native;
        return verdict == Verdict::give_up || verdict == Verdict::give_up_at_once;
    }
    if (!deliverable_here(record, request) || !can_have(state.call(), request.outcome())) {
        return false;
    }
    if (request.outcome() == Outcome::cancel && (adapter != nullptr || !cancellation_enabled())) {
        return false;
    }
    // A condition variable's wait is ended by the handler, which cannot ask the wait whether it has a time limit.
    if (request.outcome() == Outcome::timeout && state.call() == Call::pthread_cond_wait_) {
        return false;
    }
    const Attempt& attempt = thread_context.attempt;
    if (attempt.wait == state.wait() && attempt.refused == request.sequence() + 1) {
        return false;
    }
    return adapter == nullptr || adapter->verdict(thread_context.blocked, request) != Verdict::leave_alone;
}

void meet_nudge(void* context) {
    ThreadRecord* record = own_record();
    if (record == nullptr) {
        return;
    }
    const State state{record->state.load(std::memory_order_relaxed)};
    const Request request{record->request.load(std::memory_order_acquire)};
    if (state.blocked()) {
        meet_blocked(*record, state, request, context);
    } else if (adapter != nullptr) {
        await_wait_for_signal(*record);
        if (request.claimed() || deliverable(true).pending()) {
            adapter->nudged(context, false);
        }
    }
}

void on_nudge(int signal, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    const bool grace_over = is_end_of_grace(info->si_code, info->si_value.sival_int);
    const bool ours = grace_over || is_ours(*info, own_record());
    if (grace_over) {
        grace_is_over();
    }
    thread_context.runtime_signal |= ours && info->si_value.sival_int == runtime_signal_cookie;
    if (ours && info->si_value.sival_int == rule_timer_cookie && own_record() != nullptr) {
        meet_rule_timer(*own_record());
    }
    // Where no nudge comes the kernel has the flags of the program's handler, and has done to the call what they say.
    if (ours || signal_use.load(std::memory_order_relaxed) == SignalUse::nudges || !nudge_signal_has_handler()) {
        meet_nudge(context);
    }
    errno = saved_errno;
    if (ours) {
        return;
    }
    if (const int calls = calls_for_held_signal(*info)) {
        held_signal_for_program(signal, calls, context);
    } else {
        nudge_signal_for_program(signal, info, context);
    }
}

void await_wait_for_signal(ThreadRecord& record) {
    if (thread_context.runtime_signal && adapter->looks_after_eintr()) {
        arm_retry(record, false);
    }
}

struct sigaction set_nudge_handler() {
    const SignalUse use = signal_use.load(std::memory_order_relaxed);
    struct sigaction action = {};
    if (use != SignalUse::nudges) {
        action = programs_nudge_signal_action();
    }
    if (is_function(action.sa_sigaction)) {
        action.sa_sigaction = on_nudge;
        action.sa_flags |= SA_SIGINFO;
    } else if (use != SignalUse::programs) {
        action.sa_sigaction = on_nudge;
        // No SA_RESTART for a nudge: the blocked call is to come back.
        action.sa_flags =
            SA_SIGINFO | (nudge_goes_to_alternate_stack() ? SA_ONSTACK : 0) | (use == SignalUse::held ? SA_RESTART : 0);
        sigfillset(&action.sa_mask);  // an alternate stack may have no room for another signal's frame
    }
    struct sigaction before = {};
    real::libcs_sigaction(settings.signal, &action, &before);
    return before;
}

void install_nudge_handler() {
    adopt_program_action(settings.signal, set_nudge_handler());
}

}  // namespace interrupt
