// The half of `import libinterrupt` that is written in C++; control/python has the other half.
#pragma once

#include "shim/adapters/cpython/python_api.h"

namespace interrupt::cpython {

// A new module object with the functions, or null with an exception set.
PyObject* make_native_module(const char* name);

}  // namespace interrupt::cpython
