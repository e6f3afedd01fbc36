// `import libinterrupt`, with nothing installed, and the modules that are imported after the adapter.
//
// importlib asks _imp for frozen modules before it looks at sys.path, also with -I, -S and -E. So libinterrupt is a
// frozen module that only our trampolines know: its source is compiled when it is imported. It gets at what is written
// in C through the same door: _imp.get_frozen_object("libinterrupt.native") is the native module itself.
#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/native_module.h"
#include "shim/adapters/cpython/special_builtins.h"

namespace interrupt::cpython {

// control/python/libinterrupt/__init__.py, put into an array by the build.
extern const char module_source[];

namespace {

constexpr const char module_name[] = "libinterrupt";
constexpr const char native_name[] = "libinterrupt.native";

bool asks_for(const Patched& builtin, const Arguments& arguments, const char* name) {
    return is_string(positional(builtin, arguments, 0), name) && in_main_interpreter(python.current_thread_state());
}

}  // namespace

PyObject* exec_module(const Patched& builtin, const Arguments& arguments) {
    const bool in_main = in_main_interpreter(python.current_thread_state());
    if (!in_main) {
        other_interpreters.store(true, std::memory_order_relaxed);
        main_interpreter_alone.store(false, std::memory_order_relaxed);
    }
    PyObject* const result = builtin(arguments);
    if (result != nullptr && in_main) {
        auto* const module = static_cast<PyObject*>(arguments.at[1]);
        if (const char* const name = python.PyModule_GetName(module)) {
            patch_module(module, name);
        } else {
            python.PyErr_Clear();
        }
    }
    return result;
}

PyObject* is_frozen(const Patched& builtin, const Arguments& arguments) {
    return asks_for(builtin, arguments, module_name) ? python.PyBool_FromLong(1) : builtin(arguments);
}

// Answers (data, is a package, original name).
PyObject* find_frozen(const Patched& builtin, const Arguments& arguments) {
    if (!asks_for(builtin, arguments, module_name)) {
        return builtin(arguments);
    }
    PyObject* const found = python.PyTuple_New(3);
    if (found != nullptr) {
        python.PyTuple_SetItem(found, 0, new_none());
        python.PyTuple_SetItem(found, 1, python.PyBool_FromLong(0));
        python.PyTuple_SetItem(found, 2, new_none());
    }
    return found;
}

PyObject* get_frozen_object(const Patched& builtin, const Arguments& arguments) {
    if (asks_for(builtin, arguments, module_name)) {
        return python.Py_CompileString(module_source, "<frozen libinterrupt>", Py_file_input);
    }
    return asks_for(builtin, arguments, native_name) ? make_native_module(native_name) : builtin(arguments);
}

}  // namespace interrupt::cpython
