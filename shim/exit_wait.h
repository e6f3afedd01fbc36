// The end of a process whose threads a signal has interrupted (on_signal.h): it waits for them, and not for ever.
#pragma once

#include <cstdint>

namespace interrupt {

// In a signal's handler: from now on there is something to wait for.
void note_interrupted_by_signal();

// Waits until the threads that signals have interrupted have ended, at most until the grace period after the last
// signal is over; at once if there are none. A further signal of the rules ends the process meanwhile, by its default
// action, whatever the program has set.
void await_interrupted();

// Whether the thread with this pthread_self() is one of them.
bool is_interrupted_by_signal(uintptr_t pthread_ident);

// The main thread begins to wait for other threads by a call of the runtime's, which knows of no grace period: when
// that is over, and interrupted threads are still there, the main thread is interrupted. After a signal that has come
// before or meanwhile, the next one ends the process.
void begin_runtimes_wait();
// It has done so. True if the main thread was interrupted; what has not been delivered of that is withdrawn.
bool end_runtimes_wait();

// Whether the timer has come that begin_runtimes_wait() has set; in the nudge handler.
bool is_end_of_grace(int si_code, int value);
void grace_is_over();

}  // namespace interrupt
