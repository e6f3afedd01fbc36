#include "shim/adapters/cpython/python_api.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>

#include <cstdio>
#include <cstring>

namespace interrupt::cpython {

constinit PythonApi python{};
constinit LoadedObject python_object;
constinit void* main_interpreter = nullptr;
constinit std::atomic<bool> other_interpreters = false;

namespace {

struct Symbol {
    const char* name;
    size_t offset;  // in PythonApi
    bool needed;
    bool is_function;
};

constexpr Symbol symbols[] = {
#define FUNCTION(ret, name, params) {#name, offsetof(PythonApi, name), true, true},
#define OPTIONAL(ret, name, params) {#name, offsetof(PythonApi, name), false, true},
#define OBJECT(name) {#name, offsetof(PythonApi, name), true, false},
#define OPTIONAL_OBJECT(name) {#name, offsetof(PythonApi, name), false, false},
#define VARIABLE(name) {#name, offsetof(PythonApi, name), true, false},
#include "shim/adapters/cpython/python_api.def"
#undef FUNCTION
#undef OPTIONAL
#undef OBJECT
#undef OPTIONAL_OBJECT
#undef VARIABLE
};

// In every version from 3.6 to 3.13: struct _ts { prev, next, interp, ... }.
constexpr size_t interpreter_offset = 16;

constexpr const char a_symbol[] = "Py_GetVersion";

// Where dlsym() finds them all.
constinit void* python_library = RTLD_DEFAULT;

// Functions in the object itself, which is faster. A variable is where dlsym() says: an executable that names one of
// libpython's has a copy, and the copy is in use.
class SymbolSearch {
public:
    SymbolSearch() {
        void* const found = dlsym(python_library, a_symbol);
        const LoadedObject object = LoadedObject::containing(found);
        const ElfW(Sym)* const symbol = object.symbol(a_symbol);
        if (symbol != nullptr && object.address_of(symbol) == found) {  // not an executable's stand-in for it
            object_ = object;
        }
    }
    void* find(const Symbol& wanted) const {
        const ElfW(Sym)* const symbol = wanted.is_function ? object_.symbol(wanted.name) : nullptr;
        return symbol != nullptr ? object_.address_of(symbol) : dlsym(python_library, wanted.name);
    }

private:
    LoadedObject object_;
};

constexpr int oldest_minor = 6;
constexpr int newest_minor = 13;

bool read_version() {
    const char* const full = python.Py_GetVersion();  // "3.11.2 (main, ...) [GCC ...]"
    const size_t length = strcspn(full, " ");
    if (length >= sizeof python.version) {
        return false;
    }
    memcpy(python.version, full, length);
    strcpy(python.runtime, "CPython ");
    strcat(python.runtime, python.version);
    if (full[0] != '3' || full[1] != '.') {
        return false;
    }
    for (const char* digit = full + 2; *digit >= '0' && *digit <= '9'; ++digit) {
        python.minor = python.minor * 10 + (*digit - '0');
    }
    return oldest_minor <= python.minor && python.minor <= newest_minor;
}

}  // namespace

bool find_python(bool at_start) {
    if (at_start && dlsym(RTLD_DEFAULT, a_symbol) != nullptr) {
        python_library = RTLD_DEFAULT;
        return true;
    }
    char path[PATH_MAX] = "";
    const auto visit = [](dl_phdr_info* info, size_t, void* data) {
        const char* const slash = strrchr(info->dlpi_name, '/');
        if (strncmp(slash != nullptr ? slash + 1 : info->dlpi_name, "libpython3", 10) != 0) {
            return 0;
        }
        snprintf(static_cast<char*>(data), PATH_MAX, "%s", info->dlpi_name);
        return 1;
    };
    dl_iterate_phdr(visit, path);
    // Kept open: its tables point to our trampolines from now on.
    void* const library = path[0] != 0 ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : nullptr;
    if (library == nullptr || dlsym(library, a_symbol) == nullptr) {
        return false;
    }
    python_library = library;
    return true;
}

const char* load_python_api() {
    python.minor = 0;
    bool complete = true;
    const SymbolSearch search;
    for (const Symbol& symbol : symbols) {
        void* const found = search.find(symbol);
        memcpy(reinterpret_cast<char*>(&python) + symbol.offset, &found, sizeof found);
        complete &= found != nullptr || !symbol.needed;
    }
    python.current_thread_state = python._PyThreadState_UncheckedGet != nullptr ? python._PyThreadState_UncheckedGet
                                                                                : python.PyThreadState_GetUnchecked;
    if (python._PyEval_EvalFrameDefault == nullptr || !read_version()) {  // what bears its name only, is not called
        return "only CPython 3.6 to 3.13 is known";
    }
    if (strstr(python.Py_GetVersion(), "free-threading") != nullptr) {
        return "a free-threaded build is not known";
    }
    if (!complete || python.current_thread_state == nullptr) {
        return "a symbol of its C API is missing";
    }
    python_object = LoadedObject::containing(reinterpret_cast<const void*>(python._PyEval_EvalFrameDefault));
    return nullptr;
}

bool in_main_interpreter(const void* thread_state) {
    return *reinterpret_cast<void* const*>(static_cast<const char*>(thread_state) + interpreter_offset) ==
           main_interpreter;
}

bool find_main_interpreter() {
    void* const head = python.PyInterpreterState_Head();
    const void* const thread_state = python.current_thread_state();
    if (head == nullptr || thread_state == nullptr || python.PyInterpreterState_Next(head) != nullptr) {
        return false;
    }
    main_interpreter = head;
    return in_main_interpreter(thread_state);
}

bool is_string(PyObject* object, const char* text) {
    return object != nullptr && object->type == python.PyUnicode_Type &&
           python.PyUnicode_CompareWithASCIIString(object, text) == 0;
}

const char* text_of(PyObject* object) {
    const char* const text = object->type == python.PyUnicode_Type ? python.PyUnicode_AsUTF8(object) : nullptr;
    if (text == nullptr) {
        python.PyErr_Clear();
    }
    return text;
}

PyObject* attribute(PyObject* object, const char* name) {
    PyObject* const found = python.PyObject_GetAttrString(object, name);
    if (found == nullptr) {
        python.PyErr_Clear();
    }
    return found;
}

PyObject* new_none() {
    python.Py_IncRef(python._Py_NoneStruct);
    return python._Py_NoneStruct;
}

bool called_from(const char* function_name, const char* file) {
    PyObject* const frame = python.PyEval_GetFrame();  // borrowed
    if (frame == nullptr) {
        python.PyErr_Clear();
        return false;
    }
    // Not by attribute where it can be helped: that is an audit event.
    const Reference code(python.PyFrame_GetCode != nullptr ? python.PyFrame_GetCode(frame)
                                                           : attribute(frame, "f_code"));
    if (!code) {
        return false;
    }
    const Reference name(attribute(code.get(), "co_name"));
    if (!is_string(name.get(), function_name)) {
        return false;
    }
    const Reference path(attribute(code.get(), "co_filename"));
    const char* const text = path ? text_of(path.get()) : nullptr;
    return text != nullptr && strstr(text, file) != nullptr;
}

}  // namespace interrupt::cpython
