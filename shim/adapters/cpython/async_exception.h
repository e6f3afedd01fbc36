// Raising in a thread that runs bytecode: CPython's asynchronous exception, armed by the nudge handler of the thread
// itself.
#pragma once

#include "shim/adapter.h"

namespace interrupt::cpython {

// Finds the code of the bytecode loop. False if it cannot be found.
bool find_bytecode_loop();

// The nudge met this thread outside a wait that could end. Async-signal-safe.
void nudged(const void* context);

// With the GIL held: takes back an exception that is on its way to this thread, and forgets that a request is owed to
// it. The claimed request, if it is still to be raised; if the exception has been raised already, counts it as
// delivered.
Request take_back_claimed();

// ThreadInterrupted is being instantiated: if that is for the exception on its way, it has been delivered.
void note_instantiation();

}  // namespace interrupt::cpython
