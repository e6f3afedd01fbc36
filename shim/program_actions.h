// What the program has set for each signal: kept here, while the kernel has the shim's handlers.
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>

namespace interrupt {

using Handler = void (*)(int, siginfo_t*, void*);

// Written with all signals blocked, read by handlers at any moment: each field by itself is atomic, and a handler that
// meets a change may see either side of it.
struct ProgramAction {
    std::atomic<Handler> handler;   // also SIG_DFL and SIG_IGN
    std::atomic<int> flags;         // as the program set them
    std::atomic<bool> masks_nudge;  // its sa_mask has the nudge's signal
    std::atomic<uint64_t> mask;     // its sa_mask, as the kernel keeps it; for the nudge's signal only
};

ProgramAction& program_action(int signal);

inline Handler constant(__sighandler_t disposition) {
    return reinterpret_cast<Handler>(reinterpret_cast<void*>(disposition));
}
inline bool is_function(Handler handler) {
    return handler != constant(SIG_DFL) && handler != constant(SIG_IGN);
}

// sigaction(2) as the program sees it: `old` gets exactly what the program had set.
int set_program_action(int signal, const struct sigaction* action, struct sigaction* old);

// What the nudge's signal had before our handler was installed.
void adopt_program_action(int signal, const struct sigaction& action);

// --- the signals of INTERRUPT_ON (on_signal.h)

// Where the program has the default action and requests can take its place, on_default_signal() is installed in its
// stead; the program does not see it. Once, in the constructor: what it has inherited, or set before.
void take_ruled_signals();

// The default action really is in place again, for good. True for the first call alone.
bool put_default_back(int signal);
// All of them: nothing of ours may run any more. Which of them it was the first time for; as long as nothing has come
// of it they can be taken again.
uint64_t put_defaults_back();
void let_requests_stand_in_again(uint64_t signals);
// A signal of this number has sent its requests beside a handler: from now on the default action is really that.
void let_default_act(int signal);

// In our handler: the default action, when it returns.
void act_by_default(int signal, const siginfo_t& info);

// Whether the signals of the rules end the process, whatever the program has set, unless it ignores them.
void let_signals_end_process(bool end);

// The nudge takes `signal` and leaves its own to the program, in a process with one thread and with all signals blocked
// and none of the old number pending. Sets settings.signal.
void move_nudge_handler(int signal);

// Whether the nudge's handler runs on an alternate stack where a thread has one: unless it is to call a handler of the
// program that does not.
bool nudge_goes_to_alternate_stack();

// Whether the program ignores the nudge's signal.
bool program_ignores_nudge_signal();

// What the program has set for the nudge's signal.
struct sigaction programs_nudge_signal_action();

// Before a seccomp filter is set: the kernel gets the program's own action for the nudge's signal, so that no wait
// ends, and no handler runs, by what the program ignores. Where another thread blocks the signal, of which the kernel
// knows nothing, our handler stays for it (SignalUse::held).
class NudgeSignalGivenBack {
public:
    NudgeSignalGivenBack();
    // No filter was set.
    void take_again();

private:
    bool mask_given_back_ = false;
};

}  // namespace interrupt
