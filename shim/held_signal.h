// A signal of the nudge's number that is the program's own, as the program sees it. The number is never really blocked:
// a thread that has it in its mask holds what comes until it unblocks it or waits for it (sigwaitinfo). And since the
// kernel takes every thread for open, it hands a signal for the whole process to any of them, most often to the main
// thread: from one that blocks it the signal goes on to one that takes it, or is held for the process.
//
// Which of the two a signal is: kill, sigqueue, timers and the kernel send to the process, tgkill (SI_TKILL) to a
// thread. pthread_sigqueue cannot be told from sigqueue: taken for the process.
#pragma once

#include <csignal>

#include "shim/platform/platform.h"
#include "shim/process.h"

namespace interrupt {

inline bool holds_nudge_signal(const sigset_t* set) {
    return sigismember(set, settings.signal) == 1;
}

// The program's mask of this thread for the nudge's signal. After a change that unblocks it call
// deliver_held_signal() (program_signals.h): what came meanwhile acts now.
void set_signal_blocked(bool blocked);
// This thread waits for the signal (sigwaitinfo) though it blocks it.
void set_signal_awaited(bool awaited);
bool signal_awaited();
// What the record says of it, for other threads, after the record was claimed.
void publish_signal_mask(ThreadRecord& record);

// In the nudge handler, in a thread that blocks the signal.
void hold_signal(const siginfo_t& info);
// Sends a thread that does not block the signal, or waits for it, to what is held for the process. The handler there
// asks calls_for_held_signal(), 0 if its signal is no such call, and calls the next thread if it cannot take it itself.
void call_open_thread(int calls_before);
int calls_for_held_signal(const siginfo_t& info);

// It goes to the kernel, which holds it for this thread: the thread really blocks it now.
void hand_over_held_signal();

// Whether the kernel takes another thread for open that is not, or waits for the signal as if it blocked it.
bool another_thread_blocks_signal();

// A forked child has its table now: what this thread has held since the fork stays held.
void keep_held_signal();

// Whether a signal is held for this thread or for the process.
bool signal_held();
// The signal is ignored from now on: what is held anywhere is gone.
void discard_held_signals();
// Takes it. False if there is none, or another thread was faster.
bool take_held_signal(siginfo_t& info);

// Whether a set that the program has given has the nudge's signal. `none`: no set; or one that goes to the kernel as it
// is, since it cannot be read, which the call will say, or the signal is nobody's but the program's.
enum class InSet { none, absent, present };
inline InSet look_in_set(const sigset_t* set) {
    const bool is_set = set != nullptr && settings.signal != 0 &&
                        signal_use.load(std::memory_order_relaxed) != SignalUse::programs &&
                        (!may_call_kernel() || os::is_readable(set, sizeof(os::KernelMask)));
    return !is_set ? InSet::none : holds_nudge_signal(set) ? InSet::present : InSet::absent;
}

// A set of the program's with the nudge's signal in it, or not in it, as the kernel is to have it.
class ChangedSet {
public:
    const sigset_t* pointer;

protected:
    explicit ChangedSet(const sigset_t* program) : pointer(program) {}
    void change(bool add) {
        sigemptyset(&copy_);
        __builtin_memcpy(&copy_, pointer, sizeof(os::KernelMask));  // the kernel knows of no more
        add ? sigaddset(&copy_, settings.signal) : sigdelset(&copy_, settings.signal);
        pointer = &copy_;
    }

private:
    sigset_t copy_;
};

// A set of signals to wait for, or to block or unblock, without the nudge's.
struct WithoutNudge : ChangedSet {
    explicit WithoutNudge(const sigset_t* program) : WithoutNudge(program, look_in_set(program)) {}
    WithoutNudge(const sigset_t* program, InSet nudge) : ChangedSet(program) {
        if (nudge == InSet::present) {
            change(false);
        }
    }
};

// A mask as it is really set: without the nudge's signal, or with it as long as that is shut out.
struct RealMask : ChangedSet {
    RealMask(const sigset_t* program, InSet nudge) : ChangedSet(program) {
        const bool shut_out = thread_context.nudge_shut_out;
        if (nudge == (shut_out ? InSet::absent : InSet::present)) {
            change(shut_out);
        }
    }
};

}  // namespace interrupt
