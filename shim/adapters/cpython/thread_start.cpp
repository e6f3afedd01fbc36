// Threads that Python starts bear the name of their Thread object, for `interruptctl threads` and --name.
#include <cstdio>

#include "shim/adapters/cpython/special_builtins.h"
#include "shim/thread_context.h"

namespace interrupt::cpython {

namespace {

// The _name of the threading.Thread whose method is about to run in a thread of its own.
void note_name(PyObject* function) {
    PyObject* const threading = python.PyDict_GetItemString(python.PyImport_GetModuleDict(), "threading");
    const Reference type(threading != nullptr ? attribute(threading, "Thread") : nullptr);
    const Reference thread(type && function != nullptr ? attribute(function, "__self__") : nullptr);
    if (!thread || python.PyObject_IsInstance(thread.get(), type.get()) != 1) {
        python.PyErr_Clear();
        return;
    }
    const Reference name(attribute(thread.get(), "_name"));
    if (const char* const text = name ? text_of(name.get()) : nullptr) {
        ThreadName& next = thread_context.next_thread_name;
        snprintf(next.text, sizeof next.text, "%s", text);
    }
}

}  // namespace

PyObject* start_thread(const Patched& builtin, const Arguments& arguments) {
    note_name(positional(builtin, arguments, 0));
    PyObject* const result = builtin(arguments);
    thread_context.next_thread_name = {};
    return result;
}

}  // namespace interrupt::cpython
