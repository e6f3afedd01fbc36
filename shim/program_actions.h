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

// Whether the nudge's handler runs on an alternate stack where a thread has one: unless it is to call a handler of the
// program that does not.
bool nudge_goes_to_alternate_stack();

// Whether the program ignores the nudge's signal.
bool program_ignores_nudge_signal();

}  // namespace interrupt
