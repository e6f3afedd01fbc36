// The end of a Python program whose threads were interrupted by a signal (on_signal.h).
#pragma once

namespace interrupt::cpython {

// Has Python call us at its end, after it has waited for its threads and before it stops those that are daemons.
// Nothing where there are no rules. Once, with the GIL held.
void register_end_of_program();

// A thread is about to be started: Python will wait for it at its end. With the GIL held and no exception set.
void note_thread_start();

}  // namespace interrupt::cpython
