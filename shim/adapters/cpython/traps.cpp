// Where CPython itself goes wrong when a wait is interrupted.
#include <pthread.h>
#include <time.h>

#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/special_builtins.h"
#include "shim/join.h"

namespace interrupt::cpython {

namespace {

uint64_t now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// CLOCK_MONOTONIC, ns; 0: no time limit. False for what the builtin has to judge: no number, nothing to wait for, too
// long.
bool find_deadline(PyObject* timeout, uint64_t& deadline) {
    deadline = 0;
    if (timeout == nullptr || timeout == python._Py_NoneStruct) {
        return true;
    }
    const double seconds = python.PyFloat_AsDouble(timeout);
    if (python.PyErr_Occurred() != nullptr) {
        python.PyErr_Clear();
        return false;
    }
    if (!(seconds > 0 && seconds < 9e9)) {
        return false;
    }
    deadline = now_ns() + static_cast<uint64_t>(seconds * 1e9);
    return true;
}

// pthread_self() of the thread that a _ThreadHandle stands for; 0 if there is nothing to wait for, or nobody else.
uintptr_t running_thread(PyObject* handle) {
    const Reference ident(attribute(handle, "ident"));
    const Reference is_done(attribute(handle, "is_done"));
    const Reference done(is_done ? python.PyObject_CallObject(is_done.get(), nullptr) : nullptr);
    const uintptr_t thread =
        ident && done && done.get() != python._Py_TrueStruct ? python.PyLong_AsUnsignedLong(ident.get()) : 0;
    if (python.PyErr_Occurred() != nullptr) {
        python.PyErr_Clear();
        return 0;
    }
    return thread != static_cast<uintptr_t>(pthread_self()) ? thread : 0;
}

PyObject* join_without_waiting(const Patched& builtin, const Arguments& arguments) {
    const Reference zero(python.PyFloat_FromDouble(0));
    const Reference tuple(python.PyTuple_New(1));
    if (!zero || !tuple) {
        return nullptr;
    }
    python.Py_IncRef(zero.get());
    python.PyTuple_SetItem(tuple.get(), 0, zero.get());
    PyObject* fast[] = {zero.get()};
    const bool fast_call = builtin.definition->ml_flags & METH_FASTCALL;
    void* const at_once = fast_call ? static_cast<void*>(fast) : tuple.get();
    return builtin({{arguments.at[0], at_once, reinterpret_cast<void*>(intptr_t{1}), nullptr, nullptr}});
}

// A handle can be done while its thread goes on: the main thread's is, when the interpreter shuts down, and those of
// threads that Python has not started. So the handle is asked again now and then.
uint64_t next_look(uintptr_t thread) {
    return now_ns() + (is_main_thread(thread) ? 20'000'000 : 500'000'000);
}

JoinWait wait_without_gil(uintptr_t thread, uint64_t deadline) {
    void* const state = python.PyEval_SaveThread();
    const JoinWait wait = wait_for_thread_end(thread, deadline, next_look(thread));
    python.PyEval_RestoreThread(state);
    return wait;
}

}  // namespace

// Thread._wait_for_tstate_lock of 3.9 to 3.12 asks lock.locked() when an exception leaves its wait. It takes True to
// mean that it has acquired the lock, and then releases it and marks the thread as ended: but a thread that still runs
// holds that lock itself (bpo-45274). Whether this thread has acquired it, we know.
PyObject* lock_locked(const Patched& builtin, const Arguments& arguments) {
    PyObject* const result = builtin(arguments);
    if (result == python._Py_TrueStruct && python_thread.last_acquired != arguments.at[0] &&
        called_from("_wait_for_tstate_lock", threading_file)) {
        python.Py_DecRef(result);
        return python.PyBool_FromLong(0);
    }
    return result;
}

// _ThreadHandle.join of 3.13 repeats a wait that was interrupted, or ended early, for ever. So the wait for the
// thread's end is ours, and the builtin is called when there is nothing left to wait for.
PyObject* join_handle(const Patched& builtin, const Arguments& arguments) {
    if (!in_main_interpreter(python.current_thread_state())) {
        return builtin(arguments);
    }
    uint64_t deadline;
    const uintptr_t thread = running_thread(static_cast<PyObject*>(arguments.at[0]));
    if (thread == 0 || !find_deadline(positional(builtin, arguments, 0), deadline)) {
        return blocking_builtin(builtin, About::Plain, arguments);
    }
    for (;;) {
        Frame frame{top_frame(), arguments.at[0], python.current_thread_state(), About::Join, {}, Call::running};
        enter_frame(frame);
        if (needs_attention() && raised_at_entry(frame)) {
            leave_frame(frame);
            return nullptr;
        }
        const JoinWait wait = wait_without_gil(thread, deadline);
        leave_frame(frame);
        switch (wait) {
            case JoinWait::interrupted:
                return finish_contested(builtin, &arguments, frame, nullptr);
            case JoinWait::signalled:
                if (python.Py_MakePendingCalls() < 0) {
                    return nullptr;
                }
                continue;
            case JoinWait::look_again:
                if (running_thread(static_cast<PyObject*>(arguments.at[0])) == 0) {
                    break;
                }
                continue;
            case JoinWait::timed_out:
                return join_without_waiting(builtin, arguments);
            case JoinWait::ended:
            case JoinWait::unknown:
                break;
        }
        return blocking_builtin(builtin, About::Plain, arguments);
    }
}

}  // namespace interrupt::cpython
