// A thread starts in Thread._bootstrap_inner: `self._started.set()`, then `with _active_limbo_lock:`, then
// `self.run()`. So the trampolines know the start's end by the lock that _bootstrap_inner itself takes; what is called
// before that is called from one of a few methods of the threading module. The interpreter is ready when it has
// its standard streams and has imported site.
#include "shim/adapters/cpython/thread_start.h"

#include <cstdio>
#include <utility>

#include "shim/adapters/cpython/async_exception.h"
#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/end_of_program.h"
#include "shim/adapters/cpython/install.h"
#include "shim/adapters/cpython/main_thread.h"
#include "shim/adapters/cpython/special_builtins.h"
#include "shim/platform/platform.h"

namespace interrupt::cpython {

namespace {

constexpr uint64_t longest_start_ns = 50'000'000;
constexpr uint64_t longest_initialisation_ns = 500'000'000;

constexpr const char* first_callers[] = {
    "_set_tstate_lock",               // up to 3.12
    "__enter__",        "_is_owned",  // Condition
    "_acquire_restore", "notify",     //
};

// The spec of the module site while that is being imported: an owned reference.
constinit PyObject* site_spec = nullptr;

bool is_being_imported(PyObject* spec) {
    const Reference initializing(attribute(spec, "_initializing"));
    return initializing && python.PyObject_IsTrue(initializing.get()) == 1;
}

bool has_imported_site(PyObject* modules) {
    const Reference flag(attribute(python.PySys_GetObject("flags"), "no_site"));
    if (flag && python.PyObject_IsTrue(flag.get()) == 1) {
        return true;
    }
    PyObject* const site = python.PyDict_GetItemString(modules, "site");
    const Reference spec(site != nullptr ? attribute(site, "__spec__") : nullptr);
    if (spec && is_being_imported(spec.get())) {
        python.Py_IncRef(spec.get());
        site_spec = spec.get();
        return false;
    }
    return site != nullptr;
}

bool interpreter_is_ready() {
    if (site_spec != nullptr) {  // each builtin that site calls asks
        if (is_being_imported(site_spec)) {
            return false;
        }
        python.Py_DecRef(std::exchange(site_spec, nullptr));
        return true;
    }
    PyObject* const modules = python.PyImport_GetModuleDict();
    return python.PySys_GetObject("stdout") != nullptr && python.PyDict_GetItemString(modules, "__main__") != nullptr &&
           has_imported_site(modules);
}

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

void begin_start() {
    python_thread.starting = true;
    python_thread.starting_since = os::coarse_ns();
}

}  // namespace

PyObject* start_thread(const Patched& builtin, const Arguments& arguments) {
    note_name(positional(builtin, arguments, 0));
    note_thread_start();
    PyObject* const result = builtin(arguments);
    thread_context.next_thread_name = {};
    return result;
}

bool starts_thread(const void* routine) {
    const bool ours = is_python_text(routine);
    python_thread.foreign = !ours;
    if (ours && thread_context.name.text[0] != 0) {
        begin_start();
    }
    return ours;
}

bool is_starting() {
    PythonThread& thread = python_thread;
    if (!thread.starting) {
        return false;
    }
    if (in_main_thread() && python.Py_IsInitialized() == 0) {
        return true;
    }
    if (has_started_by_now()) {
        return false;
    }
    if (in_main_thread()) {
        thread.starting =
            !interpreter_is_ready() || called_from("release", "importlib");  // importlib's, of its lock for site
        return thread.starting;
    }
    for (const char* const caller : first_callers) {
        if (called_from(caller, threading_file)) {
            return true;
        }
    }
    thread.starting = false;
    return called_from("_bootstrap_inner", threading_file);
}

void begin_initialisation() {
    site_spec = nullptr;
    begin_start();
}

bool has_started_by_now() {
    const uint64_t longest = in_main_thread() ? longest_initialisation_ns : longest_start_ns;
    if (os::coarse_ns() - python_thread.starting_since > longest && cpu_time_ns() > longest) {
        python_thread.starting = false;
    }
    return !python_thread.starting;
}

}  // namespace interrupt::cpython
