#include "shim/program_signals.h"

#include <cerrno>

#include "shim/delivery.h"
#include "shim/libc_functions.h"
#include "shim/nudge.h"
#include "shim/requester.h"

namespace interrupt {

namespace {

using Handler = void (*)(int, siginfo_t*, void*);

// Written under actions_lock with all signals blocked, read by handlers at any moment: each field by itself is atomic,
// and a handler that meets a change may see either side of it.
struct ProgramAction {
    std::atomic<Handler> handler;   // also SIG_DFL and SIG_IGN
    std::atomic<int> flags;         // as the program set them
    std::atomic<bool> masks_nudge;  // its sa_mask has the nudge's signal
    std::atomic<uint64_t> mask;     // its sa_mask, as the kernel keeps it; for the nudge's signal only
};
constinit ProgramAction actions[65];
constinit std::atomic_flag actions_lock;

Handler constant(__sighandler_t disposition) {
    return reinterpret_cast<Handler>(reinterpret_cast<void*>(disposition));
}

// The thread's signal mask when it was interrupted, as the kernel keeps it.
os::KernelMask& interrupted_mask(void* context) {
    return *reinterpret_cast<os::KernelMask*>(&static_cast<ucontext_t*>(context)->uc_sigmask);
}

bool is_function(Handler handler) {
    return handler != constant(SIG_DFL) && handler != constant(SIG_IGN);
}

class ActionsLock {
public:
    ActionsLock() : quiet_(may_call_kernel()), signals_(quiet_ ? os::block_all_signals() : 0) {
        while (actions_lock.test_and_set(std::memory_order_acquire)) {
            arch::spin_pause();
        }
    }
    ~ActionsLock() {
        actions_lock.clear(std::memory_order_release);
        if (quiet_) {
            os::set_signal_mask(signals_);
        }
    }

private:
    const bool quiet_;
    const os::KernelMask signals_;
};

void remember(int signal, const struct sigaction& action) {
    ProgramAction& kept = actions[signal];
    kept.flags.store(action.sa_flags, std::memory_order_relaxed);
    kept.masks_nudge.store(holds_nudge_signal(&action.sa_mask), std::memory_order_relaxed);
    kept.mask.store(*reinterpret_cast<const uint64_t*>(&action.sa_mask), std::memory_order_relaxed);
    kept.handler.store(action.sa_sigaction, std::memory_order_release);
}

void recall(int signal, struct sigaction& action) {
    const ProgramAction& kept = actions[signal];
    action.sa_sigaction = kept.handler.load(std::memory_order_relaxed);
    if (!(kept.flags.load(std::memory_order_relaxed) & SA_SIGINFO)) {
        action.sa_flags &= ~SA_SIGINFO;
    }
    if (kept.masks_nudge.load(std::memory_order_relaxed)) {
        sigaddset(&action.sa_mask, settings.signal);
    }
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
            return false;
        case Kind::Semaphore:
            return call == Call::sem_wait_;
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
        // Whatever the state says: the handler may stand between the first store of a publication and its last.
        attempt_ = thread_context.attempt;
        blocked_ = thread_context.blocked;
        target_ = record_->target.load(std::memory_order_relaxed);
        since_ = record_->since.load(std::memory_order_relaxed);
        state_ = State{record_->state.load(std::memory_order_relaxed)};
        if (!state_.blocked()) {
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

    void resume() {
        if (record_ == nullptr || own_record() != record_) {
            return;
        }
        thread_context.attempt = attempt_;
        thread_context.blocked = blocked_;
        record_->target.store(target_, std::memory_order_relaxed);
        record_->since.store(since_, std::memory_order_relaxed);
        if (!state_.blocked()) {
            return;
        }
        record_->state.store(state_.word, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);  // publish, then look, as at entry
        if (process.heavy_fences) {
            std::atomic_thread_fence(std::memory_order_seq_cst);
        }
        delay_in_window();
        const Request request{record_->request.load(std::memory_order_relaxed)};
        look_again_ |= traits(state_.call()).kind == Kind::SignalSet && signal_held();
        if (look_again_ || (request.pending() && may_act(*record_, request))) {
            arm_retry(*record_, true);
        }
    }

private:
    ThreadRecord* record_;
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

void call_handler(Handler handler, int signal, siginfo_t* info, void* context, bool masks_nudge) {
    ThreadContext& self = thread_context;
    const bool blocked_before = self.signal_blocked;
    const bool let_in_before = self.signal_let_in;
    set_signal_blocked(blocked_before || masks_nudge);
    self.signal_let_in = false;
    handler(signal, info, context);
    set_signal_blocked(blocked_before);
    self.signal_let_in = let_in_before;
}

// Installed for every handler of the program. Nothing here cleans up when the program leaves by siglongjmp, an
// exception or a cancellation: the record is right as it is, running.
void on_program_signal(int signal, siginfo_t* info, void* context) {
    ProgramAction& action = actions[signal];
    const Handler handler = action.handler.load(std::memory_order_acquire);
    const int flags = action.flags.load(std::memory_order_relaxed);
    if (!is_function(handler)) {
        return;  // taken back while the signal was on its way
    }
    if (flags & SA_RESETHAND) {
        action.handler.store(constant(SIG_DFL), std::memory_order_relaxed);
    }
    const int saved_errno = errno;
    Suspended wait(flags, context, false);
    errno = saved_errno;
    call_handler(handler, signal, info, context, action.masks_nudge.load(std::memory_order_relaxed));
    wait.resume();
    deliver_held_signal();
}

int set_nudge_signal_action(int signal, const struct sigaction* action, struct sigaction* old) {
    ActionsLock lock;
    ProgramAction& kept = actions[signal];
    struct sigaction installed = {};
    if (real::sigaction.resolve()(signal, nullptr, &installed) != 0) {
        return -1;
    }
    const struct sigaction wanted = action != nullptr ? *action : installed;  // `old` may be the very object
    if (old != nullptr) {
        *old = {};
        old->sa_sigaction = kept.handler.load(std::memory_order_relaxed);
        old->sa_flags = kept.flags.load(std::memory_order_relaxed);
        old->sa_restorer = installed.sa_restorer;
        *reinterpret_cast<uint64_t*>(&old->sa_mask) = kept.mask.load(std::memory_order_relaxed);
    }
    if (action != nullptr) {
        // What libc and the kernel make of an action that is really set.
        struct sigaction as_read_back = wanted;
        as_read_back.sa_flags = (wanted.sa_flags & os::action_flags) | (installed.sa_flags & ~os::action_flags);
        sigdelset(&as_read_back.sa_mask, SIGKILL);
        sigdelset(&as_read_back.sa_mask, SIGSTOP);
        remember(signal, as_read_back);
    }
    return 0;
}

}  // namespace

int set_program_action(int signal, const struct sigaction* action, struct sigaction* old) {
    const bool ours =
        settings.active && signal >= 1 && signal <= 64 &&
        (!may_call_kernel() || process.pid == 0 || os::getpid() == process.pid || process.table == nullptr);
    if (!ours) {
        thread_context.vfork_child_set_action |= action != nullptr && signal == settings.signal;
        return real::sigaction.resolve()(signal, action, old);
    }
    if (signal == settings.signal) {
        return set_nudge_signal_action(signal, action, old);
    }
    ActionsLock lock;
    struct sigaction real_action;
    struct sigaction real_old = {};
    struct sigaction wanted;  // `old` may be the very object
    if (action != nullptr) {
        wanted = *action;
        action = &wanted;
        real_action = wanted;
        sigdelset(&real_action.sa_mask, settings.signal);
        if (is_function(action->sa_sigaction)) {
            real_action.sa_sigaction = on_program_signal;
            real_action.sa_flags |= SA_SIGINFO;
        }
    }
    // The handler must find its function from the first signal on, and an old one must find its own to the last: if
    // both are functions the kernel's entry does not change in what it calls, only in its flags.
    struct sigaction kept_old = {};
    recall(signal, kept_old);
    const int kept_flags = actions[signal].flags.load(std::memory_order_relaxed);
    const bool kept_mask = actions[signal].masks_nudge.load(std::memory_order_relaxed);
    if (action != nullptr && is_function(action->sa_sigaction)) {
        remember(signal, *action);
    }
    const int result = real::sigaction.resolve()(signal, action != nullptr ? &real_action : nullptr, &real_old);
    if (result != 0) {
        actions[signal].handler.store(kept_old.sa_sigaction, std::memory_order_relaxed);
        actions[signal].flags.store(kept_flags, std::memory_order_relaxed);
        actions[signal].masks_nudge.store(kept_mask, std::memory_order_relaxed);
        return result;
    }
    if (old != nullptr) {
        *old = real_old;
        if (real_old.sa_sigaction == on_program_signal) {
            old->sa_sigaction = kept_old.sa_sigaction;
        }
        // SA_SIGINFO of ours stays behind when SA_RESETHAND has taken the handler away.
        if (!(kept_flags & SA_SIGINFO) &&
            (real_old.sa_sigaction == on_program_signal || !is_function(real_old.sa_sigaction))) {
            old->sa_flags &= ~SA_SIGINFO;
        }
        if (kept_mask) {
            sigaddset(&old->sa_mask, settings.signal);
        }
    }
    if (action != nullptr) {
        remember(signal, *action);
    }
    return 0;
}

void adopt_program_action(int signal, const struct sigaction& action) {
    remember(signal, action);
}

bool program_ignores_nudge_signal() {
    return actions[settings.signal].handler.load(std::memory_order_relaxed) == constant(SIG_IGN);
}

bool nudge_signal_for_program(int signal, siginfo_t* info, void* context) {
    ProgramAction& action = actions[signal];
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
    Suspended wait(flags, context, true);
    // As the kernel does it: the handler's mask on top of the one that it interrupts. The nudge's signal stays open:
    // the handler may wait, and be interrupted.
    const os::KernelMask mask = (interrupted_mask(context) | action.mask.load(std::memory_order_relaxed)) &
                                ~(os::KernelMask{1} << (signal - 1));
    os::KernelMask before = 0;
    const bool set_mask = may_call_kernel();
    if (set_mask) {
        before = os::set_signal_mask(mask);
    }
    call_handler(handler, signal, info, context,
                 !(flags & SA_NODEFER) || action.masks_nudge.load(std::memory_order_relaxed));
    if (set_mask) {
        os::set_signal_mask(before);
    }
    wait.resume();
    deliver_held_signal();
    return true;
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
    siginfo_t info;
    if (thread_context.signal_blocked || !take_held_signal(info)) {
        return false;
    }
    ucontext_t context = {};
    interrupted_mask(&context) = may_call_kernel() ? os::signal_mask() : 0;
    return nudge_signal_for_program(settings.signal, &info, &context);
}

}  // namespace interrupt
