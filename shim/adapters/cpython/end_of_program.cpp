// Python's end has two waits for threads. threading._shutdown waits for those that are no daemons, for ever: while a
// signal's grace period lasts it does so as always, and then our interruption of the main thread ends it. Then come the
// functions of the atexit module, the first that was registered last: that is ours, and waits for what is left of the
// interrupted threads, daemons or not, to the end of the same grace period. A daemon thread that ends meanwhile has run
// its `finally`.
#include "shim/adapters/cpython/end_of_program.h"

#include "shim/adapters/cpython/special_builtins.h"
#include "shim/adapters/cpython/thread_interrupted.h"
#include "shim/exit_wait.h"
#include "shim/on_signal.h"

namespace interrupt::cpython {

namespace {

PyObject* none() {
    python.Py_IncRef(python._Py_NoneStruct);
    return python._Py_NoneStruct;
}

void await_without_gil() {
    void* const state = python.PyEval_SaveThread();
    await_interrupted();
    python.PyEval_RestoreThread(state);
}

void* at_exit(void*, void*, void*, void*, void*) {
    await_without_gil();
    return none();
}

// `self`: threading's own function.
void* shut_down(void* self, void*, void*, void*, void*) {
    begin_runtimes_wait();
    PyObject* result = python.PyObject_CallObject(static_cast<PyObject*>(self), nullptr);
    const bool grace_was_over = end_runtimes_wait();
    if (result == nullptr && grace_was_over && python.PyErr_ExceptionMatches(thread_interrupted) != 0) {
        python.PyErr_Clear();
        result = none();
    }
    return result;
}

constinit PyMethodDef at_exit_definition = {"await_interrupted_threads", at_exit, METH_VARARGS, nullptr};
constinit PyMethodDef shut_down_definition = {"_shutdown", shut_down, METH_VARARGS, nullptr};

// threading is imported by then, if its threads are to be waited for at all.
void take_place_of_shutdown() {
    static constinit bool done = false;
    PyObject* const threading =
        done ? nullptr : python.PyDict_GetItemString(python.PyImport_GetModuleDict(), "threading");
    if (threading == nullptr) {
        return;
    }
    const Reference original(attribute(threading, "_shutdown"));
    const Reference ours(original ? python.PyCFunction_NewEx(&shut_down_definition, original.get(), nullptr) : nullptr);
    if (ours && python.PyObject_SetAttrString(threading, "_shutdown", ours.get()) == 0) {
        done = true;
    }
    python.PyErr_Clear();
}

}  // namespace

void register_end_of_program() {
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

PyObject* start_thread(const Patched& builtin, const Arguments& arguments) {
    if (has_signal_rules() && in_main_interpreter(python.current_thread_state())) {
        take_place_of_shutdown();
    }
    return builtin(arguments);
}

// 3.13: the wait itself is a builtin, which repeats a wait that was interrupted. So the threads that were interrupted
// before it began are waited for here; those that still run when their time is over are left behind.
PyObject* await_threads(const Patched& builtin, const Arguments& arguments) {
    await_without_gil();
    if (grace_is_over_for_some()) {
        return none();
    }
    return builtin(arguments);
}

}  // namespace interrupt::cpython
