#include "shim/program_signals.h"

#include <cerrno>

#include "shim/delivery.h"
#include "shim/fork_in_handler.h"
#include "shim/injection.h"
#include "shim/nudge.h"
#include "shim/on_signal.h"
#include "shim/program_actions.h"
#include "shim/recording.h"
#include "shim/requester.h"

namespace interrupt {

namespace {

// The thread's signal mask when it was interrupted, as the kernel keeps it.
os::KernelMask& interrupted_mask(void* context) {
    return *reinterpret_cast<os::KernelMask*>(&static_cast<ucontext_t*>(context)->uc_sigmask);
}

// Does the kernel restart the call by itself after a handler with SA_RESTART (signal(7))? Not where it has a time limit
// of its own: a timed futex is not restarted either, whatever signal(7) says of sem_timedwait.
bool restarts(const ThreadRecord& record, Call call) {
    const auto limited = [&record](int option) {
        const auto fd = static_cast<int>(record.target.load(std::memory_order_relaxed));
        return may_call_kernel() && os::socket_limit_ns(fd, option) != 0;
    };
    switch (traits(call).kind) {
        case Kind::Sleep:
        case Kind::Poll:
        case Kind::Signal:
        case Kind::SignalSet:
        case Kind::SystemV:
            return false;
        case Kind::Semaphore:
            return call == Call::sem_wait_;
        case Kind::Futex:
            return (record.target.load(std::memory_order_relaxed) & futex_limited) == 0;
        case Kind::Asynchronous:
            return record.target.load(std::memory_order_relaxed) == 0;
        case Kind::Receive:
        case Kind::Read:
        case Kind::Accept:
            return !limited(SO_RCVTIMEO);
        case Kind::Send:
        case Kind::Write:
        case Kind::Connect:
            return !limited(SO_SNDTIMEO);
        default:
            return true;
    }
}

// The wait that a handler of the program has interrupted; the record says *running* until resume().
class Suspended {
public:
    // `by_nudge_handler`: installed without SA_RESTART, it made an EINTR of what the program's flags may have
    // restarted.
    Suspended(int flags, void* context, bool by_nudge_handler) : record_(own_record()) {
        if (record_ == nullptr) {
            return;
        }
        below_before_ = set_record_below(record_);
        // Whatever the state says: the handler may stand between the first store of a publication and its last.
        attempt_ = thread_context.attempt;
        blocked_ = thread_context.blocked;
        target_ = record_->target.load(std::memory_order_relaxed);
        since_ = record_->since.load(std::memory_order_relaxed);
        state_ = State{record_->state.load(std::memory_order_relaxed)};
        if (!state_.blocked()) {
            end_recorded_wait(*record_);  // on its way out of a wait, which the handler's own calls would hide
            return;
        }
        Attempt& attempt = attempt_of(*record_);
        ++attempt.handlers_run;
        // The kernel restarts no transfer that has moved a part.
        const bool would_restart = (flags & SA_RESTART) && !attempt.part_done && restarts(*record_, state_.call());
        if (arch::returns_eintr(context)) {
            // Also one that a nudge has made just before: without it the kernel would have restarted the call.
            const bool made_by_nudge = by_nudge_handler || attempt.nudge_made_eintr;
            attempt.program_made_eintr |= !made_by_nudge || !would_restart;
            attempt.errno_before = errno;
        } else if (arch::returns_count(context)) {
            attempt.program_made_eintr = true;  // if it is short: by the program's signal
        } else if (attempt.repeating || attempt.part_done || attempt.nudge_made_eintr ||
                   arch::interrupted_pc(context) == reinterpret_cast<uintptr_t>(&on_nudge)) {
            // Between two attempts, or on top of a nudge that has just ended one: without the shim it would have met
            // the call.
            if (!would_restart) {
                attempt.program_made_eintr = true;
                look_again_ = true;
            }
        } else if (by_nudge_handler && thread_context.signal_let_in) {
            attempt.program_made_eintr =
                true;  // it has come in by this call alone: the kernel would have ended the call
            look_again_ = true;
        }
        attempt_ = attempt;
        leave(*record_);
    }

    // After the program's handler. A runtime's may only have noted the signal: what it wrote in its own language is to
    // run when the wait ends, also if the signal came a moment before that.
    // SA_RESTART, as by siginterrupt(), says that it is to wait until the call ends by itself.
    void note_for_runtime(const void* handler, int flags) {
        if (!(flags & SA_RESTART) && adapter != nullptr && adapter->signal_noted(handler) && record_ != nullptr &&
            !attempt_.program_made_eintr) {
            thread_context.runtime_signal = true;
            look_again_ |= state_.blocked() && adapter->looks_after_eintr();
        }
    }

    void resume() {
        if (record_ == nullptr) {
            return;
        }
        set_record_below(below_before_);
        const bool forked = own_record() != record_;
        if (forked && !stand_in_for(*record_)) {
            return;
        }
        thread_context.attempt = attempt_;
        thread_context.blocked = blocked_;
        record_->target.store(target_, std::memory_order_relaxed);
        record_->since.store(since_, std::memory_order_relaxed);
        if (forked) {
            record_->state.store(state_.word, std::memory_order_relaxed);
            return;
        }
        if (!state_.blocked()) {
            if (adapter != nullptr) {
                await_wait_for_signal(*record_);
            }
            return;
        }
        record_->state.store(state_.word, std::memory_order_relaxed);
        begin_recorded_wait();
        std::atomic_signal_fence(std::memory_order_seq_cst);  // publish, then look, as at entry
        if (process.heavy_fences) {
            std::atomic_thread_fence(std::memory_order_seq_cst);
        }
        delay_in_window();
        const Request request{record_->request.load(std::memory_order_relaxed)};
        look_again_ |= traits(state_.call()).kind == Kind::SignalSet && signal_held();
        if (attempt_.rule_due.at != 0) {
            arm_rule_timer(*record_, attempt_.rule_due);
        }
        if (look_again_ || (request.pending() && may_act(*record_, request))) {
            arm_retry(*record_, true);
        }
    }

private:
    ThreadRecord* record_;
    ThreadRecord* below_before_ = nullptr;
    State state_;
    Attempt attempt_;
    BlockedCall blocked_;
    uint64_t target_ = 0;
    uint64_t since_ = 0;
    bool look_again_ = false;
};

// The thread may be about to wait for this very signal in sigwaitinfo: another nudge then ends the system call.
void end_wait_for_signal(void* context) {
    ThreadRecord* record = own_record();
    const State state{record->state.load(std::memory_order_relaxed)};
    if (state.blocked() && traits(state.call()).kind == Kind::SignalSet && !arch::returns_eintr(context)) {
        arm_retry(*record, true);
    }
}

bool on_alternate_stack(const void* context) {
    const stack_t& stack = static_cast<const ucontext_t*>(context)->uc_stack;
    const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    return here - reinterpret_cast<uintptr_t>(stack.ss_sp) < stack.ss_size;
}

void call_handler(Handler handler, int signal, siginfo_t* info, void* context, bool masks_nudge) {
    ThreadContext& self = thread_context;
    const bool blocked_before = self.signal_blocked;
    const bool let_in_before = self.signal_let_in;
    set_signal_blocked(blocked_before ||
                       (masks_nudge && signal_use.load(std::memory_order_relaxed) != SignalUse::programs));
    self.signal_let_in = false;
    handler(signal, info, context);
    set_signal_blocked(blocked_before);
    self.signal_let_in = let_in_before;
}

bool may_deliver_held_signal() {
    return !thread_context.signal_blocked && signal_held();
}

// Not inlined: its frame is large, and handlers that need none of it have small stacks.
[[gnu::noinline]] bool deliver_held_signal(os::KernelMask mask) {
    siginfo_t info;
    if (!take_held_signal(info)) {
        return false;
    }
    ucontext_t context = {};
    interrupted_mask(&context) = mask;
    return nudge_signal_for_program(settings.signal, &info, &context);
}

os::KernelMask nudge_bit() {
    return os::KernelMask{1} << (settings.signal - 1);
}

// The mask that the handler finds in its ucontext, and may change there: for the nudge's signal it is the program's.
class MaskInContext {
public:
    // `shut_out`: the nudge was when the signal came. If it is blocked otherwise, then by a raw system call.
    MaskInContext(void* context, bool shut_out)
        : mask_(interrupted_mask(context)),
          really_blocked_((mask_ & nudge_bit()) != 0),
          ours_(really_blocked_ == shut_out && signal_use.load(std::memory_order_relaxed) != SignalUse::programs) {
        if (ours_) {
            set(thread_context.signal_blocked);
        }
    }
    void take() {
        if (ours_) {
            set_signal_blocked((mask_ & nudge_bit()) != 0);
            set(really_blocked_);
        }
    }

private:
    void set(bool blocked) { mask_ = blocked ? mask_ | nudge_bit() : mask_ & ~nudge_bit(); }

    os::KernelMask& mask_;
    const bool really_blocked_;
    const bool ours_;
};

}  // namespace

// Installed for every handler of the program. When the program leaves by siglongjmp, an exception or a cancellation the
// record is right as it is, running.
void on_program_signal(int signal, siginfo_t* info, void* context) {
    ProgramAction& action = program_action(signal);
    const Handler handler = action.handler.load(std::memory_order_acquire);
    const int flags = action.flags.load(std::memory_order_relaxed);
    if (!is_function(handler)) {
        return;  // taken back while the signal was on its way
    }
    if (flags & SA_RESETHAND) {
        action.handler.store(constant(SIG_DFL), std::memory_order_relaxed);
    }
    INTERRUPT_MARK_FRAME();
    const bool shut_out_before = thread_context.nudge_shut_out;
    if (flags & SA_ONSTACK) {  // the kernel has shut the nudge out: set_program_action()
        thread_context.nudge_shut_out = true;
        if (!shut_out_before && !on_alternate_stack(context)) {
            let_nudge_in();
        }
    }
    const int saved_errno = errno;
    Suspended wait(flags, context, false);
    send_requests_beside_handler(signal);
    errno = saved_errno;
    MaskInContext mask(context, shut_out_before);
    call_handler(handler, signal, info, context, action.masks_nudge.load(std::memory_order_relaxed));
    mask.take();
    wait.note_for_runtime(reinterpret_cast<const void*>(handler), flags);
    wait.resume();
    deliver_held_signal();
    thread_context.nudge_shut_out = shut_out_before;
}

bool nudge_signal_has_handler() {
    return !thread_context.signal_blocked &&
           is_function(program_action(settings.signal).handler.load(std::memory_order_relaxed));
}

bool nudge_signal_for_program(int signal, siginfo_t* info, void* context) {
    ProgramAction& action = program_action(signal);
    if (thread_context.signal_blocked) {  // blocked signals stay pending, even those that are ignored
        hold_signal(*info);
        if (signal_awaited()) {
            end_wait_for_signal(context);
        }
        return false;
    }
    const Handler handler = action.handler.load(std::memory_order_acquire);
    if (!is_function(handler)) {
        return false;  // the default action of SIGURG and SIGWINCH is to ignore them
    }
    const int flags = action.flags.load(std::memory_order_relaxed);
    if (flags & SA_RESETHAND) {
        action.handler.store(constant(SIG_DFL), std::memory_order_relaxed);
    }
    Suspended wait(flags, context, signal_use.load(std::memory_order_relaxed) == SignalUse::nudges);
    // As the kernel does it: the handler's mask on top of the one that it interrupts. The nudge's signal stays open, so
    // that a wait of the handler can be interrupted, but not on an alternate stack.
    const bool shut_out_before = thread_context.nudge_shut_out;
    thread_context.nudge_shut_out |= on_alternate_stack(context);
    const os::KernelMask mask =
        ((interrupted_mask(context) | action.mask.load(std::memory_order_relaxed)) & ~nudge_bit()) |
        (thread_context.nudge_shut_out ? nudge_bit() : 0);
    os::KernelMask before = 0;
    const bool set_mask = may_call_kernel();
    if (set_mask) {
        before = os::set_signal_mask(mask);
    }
    MaskInContext in_context(context, shut_out_before);
    call_handler(handler, signal, info, context,
                 !(flags & SA_NODEFER) || action.masks_nudge.load(std::memory_order_relaxed));
    in_context.take();
    if (set_mask) {
        os::set_signal_mask(before);
    }
    thread_context.nudge_shut_out = shut_out_before;
    wait.resume();
    if (may_deliver_held_signal()) {
        deliver_held_signal(interrupted_mask(context));
    }
    return true;
}

void let_nudge_in() {
    if (thread_context.nudge_shut_out) {
        thread_context.nudge_shut_out = false;
        if (may_call_kernel()) {
            os::unblock_signal(settings.signal);
        }
    }
}

void held_signal_for_program(int signal, int calls, void* context) {
    siginfo_t info;
    if (signal_awaited()) {
        end_wait_for_signal(context);
    } else if (thread_context.signal_blocked) {
        call_open_thread(calls);
    } else if (take_held_signal(info)) {
        nudge_signal_for_program(signal, &info, context);
    }
}

bool deliver_held_signal() {
    return may_deliver_held_signal() && deliver_held_signal(may_call_kernel() ? os::signal_mask() : 0);
}

}  // namespace interrupt
