// CPython as the adapter sees it: its symbols, and the few structs whose layout it relies on. There are no headers of
// Python here; what is declared is verified before it is used (install.cpp).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "shim/adapters/cpython/loaded_object.h"

namespace interrupt::cpython {

struct PyObject {
    intptr_t refcnt;
    void* type;
};

// Every calling convention of CPython passes at most five pointers or integers in registers (METH_METHOD |
// METH_FASTCALL | METH_KEYWORDS: self, class, arguments, count, names), so one shape stands for them all.
using Method = void* (*)(void*, void*, void*, void*, void*);

struct PyMethodDef {
    const char* ml_name;
    Method ml_meth;
    int ml_flags;
    const char* ml_doc;
};

struct PyCFunction {
    PyObject head;
    PyMethodDef* m_ml;
    PyObject* m_self;
    PyObject* m_module;
};

struct PyMethodDescr {
    PyObject head;
    void* d_type;
    PyObject* d_name;
    PyObject* d_qualname;
    PyMethodDef* d_method;
};

// PyMethodDef::ml_flags
inline constexpr int METH_VARARGS = 0x1;
inline constexpr int METH_KEYWORDS = 0x2;
inline constexpr int METH_NOARGS = 0x4;
inline constexpr int METH_O = 0x8;
inline constexpr int METH_FASTCALL = 0x80;
inline constexpr int METH_METHOD = 0x200;

inline constexpr int Py_file_input = 257;

struct PythonApi {
#define FUNCTION(ret, name, params) ret(*name) params;
#define OPTIONAL(ret, name, params) ret(*name) params;
#define OBJECT(name) PyObject* name;
#define OPTIONAL_OBJECT(name) PyObject* name;
#define VARIABLE(name) PyObject** name;
#include "shim/adapters/cpython/python_api.def"
#undef FUNCTION
#undef OPTIONAL
#undef OBJECT
#undef OPTIONAL_OBJECT
#undef VARIABLE

    // The thread state that holds the GIL, or null: one load on every version. Async-signal-safe.
    void* (*current_thread_state)(void);

    int minor;         // of version 3
    char version[24];  // "3.11.2"
    char runtime[40];  // "CPython 3.11.2"
};

extern PythonApi python;

// The executable or library that this is in; an empty one where a Python is left alone.
extern LoadedObject python_object;

// Whether there is one in this process, be it in a library that was loaded with RTLD_LOCAL.
// Later than at the start no symbol is looked up unless such a library is there: that would wait for another thread's
// dlopen().
bool find_python(bool at_start);

// Fills `python`, after find_python(). Null, or why this Python is to be left alone. Needs no GIL.
const char* load_python_api();

// The main interpreter, once found_main_interpreter() has been true.
extern void* main_interpreter;

// Finds it, and verifies where a thread state keeps its interpreter. With the GIL held, and only while there is no
// other interpreter.
bool find_main_interpreter();

// Whether a thread state is one of the main interpreter. Async-signal-safe.
bool in_main_interpreter(const void* thread_state);

// There is, or has been, another interpreter than the main one. Set when it imports its first modules.
extern std::atomic<bool> other_interpreters;

// An owned reference, released at the end of its scope. With the GIL held.
class Reference {
public:
    explicit Reference(PyObject* object = nullptr) : object_(object) {}
    ~Reference() {
        if (object_ != nullptr) {
            python.Py_DecRef(object_);
        }
    }
    Reference(const Reference&) = delete;
    Reference& operator=(const Reference&) = delete;
    PyObject* get() const { return object_; }
    void reset(PyObject* object) { const Reference before(std::exchange(object_, object)); }
    PyObject* release() {
        PyObject* const object = object_;
        object_ = nullptr;
        return object;
    }
    explicit operator bool() const { return object_ != nullptr; }

private:
    PyObject* object_;
};

// Whether `object` is exactly a str and equal to `text`.
bool is_string(PyObject* object, const char* text);

// The text of a str, as long as that lives; null, with no exception set, if it is none, or has surrogates. With the
// GIL held.
const char* text_of(PyObject* object);

// object.name, or a null reference with no exception set.
PyObject* attribute(PyObject* object, const char* name);

// Whether the Python function that has called the builtin we are in bears this name and is of a file whose name has
// `file` in it. With the GIL held and no exception set.
bool called_from(const char* function_name, const char* file);
inline constexpr const char threading_file[] = "threading.py";

// A new reference to None.
PyObject* new_none();

}  // namespace interrupt::cpython
