// The table of trampolines: one for each row of builtins.def, installed by changing PyMethodDef.ml_meth.
#pragma once

#include <atomic>

#include "shim/adapters/cpython/python_api.h"

namespace interrupt::cpython {

// What a builtin's wait is about, and what its result is worth when the wait was given up.
enum class About : uint8_t {
    Plain,    // a result is a result
    Acquire,  // waits on the semaphore that `self` holds; anything but True means that it is not acquired
    Queue,    // SimpleQueue.get: waits on the semaphore that `self` holds or, since 3.13, on one on its own stack
    Status,   // the result only says how the wait ended
    Join,     // our own wait for a thread's end
    // These three wait inside a C library, which may try again, or go on, when a wait has failed. So once one has given
    // up, every later one in the same builtin does so at once, until the library gives up too.
    Library,   // getaddrinfo, ssl: then there is an OSError
    Database,  // sqlite3: then there is some Exception
    Input,     // input() at a terminal: then there is an EOFError
    Once,      // it fails where a signal has interrupted it, and does not look for its handlers
    Unasked,   // a call that must not be interrupted
};

struct Arguments {
    void* at[5];
};

// A builtin that has its trampoline.
struct Patched {
    PyMethodDef* definition;  // null: not there, or left alone
    Method original;

    PyObject* operator()(const Arguments& a) const {
        return static_cast<PyObject*>(original(a.at[0], a.at[1], a.at[2], a.at[3], a.at[4]));
    }
};

// Trampolines pass through while this is false. Written with the GIL held.
extern std::atomic<bool> trampolines_active;

// They are active, and there has been no other interpreter than the main one. Written with the GIL held.
extern std::atomic<bool> main_interpreter_alone;

// Gives all builtins of a module their trampolines. With the GIL held.
void patch_module(PyObject* module, const char* name);

// The same for each module that is in sys.modules.
void patch_imported_modules();

// How many builtins were found but did not verify, and the first of them ("select.epoll.poll"; null: none).
struct LeftAlone {
    int count;
    const char* first;
};
LeftAlone left_alone();

// Whether the row for this builtin is in place.
bool is_patched(const char* module, const char* name);

// The i-th positional argument of a call, borrowed; null if there is none.
PyObject* positional(const Patched& builtin, const Arguments& arguments, intptr_t i);

}  // namespace interrupt::cpython
