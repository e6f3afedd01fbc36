// The class ThreadInterrupted, and raising what a request asks for.
#pragma once

#include "shim/adapter.h"
#include "shim/adapters/cpython/python_api.h"

namespace interrupt::cpython {

// libinterrupt.ThreadInterrupted; null until it is made.
extern PyObject* thread_interrupted;

// With the GIL held. False, with no exception set, if Python will not make it.
bool make_thread_interrupted();

// Sets the exception that `request` asks for. With the GIL held and no exception set.
void raise_outcome(Request request);

}  // namespace interrupt::cpython
