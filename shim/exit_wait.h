// The end of a process whose threads a signal has interrupted (on_signal.h): it waits for them, and not for ever.
#pragma once

namespace interrupt {

// In a signal's handler: from now on there is something to wait for.
void note_interrupted_by_signal();

// Waits until the threads that signals have interrupted have ended, at most until the grace period after the last
// signal is over; at once if there are none. A further signal of the rules ends the process meanwhile, by its default
// action, whatever the program has set.
void await_interrupted();

// Whether some of them are still there although it is over.
bool grace_is_over_for_some();

// The main thread begins to wait for other threads by a call of the runtime's, which knows of no grace period: when
// that is over, the main thread is interrupted. For as long, a second signal ends the process.
void begin_runtimes_wait();
// It has done so. True if the grace period was over.
bool end_runtimes_wait();

// Whether the timer has come that begin_runtimes_wait() has set; in the nudge handler.
bool is_end_of_grace(int si_code, int value);
void grace_is_over();

}  // namespace interrupt
