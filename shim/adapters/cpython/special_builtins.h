// The trampolines that do more than a wait.
#pragma once

#include "shim/adapters/cpython/trampolines.h"

namespace interrupt::cpython {

using Special = PyObject* (*)(const Patched&, const Arguments&);

PyObject* lock_locked(const Patched& builtin, const Arguments& arguments);
PyObject* join_handle(const Patched& builtin, const Arguments& arguments);
PyObject* start_thread(const Patched& builtin, const Arguments& arguments);
PyObject* interrupt_main(const Patched& builtin, const Arguments& arguments);
PyObject* backup_database(const Patched& builtin, const Arguments& arguments);
PyObject* await_threads(const Patched& builtin, const Arguments& arguments);
PyObject* exec_module(const Patched& builtin, const Arguments& arguments);
PyObject* is_frozen(const Patched& builtin, const Arguments& arguments);
PyObject* find_frozen(const Patched& builtin, const Arguments& arguments);
PyObject* get_frozen_object(const Patched& builtin, const Arguments& arguments);

}  // namespace interrupt::cpython
