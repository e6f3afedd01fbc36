// Python has no moment at which it calls us. But whenever it makes a blocking call it has released the GIL, and then
// this thread may take it: on every version that is first so when `encodings` is opened, before any code of the user's.
#include "shim/adapters/cpython/install.h"

#include <cerrno>
#include <cstdio>

#include "shim/adapters/cpython/async_exception.h"
#include "shim/adapters/cpython/end_of_program.h"
#include "shim/adapters/cpython/exception_classes.h"
#include "shim/adapters/cpython/interpreter_lock.h"
#include "shim/adapters/cpython/main_thread.h"
#include "shim/adapters/cpython/thread_interrupted.h"
#include "shim/adapters/cpython/trampolines.h"

namespace interrupt::cpython {

namespace {

constinit bool loaded = false;
constinit std::atomic<Phase> current_phase = Phase::waiting;

void enter(Phase phase) {
    current_phase.store(phase);
    trampolines_active.store(phase == Phase::installed);
    main_interpreter_alone.store(phase == Phase::installed && !other_interpreters.load());
}

void at_finalization() {
    enter(Phase::waiting);  // it may begin again
    forget_exception_classes();
    report_adapter(AdapterState::finalized, nullptr, nullptr);
    ask_adapter_again();
}

bool object_header_is_known() {
    const Reference size(attribute(python.PyBaseObject_Type, "__basicsize__"));
    return size && python.PyLong_AsLong(size.get()) == sizeof(PyObject);
}

// Null, or why this Python is to be left alone. With the GIL held.
const char* install() {
    if (!object_header_is_known()) {
        return "its objects have another header than this library knows";
    }
    if (!find_main_interpreter()) {
        return "its thread state has another layout than this library knows";
    }
    if (!find_bytecode_loop()) {
        return "its bytecode loop has no size";
    }
    if (!make_thread_interrupted()) {
        return "it would not make the class ThreadInterrupted";
    }
    if (!find_exception_queue()) {
        return "its thread state has another layout than this library knows";
    }
    find_interpreter_lock();
    patch_imported_modules();
    if (!is_patched("_imp", "exec_builtin") || !is_patched("_imp", "exec_dynamic")) {
        return "its tables of builtins have another layout than this library knows";
    }
    if (python.Py_AtExit(at_finalization) != 0) {
        return "it takes no more functions to call at its end";
    }
    set_main_thread();
    return nullptr;
}

void refuse(const char* reason) {
    enter(Phase::refused);
    report_adapter(AdapterState::refused, python.runtime, reason);
}

void report_installed() {
    char reason[128] = "";
    const LeftAlone alone = left_alone();
    if (alone.count != 0) {
        snprintf(reason, sizeof reason, "%d builtins did not verify and are left alone, %s first", alone.count,
                 alone.first);
    }
    report_adapter(AdapterState::installed, python.runtime, reason);
}

// Whether there is a Python to move into yet; then what came of it.
bool install_with_gil() {
    PyObject* const modules = python.PyImport_GetModuleDict();
    if (modules == nullptr || python.PyDict_GetItemString(modules, "_imp") == nullptr ||
        python.PyDict_GetItemString(modules, "builtins") == nullptr) {
        return false;
    }
    PyObject* type;
    PyObject* value;
    PyObject* traceback;
    python.PyErr_Fetch(&type, &value, &traceback);
    if (const char* const reason = install()) {
        refuse(reason);
    } else {
        enter(Phase::installed);
        register_end_of_program();
        report_installed();
    }
    python.PyErr_Restore(type, value, traceback);
    return true;
}

}  // namespace

bool is_python_text(const void* address) {
    return python_object.holds(address, 1, PF_X);
}

Phase phase() {
    return current_phase.load(std::memory_order_relaxed);
}

const void* own_thread_state() {
    return python.PyGILState_GetThisThreadState != nullptr ? python.PyGILState_GetThisThreadState() : &python;
}

bool settle(const BlockedCall& call) {
    if (!loaded) {
        loaded = true;
        if (const char* const reason = load_python_api()) {
            refuse(reason);
            return true;
        }
        report_adapter(AdapterState::waiting, python.runtime, nullptr);
    }
    const Kind kind = traits(call.call).kind;
    if (kind == Kind::Condition || kind == Kind::Semaphore || !is_python_text(call.caller) ||
        python.PyGILState_GetThisThreadState() == nullptr || python.PyGILState_Check() != 0) {
        return false;
    }
    const int saved_errno = errno;
    const int state = python.PyGILState_Ensure();
    const bool settled = install_with_gil();
    python.PyGILState_Release(state);
    errno = saved_errno;
    return settled;
}

}  // namespace interrupt::cpython
