// Raising in a thread that runs bytecode: CPython's asynchronous exception, armed by the nudge handler of the thread
// itself.
#pragma once

#include "shim/adapter.h"

namespace interrupt::cpython {

// The CPU time of the calling thread. Async-signal-safe.
uint64_t cpu_time_ns();

// Finds the code of the bytecode loop. False if it cannot be found.
bool find_bytecode_loop();

// Finds where a thread's state holds the exception, and how it may be queued. With the GIL held, after
// make_thread_interrupted(). False if it cannot be told.
bool find_exception_queue();

// Where a thread's state has pthread_self(), in bytes; 0: it cannot be told. After find_exception_queue().
size_t ident_offset(const void* own_thread_state);

// The nudge met this thread outside a wait that could end, in an interposed call or not. Async-signal-safe.
void nudged(const void* context, bool in_call);

// Takes back the flag of the bytecode loop that an exception has left which was taken back itself. With the GIL held
// and no exception set. False if a signal handler of the program has set one meanwhile.
bool take_back_stale_flag();

// Takes back an exception that is on its way to this thread, and forgets that a request is owed to
// it. The claimed request, if it is still to be raised; if the exception has been raised already, counts it as
// delivered. Async-signal-safe.
Request take_back_claimed();

// The same for a thread that clears or masks what is pending: the claim is taken back. Async-signal-safe.
void recall();

// What was raised last will not be instantiated any more.
void forget_uninstantiated();

// ThreadInterrupted is being instantiated: if that is for the exception on its way, it has been delivered. The request
// if another class is to be raised for it; otherwise one that is not pending.
Request note_instantiation(bool without_arguments);

}  // namespace interrupt::cpython
