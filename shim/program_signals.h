// The program's own signal handlers: called by a handler of ours that makes the record say *running* while they run.
#pragma once

#include <csignal>

#include "shim/held_signal.h"
#include "shim/platform/platform.h"
#include "shim/process.h"

namespace interrupt {

// A signal of the nudge's number that is not ours, in the nudge handler: by the program's disposition and mask. True if
// a handler of the program has run.
bool nudge_signal_for_program(int signal, siginfo_t* info, void* context);

// Whether it would: the program has one, and this thread does not block the signal.
bool nudge_signal_has_handler();

// Opens the nudge's signal again that was shut out while a handler ran on an alternate stack: the handler is left by a
// jump or an exception.
void let_nudge_in();

// Another thread that blocks such a signal has called this one for it (held_signal.h), in the nudge handler.
void held_signal_for_program(int signal, int calls, void* context);

// The handler that is installed in place of each of the program's.
void on_program_signal(int signal, siginfo_t* info, void* context);

// What is held for this thread or the process acts now, unless the program's mask still holds it. True if a handler of
// the program has run.
bool deliver_held_signal();

// While a call that takes a mask is in progress (ppoll, sigsuspend): the program's mask for the nudge's signal is the
// one given.
class MaskDuringCall {
public:
    explicit MaskDuringCall(const sigset_t* mask) : MaskDuringCall(mask, look_in_set(mask)) {}
    const sigset_t* real_mask() const { return real_.pointer; }
    // Once the call is published. True: a held signal that the mask lets through has acted, and the call ends as if it
    // had come while it waited.
    bool let_signal_in() {
        if (!active_) {
            return false;
        }
        before_ = thread_context.signal_blocked;
        let_in_before_ = thread_context.signal_let_in;
        thread_context.signal_let_in = before_ && !blocks_;
        set_signal_blocked(blocks_);
        entered_ = true;
        return deliver_held_signal();
    }
    void restore() {
        if (entered_) {
            set_signal_blocked(before_);
            thread_context.signal_let_in = let_in_before_;
        }
    }

private:
    MaskDuringCall(const sigset_t* mask, InSet nudge)
        : real_(mask, nudge), active_(nudge != InSet::none), blocks_(nudge == InSet::present) {}

    RealMask real_;
    const bool active_;
    const bool blocks_;
    bool entered_ = false;
    bool before_ = false;
    bool let_in_before_ = false;
};

}  // namespace interrupt
