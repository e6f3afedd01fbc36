// A request and a builtin meet in one of four ways. Pending before the call: the exception is raised and nothing is
// called. During a wait inside: the interposed call gives up, and the exception takes the place of what the builtin
// made of that. A result that really arrived: it is returned, and the request is put back. After the call: this
// thread's next trampoline raises it, or a millisecond of computing does.
#include "shim/adapters/cpython/blocking_builtin.h"

#include "shim/adapters/cpython/async_exception.h"
#include "shim/adapters/cpython/thread_interrupted.h"
#include "shim/adapters/cpython/thread_start.h"

namespace interrupt::cpython {

constinit thread_local PythonThread python_thread;

namespace {

constexpr uint64_t retry_ns = 1'000'000;

// Methods of the threading module that leave something broken behind when they do not get their lock: Condition.wait
// re-takes its lock in a `finally` and would release it without holding it; a thread that begins or ends would stay in
// threading.enumerate() for ever.
constexpr const char* callers_that_must_acquire[] = {"_acquire_restore", "_bootstrap_inner", "_delete", "_stop"};

bool must_acquire(const Frame& frame) {
    if (frame.about != About::Acquire) {
        return false;
    }
    for (const char* const caller : callers_that_must_acquire) {
        if (called_from(caller, threading_file)) {
            return true;
        }
    }
    return false;
}

// What the failing call made the builtin raise, as opposed to an exception of a signal handler written in Python.
bool made_by_failing_call(About about) {
    if (python.PyErr_Occurred() == nullptr || about == About::Queue) {
        return true;
    }
    return python.PyErr_ExceptionMatches(*python.PyExc_OSError) != 0 ||
           (about == About::Database && python.PyErr_ExceptionMatches(*python.PyExc_Exception) != 0) ||
           (about == About::Input && python.PyErr_ExceptionMatches(*python.PyExc_EOFError) != 0);
}

bool gained_nothing(const Frame& frame, const PyObject* result) {
    if (result == nullptr) {
        return made_by_failing_call(frame.about);
    }
    return frame.about == About::Status || (frame.about == About::Acquire && result != python._Py_TrueStruct);
}

void drop(PyObject* result) {
    python.PyErr_Clear();
    if (result != nullptr) {
        python.Py_DecRef(result);
    }
}

// A request that is claimed since a call inside the builtin gave up: delivered, or pending again. Not if Python code
// that the library has called meanwhile (a function of SQL's) took it, or cleared it.
PyObject* finish_claimed(const Frame& frame, PyObject* result) {
    const bool taken = is_raised(frame.gave_up) && !python_thread.owed;
    python_thread.owed = false;
    if (taken) {
        if (!python_thread.armed) {
            unclaim();
        }
        return result;
    }
    if (!gained_nothing(frame, result)) {
        unclaim();
        return result;
    }
    if (deliver_claimed(frame.gave_up_in)) {
        drop(result);
        raise_outcome(frame.gave_up);
        return nullptr;
    }
    return result;
}

}  // namespace

void retry_between_bytecodes() {
    const Request request = deliverable(true);
    if (request.pending() && is_raised(request)) {
        start_cpu_retry(retry_ns);
    }
}

bool needs_attention() {
    return is_anything_set(python_thread) || thread_context.runtime_signal || deliverable(true).pending();
}

bool raised_at_entry(Frame& frame) {
    if (!is_of_main_interpreter(frame)) {
        return false;
    }
    if (thread_context.runtime_signal) {
        thread_context.runtime_signal = false;
        if (python.PyErr_CheckSignals() < 0) {
            return true;
        }
    }
    if (is_starting()) {
        frame.about = About::Unasked;
        return false;
    }
    const bool masked = thread_context.mask != Mask::none;
    const bool must_go_on = must_acquire(frame);
    if (must_go_on) {
        frame.about = About::Unasked;
    }
    const Request on_its_way = take_back_claimed();
    if (!take_back_stale_flag()) {
        unclaim();
        return true;
    }
    if (on_its_way.pending() && !masked && !must_go_on && deliver_claimed(Call::running)) {
        raise_outcome(on_its_way);
        return true;
    }
    unclaim();
    // Other outcomes act at waits alone: if the builtin waits, the interposed call has them.
    for (Request request = deliverable(true); !must_go_on && is_raised(request); request = deliverable(true)) {
        if (consume(request, Call::running)) {
            raise_outcome(request);
            return true;
        }
    }
    return false;
}

PyObject* blocking_builtin(const Patched& builtin, About about, const Arguments& arguments) {
    Frame frame{top_frame(), arguments.at[0], python.current_thread_state(), about, {}, Call::running};
    enter_frame(frame);
    return blocking_builtin_in(frame, builtin, arguments);
}

PyObject* blocking_builtin_in(Frame& frame, const Patched& builtin, const Arguments& arguments) {
    const bool acquires = frame.about == About::Acquire;
    if (needs_attention() && raised_at_entry(frame)) {
        leave_frame(frame);
        return nullptr;
    }
    PyObject* const result = builtin(arguments);
    leave_frame(frame);
    if (acquires && result == python._Py_TrueStruct) {
        python_thread.last_acquired = frame.self;
    }
    return finish_contested(builtin, &arguments, frame, result);
}

PyObject* finish_contested(const Patched& builtin, const Arguments* arguments, Frame& frame, PyObject* result) {
    python_thread.mute_perror = false;
    if (frame.gave_up.word != 0 && keeps_giving_up(frame.about)) {
        result = finish_claimed(frame, result);
    } else if (frame.gave_up.word != 0) {
        const Request request = frame.gave_up;
        if (!gained_nothing(frame, result)) {
            owe(request);
        } else {
            drop(result);
            if (!must_acquire(frame)) {
                raise_outcome(request);
                return nullptr;
            }
            owe(request);
            frame.about = About::Unasked;
            enter_frame(frame);
            result = builtin(*arguments);
            leave_frame(frame);
        }
    }
    retry_between_bytecodes();
    return result;
}

}  // namespace interrupt::cpython
