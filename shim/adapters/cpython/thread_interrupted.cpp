#include "shim/adapters/cpython/thread_interrupted.h"

#include <cerrno>

#include "shim/adapters/cpython/async_exception.h"
#include "shim/adapters/cpython/exception_classes.h"

namespace interrupt::cpython {

constinit PyObject* thread_interrupted = nullptr;

namespace {

constexpr const char documentation[] =
    "Raised in a thread that was interrupted, at the call in which it waited or between two bytecodes.\n\n"
    "It is no Exception, so that `except Exception` does not swallow it.";

// The nudge handler changes the class's reference count, and may do so between the load and the store of an increment
// in the bytecode that it has interrupted. Then one count is lost: this many can be before the class would be freed.
constexpr intptr_t spare_references = 1 << 20;

// For Python's own instantiation of the exception that was queued. Up to 3.11 that must make an instance of the very
// class, or fail; what it fails with is raised, and later versions add a note that says that it failed.
void* instance_of_chosen_class(Request request) {
    if (PyObject* const instance = python.minor >= 12 ? call_exception_class(request.error()) : nullptr) {
        return instance;
    }
    raise_exception_class(request.error());
    return nullptr;
}

void* new_instance(void*, void* arguments, void* keywords, void*, void*) {
    const bool class_alone = python.PyTuple_Size(static_cast<PyObject*>(arguments)) == 1;
    const Request chosen = note_instantiation(class_alone);
    if (chosen.pending()) {
        return instance_of_chosen_class(chosen);
    }
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
    forget_uninstantiated();
    switch (request.outcome()) {
        case Outcome::default_:
            python.PyErr_SetNone(thread_interrupted);
            break;
        case Outcome::exception:
            raise_exception_class(request.error());
            break;
        default:
            errno = errno_of(request);
            python.PyErr_SetFromErrno(*python.PyExc_OSError);
    }
}

}  // namespace interrupt::cpython
