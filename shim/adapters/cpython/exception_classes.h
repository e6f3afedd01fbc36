// What a request with Outcome::exception raises: a class of the program's that `except ThreadInterrupted` catches too.
#pragma once

#include <cstdint>

#include "shim/adapters/cpython/python_api.h"

namespace interrupt::cpython {

// The index of an exception class for Request::error(); -1: there are too many. With the GIL held and no exception set.
int index_of_exception_class(PyObject* type);

// Raises the class with that index: one made of it and ThreadInterrupted. If no module that is loaded has a class of
// that name, ThreadInterrupted with a sentence that says so. With the GIL held and no exception set.
void raise_exception_class(uint16_t index);

// An instance of it as a new reference; null, with no exception set, if that cannot be had by calling the class.
PyObject* call_exception_class(uint16_t index);

// Python has ended, and its classes are gone.
void forget_exception_classes();

}  // namespace interrupt::cpython
