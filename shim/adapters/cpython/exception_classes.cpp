// From outside a class comes as a name, and the moment at which it may be looked up is the one at which it is raised. A
// class that no name leads to (a local one, one that was replaced) comes from inside alone; its name gets its address.
#include "shim/adapters/cpython/exception_classes.h"

#include <cstdio>
#include <cstring>
#include <initializer_list>

#include "shim/adapters/cpython/thread_interrupted.h"
#include "shim/process.h"
#include "shim/requester.h"

namespace interrupt::cpython {

namespace {

// What is raised for a name of the table, once it has been made; of the table with this epoch.
struct Made {
    PyObject* type;
    const PyObject* of;  // the class that was chosen
    uint32_t epoch;
};
constinit Made made[max_exceptions] = {};

const char* name_at(uint16_t index) {
    const ExceptionName& slot = table_header().exceptions[index];
    return slot.state.load(std::memory_order_acquire) == ExceptionName::ready ? slot.name : "";
}

// The loaded module that the longest part of the name is of, borrowed, and what follows it.
PyObject* module_of(const char* name, const char*& rest) {
    char module[sizeof ExceptionName::name];
    snprintf(module, sizeof module, "%s", name);
    while (char* const dot = strrchr(module, '.')) {
        *dot = 0;
        if (PyObject* const found = python.PyDict_GetItemString(python.PyImport_GetModuleDict(), module)) {
            rest = name + (dot - module) + 1;
            return found;
        }
    }
    return nullptr;
}

bool is_exception_class(PyObject* object) {
    const bool is_class = python.PyObject_IsInstance(object, python.PyType_Type) == 1 &&
                          python.PyObject_IsSubclass(object, *python.PyExc_BaseException) == 1;
    python.PyErr_Clear();
    return is_class;
}

// A new reference, or null.
PyObject* class_named(const char* name) {
    const char* rest = nullptr;
    PyObject* found = module_of(name, rest);
    if (found == nullptr) {
        return nullptr;
    }
    python.Py_IncRef(found);
    while (found != nullptr && *rest != 0) {
        const Reference owner(found);
        char part[sizeof ExceptionName::name];
        const size_t length = strcspn(rest, ".");
        snprintf(part, sizeof part, "%.*s", static_cast<int>(length), rest);
        rest += length + (rest[length] == '.');
        found = attribute(owner.get(), part);
    }
    if (found != nullptr && !is_exception_class(found)) {
        python.Py_DecRef(found);
        return nullptr;
    }
    return found;
}

bool catches_already(PyObject* type) {
    return python.PyObject_IsSubclass(type, thread_interrupted) == 1;
}

// A class that is a `type` and a ThreadInterrupted; if the two cannot be one, `type` itself. A new reference.
PyObject* make_class(PyObject* type, const char* name) {
    python.Py_IncRef(type);
    if (catches_already(type)) {
        return type;
    }
    const Reference bases(python.PyTuple_New(2));
    if (bases) {
        python.Py_IncRef(type);
        python.PyTuple_SetItem(bases.get(), 0, type);
        python.Py_IncRef(thread_interrupted);
        python.PyTuple_SetItem(bases.get(), 1, thread_interrupted);
        if (PyObject* const both = python.PyErr_NewException(name, bases.get(), nullptr)) {
            for (const char* const shown : {"__module__", "__qualname__"}) {
                if (const Reference value(attribute(type, shown)); value) {
                    python.PyObject_SetAttrString(both, shown, value.get());
                }
            }
            python.PyErr_Clear();
            python.Py_DecRef(type);
            return both;
        }
    }
    python.PyErr_Clear();
    return type;
}

bool is_made(uint16_t index) {
    return made[index].type != nullptr && made[index].epoch == process.epoch;
}

// A class of the same name may have taken the place of the one that was meant before.
void make(uint16_t index, PyObject* chosen, const char* name) {
    if (!is_made(index) || made[index].of != chosen) {
        made[index] = {make_class(chosen, name), chosen, process.epoch};
    }
}

// Borrowed; null if there is none.
PyObject* class_at(uint16_t index) {
    if (index >= max_exceptions) {
        return nullptr;
    }
    const char* const name = name_at(index);
    if (const Reference type(class_named(name)); type) {
        make(index, type.get(), name);
    }
    return is_made(index) ? made[index].type : nullptr;
}

PyObject* sentence_about(uint16_t index) {
    char sentence[sizeof ExceptionName::name + 80];
    snprintf(sentence, sizeof sentence, "interrupted as exception:%s, but there is no exception class of that name",
             index < max_exceptions ? name_at(index) : "");
    return python.PyUnicode_FromString(sentence);
}

// A class whose __init__ wants arguments gets an instance that was not initialised.
PyObject* make_uninitialised(PyObject* type) {
    const Reference base_new(attribute(*python.PyExc_BaseException, "__new__"));
    const Reference arguments(python.PyTuple_New(1));
    if (!base_new || !arguments) {
        return nullptr;
    }
    python.Py_IncRef(type);
    python.PyTuple_SetItem(arguments.get(), 0, type);
    return python.PyObject_CallObject(base_new.get(), arguments.get());
}

// "module.qualname"; false if the class does not say.
bool full_name(PyObject* type, char* name, size_t size) {
    const Reference module(attribute(type, "__module__"));
    const Reference qualname(attribute(type, "__qualname__"));
    const char* const prefix = module ? text_of(module.get()) : nullptr;
    const char* const rest = qualname ? text_of(qualname.get()) : nullptr;
    return prefix != nullptr && rest != nullptr &&
           static_cast<size_t>(snprintf(name, size, "%s.%s", prefix, rest)) < size;
}

PyObject* make_interrupted_with_sentence(uint16_t index) {
    const Reference sentence(sentence_about(index));
    const Reference arguments(python.PyTuple_New(1));
    if (!sentence || !arguments) {
        return nullptr;
    }
    python.Py_IncRef(sentence.get());
    python.PyTuple_SetItem(arguments.get(), 0, sentence.get());
    return python.PyObject_CallObject(thread_interrupted, arguments.get());
}

}  // namespace

int index_of_exception_class(PyObject* type) {
    char name[sizeof ExceptionName::name];
    if (!full_name(type, name, sizeof name)) {
        snprintf(name, sizeof name, "libinterrupt.class");
    }
    const Reference found(class_named(name));
    if (found.get() == type) {
        return index_of_exception(table_header(), name);
    }
    char text[sizeof ExceptionName::name];
    snprintf(text, sizeof text, "%.90s#%p", name, static_cast<void*>(type));
    const int index = index_of_exception(table_header(), text);
    if (index >= 0) {
        make(static_cast<uint16_t>(index), type, name);
    }
    return index;
}

void forget_exception_classes() {
    for (Made& one : made) {
        one = {};
    }
}

PyObject* call_exception_class(uint16_t index) {
    PyObject* const type = class_at(index);
    PyObject* const instance = type != nullptr ? python.PyObject_CallObject(type, nullptr) : nullptr;
    if (instance == nullptr) {
        python.PyErr_Clear();
    }
    return instance;
}

void raise_exception_class(uint16_t index) {
    Reference instance(call_exception_class(index));
    if (!instance) {
        PyObject* const type = class_at(index);
        instance.reset(type != nullptr ? make_uninitialised(type) : make_interrupted_with_sentence(index));
    }
    if (instance) {
        python.PyErr_SetObject(static_cast<PyObject*>(instance.get()->type), instance.get());
    }
}

}  // namespace interrupt::cpython
