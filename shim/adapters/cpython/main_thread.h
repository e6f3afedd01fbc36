// The thread in which signal handlers written in Python run.
#pragma once

#include <sys/types.h>

namespace interrupt::cpython {

// The calling thread is it. With the GIL held, when Python starts.
void set_main_thread();

// Its id. In a forked child it is the thread that forked.
pid_t main_thread();

bool in_main_thread();

// A signal handler of the program's has run in the calling thread: if it is Python's, the main thread is to know.
// Whether that is the calling thread. Async-signal-safe.
bool signal_noted(const void* handler);

}  // namespace interrupt::cpython
