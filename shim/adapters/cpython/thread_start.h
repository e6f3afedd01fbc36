// First steps in which a thread is not interrupted. Thread.start() waits until the new thread has said that it runs:
// interrupted before that, it would leave its starter waiting for ever. An interpreter whose initialisation meets an
// exception is a fatal error.
#pragma once

namespace interrupt::cpython {

// The interpreter starts, in the calling thread.
void begin_initialisation();

// Whether a thread with this routine is Python's. Called by the new thread.
bool starts_thread(const void* routine);

// In a trampoline of a thread that is starting: whether this call still belongs to the start. With the GIL held and no
// exception set.
bool is_starting();

// A thread that has computed for as long as this has started, whatever it did with the methods of Thread.
// Async-signal-safe.
bool has_started_by_now();

}  // namespace interrupt::cpython
