// The program's own signal handlers: kept here, called by a handler of ours that makes the record say *running* while
// they run; and the nudge's signal as the program sees it.
#pragma once

#include <csignal>

#include "shim/platform/platform.h"
#include "shim/process.h"

namespace interrupt {

// sigaction(2) as the program sees it: `old` gets exactly what the program had set.
int set_program_action(int signal, const struct sigaction* action, struct sigaction* old);

// What the nudge's signal had before our handler was installed.
void adopt_program_action(int signal, const struct sigaction& action);

// A signal of the nudge's number that is not ours, in the nudge handler: by the program's disposition and mask.
void nudge_signal_for_program(int signal, siginfo_t* info, void* context);

// Whether the program ignores the nudge's signal.
bool program_ignores_nudge_signal();

// The program's mask for the nudge's signal, which is never really blocked. After a change that unblocks it, call
// deliver_held_signal(): a signal that came meanwhile acts now.
inline bool holds_nudge_signal(const sigset_t* set) {
    return sigismember(set, settings.signal) == 1;
}
void deliver_held_signal();
inline bool signal_held() {
    ThreadContext& context = thread_context;
    return context.signal_pending && context.signal_held_in == process.epoch &&
           (!may_call_kernel() || os::getpid() == process.pid);  // a vfork child sees its parent's
}

// A set of signals without the nudge's.
struct WithoutNudge {
    explicit WithoutNudge(const sigset_t* program) : pointer(program) {
        if (program != nullptr && settings.signal != 0 && holds_nudge_signal(program)) {
            copy = *program;
            sigdelset(&copy, settings.signal);
            pointer = &copy;
        }
    }
    sigset_t copy;
    const sigset_t* pointer;
};

// While a call that takes a mask is in progress (ppoll, sigsuspend): the program's mask for the nudge's signal is the
// one given.
class MaskDuringCall {
public:
    explicit MaskDuringCall(const sigset_t* mask)
        : set_(mask), active_(mask != nullptr && settings.signal != 0), blocks_(active_ && holds_nudge_signal(mask)) {}
    const sigset_t* real_mask() const { return set_.pointer; }
    // Once the call is published. True: a held signal that the mask lets through; it acts now, and the call ends as if
    // it had come while it waited.
    bool lets_signal_in() {
        if (active_) {
            before_ = thread_context.signal_blocked;
            let_in_before_ = thread_context.signal_let_in;
            thread_context.signal_let_in = before_ && !blocks_;
            thread_context.signal_blocked = blocks_;
            entered_ = true;
        }
        return active_ && !blocks_ && signal_held();
    }
    void restore() {
        if (entered_) {
            thread_context.signal_blocked = before_;
            thread_context.signal_let_in = let_in_before_;
        }
    }

private:
    WithoutNudge set_;
    const bool active_;
    const bool blocks_;
    bool entered_ = false;
    bool before_ = false;
    bool let_in_before_ = false;
};

}  // namespace interrupt
