#include "shim/adapters/cpython/thread_interrupted.h"

#include <cerrno>

#include "shim/adapters/cpython/async_exception.h"

namespace interrupt::cpython {

constinit PyObject* thread_interrupted = nullptr;

namespace {

constexpr const char documentation[] =
    "Raised in a thread that was interrupted, at the call in which it waited or between two bytecodes.\n\n"
    "It is no Exception, so that `except Exception` does not swallow it.";

// The nudge handler changes the class's reference count, and may do so between the load and the store of an increment
// in the bytecode that it has interrupted. Then one count is lost: this many can be before the class would be freed.
constexpr intptr_t spare_references = 1 << 20;

void* new_instance(void*, void* arguments, void* keywords, void*, void*) {
    note_instantiation();
    const Reference base_new(python.PyObject_GetAttrString(*python.PyExc_BaseException, "__new__"));
    return base_new ? python.PyObject_Call(base_new.get(), static_cast<PyObject*>(arguments),
                                           static_cast<PyObject*>(keywords))
                    : nullptr;
}

constinit PyMethodDef new_definition = {"__new__", new_instance, METH_VARARGS | METH_KEYWORDS, nullptr};

}  // namespace

bool make_thread_interrupted() {
    const Reference dictionary(python.PyDict_New());
    const Reference new_function(python.PyCFunction_NewEx(&new_definition, nullptr, nullptr));
    const Reference doc(python.PyUnicode_FromString(documentation));
    if (!dictionary || !new_function || !doc ||
        python.PyDict_SetItemString(dictionary.get(), "__new__", new_function.get()) != 0 ||
        python.PyDict_SetItemString(dictionary.get(), "__doc__", doc.get()) != 0) {
        python.PyErr_Clear();
        return false;
    }
    thread_interrupted =
        python.PyErr_NewException("libinterrupt.ThreadInterrupted", *python.PyExc_BaseException, dictionary.get());
    if (thread_interrupted == nullptr) {
        python.PyErr_Clear();
        return false;
    }
    thread_interrupted->refcnt += spare_references;
    return true;
}

void raise_outcome(Request request) {
    if (request.outcome() == Outcome::error) {
        errno = request.error();
        python.PyErr_SetFromErrno(*python.PyExc_OSError);
    } else {
        python.PyErr_SetNone(thread_interrupted);
    }
}

}  // namespace interrupt::cpython
