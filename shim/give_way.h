// A signalfd shows what the kernel has pending, and nothing is pending there of a signal that is never really blocked.
// So the nudge takes the other signal of the two that it may have, and leaves the first to the program.
#pragma once

#include <csignal>

namespace interrupt {

// The program is about to read the signals of `set` from a descriptor. Nothing happens where the set has not the
// nudge's signal, or both; nor where another thread would have to change its mask as well, on an alternate stack, and
// under INTERRUPT_ON, whose rules are for signals that are not the nudge's.
void give_way_to_descriptor(const sigset_t* set);

}  // namespace interrupt
