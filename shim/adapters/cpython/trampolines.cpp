#include "shim/adapters/cpython/trampolines.h"

#include <cstring>
#include <utility>

#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/loaded_object.h"
#include "shim/adapters/cpython/special_builtins.h"
#include "shim/arch/arch.h"

namespace interrupt::cpython {

constinit std::atomic<bool> trampolines_active = false;
constinit std::atomic<bool> main_interpreter_alone = false;

namespace {

struct Builtin {
    const char* module;
    const char* owner;
    const char* name;
    About about;
    Special special;
};

constexpr Builtin builtins[] = {
#define BUILTIN(module, owner, name, about) {module, owner, name, About::about, nullptr},
#define SPECIAL(module, owner, name, function) {module, owner, name, About::Plain, function},
#include "shim/adapters/cpython/builtins.def"
#undef BUILTIN
#undef SPECIAL
};
constexpr size_t builtin_count = sizeof builtins / sizeof builtins[0];

// GCC does not take a function's address for a constant that is not null where it has to look for undefined behaviour.
constexpr bool is_special[] = {
#define BUILTIN(...) false,
#define SPECIAL(...) true,
#include "shim/adapters/cpython/builtins.def"
#undef BUILTIN
#undef SPECIAL
};

constinit Patched patched[builtin_count] = {};
constinit LeftAlone refused{0, nullptr};

[[gnu::noinline]] PyObject* enter_builtin(const Patched& builtin, const Builtin& its, const Arguments& arguments) {
    if (!trampolines_active.load(std::memory_order_relaxed)) {
        return builtin(arguments);
    }
    return its.special != nullptr ? its.special(builtin, arguments) : blocking_builtin(builtin, its.about, arguments);
}

template <size_t row>
void* trampoline(void* a, void* b, void* c, void* d, void* e) {
    INTERRUPT_MARK_FRAME();  // pthread_exit leaves it without a return when a daemon thread meets the interpreter's end
    constexpr const Builtin& its = builtins[row];
    const Patched& builtin = patched[row];
    if constexpr (!is_special[row]) {
        if (main_interpreter_alone.load(std::memory_order_relaxed)) [[likely]] {
            return blocking_builtin_alone<its.about>(builtin, a, b, c, d, e);
        }
    }
    return enter_builtin(builtin, its, {{a, b, c, d, e}});
}

template <size_t... rows>
constexpr auto all_trampolines(std::index_sequence<rows...>) {
    struct Table {
        Method at[builtin_count];
    };
    return Table{{trampoline<rows>...}};
}
constexpr auto trampolines = all_trampolines(std::make_index_sequence<builtin_count>());

// The object that bears the builtin's name, as a new reference; null, with no exception set, if this Python lacks it.
PyObject* find_object(PyObject* module, const Builtin& builtin) {
    if (builtin.owner[0] == 0) {
        PyObject* const names = python.PyModule_GetDict(module);
        PyObject* const found = names != nullptr ? python.PyDict_GetItemString(names, builtin.name) : nullptr;
        if (found != nullptr) {
            python.Py_IncRef(found);
        } else {
            python.PyErr_Clear();  // what a program has put into sys.modules need not be a module
        }
        return found;
    }
    if (strcmp(builtin.owner, "poll()") != 0) {
        const Reference type(attribute(module, builtin.owner));
        return type ? attribute(type.get(), builtin.name) : nullptr;
    }
    const Reference function(attribute(module, "poll"));
    const Reference instance(function ? python.PyObject_CallObject(function.get(), nullptr) : nullptr);
    if (!instance) {
        python.PyErr_Clear();
        return nullptr;
    }
    return attribute(static_cast<PyObject*>(instance.get()->type), builtin.name);
}

PyMethodDef* definition_of(const PyObject* object) {
    const void* const type = object->type;
    if (type == python.PyCFunction_Type || (type == python.PyCMethod_Type && type != nullptr)) {
        return reinterpret_cast<const PyCFunction*>(object)->m_ml;
    }
    return type == python.PyMethodDescr_Type ? reinterpret_cast<const PyMethodDescr*>(object)->d_method : nullptr;
}

// Whether this is a static method table's entry for a function of that name, all of it in one loaded object.
bool verify(const PyMethodDef* definition, const char* name, LoadedObject& object) {
    if (definition == nullptr) {
        return false;
    }
    if (!object.holds(definition, sizeof *definition, PF_R | PF_W)) {
        object = LoadedObject::containing(definition);
    }
    return object.holds(definition, sizeof *definition, PF_R | PF_W) &&
           object.holds(definition->ml_name, strlen(name) + 1, PF_R) && strcmp(definition->ml_name, name) == 0 &&
           object.holds(reinterpret_cast<const void*>(definition->ml_meth), 1, PF_X);
}

void store_method(PyMethodDef* definition, Method method) {
    std::atomic_ref<Method>(definition->ml_meth).store(method, std::memory_order_release);
}

void patch(PyObject* module, size_t row, LoadedObject& last) {
    const Builtin& builtin = builtins[row];
    if (patched[row].definition != nullptr) {
        return;
    }
    const Reference object(find_object(module, builtin));
    if (!object) {
        return;
    }
    PyMethodDef* const definition = definition_of(object.get());
    if (!verify(definition, builtin.name, last)) {
        if (++refused.count == 1) {
            refused.first = builtin.name;
        }
        return;
    }
    patched[row] = {definition, definition->ml_meth};
    store_method(definition, trampolines.at[row]);
}

}  // namespace

void patch_module(PyObject* module, const char* name) {
    LoadedObject object;
    for (size_t row = 0; row < builtin_count; ++row) {
        if (strcmp(builtins[row].module, name) == 0) {
            patch(module, row, object);
        }
    }
}

void patch_imported_modules() {
    PyObject* const modules = python.PyImport_GetModuleDict();
    for (size_t row = 0; row < builtin_count; ++row) {
        if (row == 0 || strcmp(builtins[row].module, builtins[row - 1].module) != 0) {
            if (PyObject* const module = python.PyDict_GetItemString(modules, builtins[row].module)) {
                patch_module(module, builtins[row].module);
            }
        }
    }
}

LeftAlone left_alone() {
    return refused;
}

bool is_patched(const char* module, const char* name) {
    for (size_t row = 0; row < builtin_count; ++row) {
        if (strcmp(builtins[row].module, module) == 0 && strcmp(builtins[row].name, name) == 0) {
            return patched[row].definition != nullptr;
        }
    }
    return false;
}

PyObject* positional(const Patched& builtin, const Arguments& arguments, intptr_t i) {
    const int flags = builtin.definition->ml_flags;
    if (flags & METH_O) {
        return i == 0 ? static_cast<PyObject*>(arguments.at[1]) : nullptr;
    }
    if (flags & METH_FASTCALL) {
        const intptr_t count = reinterpret_cast<intptr_t>(arguments.at[2]);
        return i < count ? static_cast<PyObject* const*>(arguments.at[1])[i] : nullptr;
    }
    if (flags & METH_VARARGS) {
        auto* const tuple = static_cast<PyObject*>(arguments.at[1]);
        return i < python.PyTuple_Size(tuple) ? python.PyTuple_GetItem(tuple, i) : nullptr;
    }
    return nullptr;
}

}  // namespace interrupt::cpython
