// Python's end has two waits for threads. threading._shutdown waits for those that are no daemons, for ever: while a
// signal's grace period lasts it does so as always, and then our interruption of the main thread ends it. Then come the
// functions of the atexit module, the first that was registered last: that is ours, and waits for what is left of the
// interrupted threads, daemons or not, to the end of the same grace period. A daemon thread that ends meanwhile has run
// its `finally`.
#include "shim/adapters/cpython/end_of_program.h"

#include <pthread.h>

#include "shim/adapters/cpython/special_builtins.h"
#include "shim/adapters/cpython/thread_interrupted.h"
#include "shim/exit_wait.h"
#include "shim/rules_in_force.h"

namespace interrupt::cpython {

namespace {

void* at_exit(void*, void*, void*, void*, void*) {
    void* const state = python.PyEval_SaveThread();
    await_interrupted();
    python.PyEval_RestoreThread(state);
    return new_none();
}

PyObject* imported_threading() {
    return python.PyDict_GetItemString(python.PyImport_GetModuleDict(), "threading");
}

PyObject* call(PyObject* object, const char* method) {
    const Reference bound(attribute(object, method));
    return bound ? python.PyObject_CallObject(bound.get(), nullptr) : nullptr;
}

bool is_true(PyObject* owned) {
    const Reference object(owned);
    return object && python.PyObject_IsTrue(object.get()) == 1;
}

// Another thread that Python waits for at its end, one that no signal has interrupted if `undisturbed`; a new
// reference, or null: there is none, or ThreadInterrupted is set. Clears other exceptions that it meets.
PyObject* next_awaited(bool undisturbed) {
    PyObject* const threading = imported_threading();
    const Reference threads(threading != nullptr ? call(threading, "enumerate") : nullptr);
    PyObject* found = nullptr;
    for (intptr_t i = 0;
         threads && found == nullptr && python.PyErr_Occurred() == nullptr && i < python.PyList_Size(threads.get());
         ++i) {
        PyObject* const thread = python.PyList_GetItem(threads.get(), i);
        const Reference ident(attribute(thread, "ident"));
        const auto number = ident ? static_cast<uintptr_t>(python.PyLong_AsUnsignedLong(ident.get())) : 0;
        if (number != static_cast<uintptr_t>(pthread_self()) && !is_true(attribute(thread, "daemon")) &&
            is_true(call(thread, "is_alive")) && !(undisturbed && is_interrupted_by_signal(number))) {
            python.Py_IncRef(thread);
            found = thread;
        }
    }
    if (python.PyErr_Occurred() != nullptr && python.PyErr_ExceptionMatches(thread_interrupted) == 0) {
        python.PyErr_Clear();
    }
    return found;
}

// The grace period is over, and main has been interrupted for the sake of some threads. The others are waited for as
// ever. False with an exception set.
bool await_undisturbed() {
    for (;;) {
        const Reference thread(next_awaited(true));
        if (!thread) {
            return python.PyErr_Occurred() == nullptr;
        }
        const Reference joined(call(thread.get(), "join"));
        if (!joined) {
            return false;
        }
    }
}

// `self`: threading's own function.
void* shut_down(void* self, void*, void*, void*, void*) {
    begin_runtimes_wait();
    PyObject* result = python.PyObject_CallObject(static_cast<PyObject*>(self), nullptr);
    const bool interrupted = end_runtimes_wait();
    if (result == nullptr && interrupted && python.PyErr_ExceptionMatches(thread_interrupted) != 0) {
        python.PyErr_Clear();
        result = await_undisturbed() ? new_none() : nullptr;
    }
    return result;
}

constinit PyMethodDef at_exit_definition = {"await_interrupted_threads", at_exit, METH_VARARGS, nullptr};
constinit PyMethodDef shut_down_definition = {"_shutdown", shut_down, METH_VARARGS, nullptr};

constinit bool shutdown_is_ours = false;

// threading is imported by then, if its threads are to be waited for at all.
void take_place_of_shutdown() {
    PyObject* const threading = shutdown_is_ours ? nullptr : imported_threading();
    if (threading == nullptr) {
        return;
    }
    const Reference original(attribute(threading, "_shutdown"));
    const Reference ours(original ? python.PyCFunction_NewEx(&shut_down_definition, original.get(), nullptr) : nullptr);
    if (ours && python.PyObject_SetAttrString(threading, "_shutdown", ours.get()) == 0) {
        shutdown_is_ours = true;
    }
    python.PyErr_Clear();
}

}  // namespace

void register_end_of_program() {
    shutdown_is_ours = false;
    if (!has_signal_rules()) {
        return;
    }
    const Reference module(python.PyImport_ImportModule("atexit"));
    const Reference add(module ? attribute(module.get(), "register") : nullptr);
    PyObject* const function = python.PyCFunction_NewEx(&at_exit_definition, nullptr, nullptr);
    const Reference arguments(python.PyTuple_New(1));
    if (add && function != nullptr && arguments) {
        python.PyTuple_SetItem(arguments.get(), 0, function);
        const Reference registered(python.PyObject_CallObject(add.get(), arguments.get()));
    }
    python.PyErr_Clear();
}

void note_thread_start() {
    if (has_signal_rules() && in_main_interpreter(python.current_thread_state())) {
        take_place_of_shutdown();
    }
}

// 3.13: the wait itself is a builtin, and one that repeats a wait that was interrupted. So each thread is waited for by
// its handle, which can be interrupted, and the builtin is called when there is nothing left to wait for. As it does,
// an exception of a signal handler is printed here, and ends the wait.
PyObject* await_threads(const Patched& builtin, const Arguments& arguments) {
    while (has_signal_rules() && in_main_interpreter(python.current_thread_state())) {
        const Reference thread(next_awaited(false));
        if (!thread && python.PyErr_Occurred() != nullptr) {
            return nullptr;
        }
        if (!thread) {
            break;
        }
        const Reference handle(attribute(thread.get(), "_handle"));
        const Reference joined(handle ? call(handle.get(), "join") : nullptr);
        if (joined) {
            continue;
        }
        if (python.PyErr_Occurred() == nullptr) {
            break;
        }
        if (python.PyErr_ExceptionMatches(thread_interrupted) != 0) {
            return nullptr;
        }
        python.PyErr_WriteUnraisable(nullptr);
        return new_none();
    }
    return builtin(arguments);
}

}  // namespace interrupt::cpython
