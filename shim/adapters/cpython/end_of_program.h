// The end of a Python program whose threads were interrupted by a signal (on_signal.h).
#pragma once

namespace interrupt::cpython {

// Has Python call us at its end, after it has waited for its threads and before it stops those that are daemons.
// Nothing where there are no rules. Once, with the GIL held.
void register_end_of_program();

}  // namespace interrupt::cpython
