// Where the interpreter's lock (the GIL) says who holds it, for `interruptctl threads`, which reads it from outside.
#pragma once

namespace interrupt::cpython {

// Finds it and reports it; nothing is known otherwise. With the GIL held, after find_exception_queue().
void find_interpreter_lock();

}  // namespace interrupt::cpython
