// How the shim learns that a thread ends.
#pragma once

namespace interrupt {

// Once, in the constructor. False if there is no key left for it: records are then found to be dead when the table is
// full.
bool prepare_thread_ends();

// The calling thread's record is to be released when it ends. Async-signal-safe.
void watch_this_thread();

}  // namespace interrupt
