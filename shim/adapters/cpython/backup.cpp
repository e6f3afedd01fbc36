// sqlite3.Connection.backup() repeats for ever what fails because the database is locked. Its progress function can end
// it: so it gets one, around the program's own if there is one.
#include <cerrno>

#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/special_builtins.h"

namespace interrupt::cpython {

namespace {

constexpr const char progress_name[] = "progress";
constexpr long sqlite_done = 101;
constexpr intptr_t most_arguments = 16;

// `self`: the program's function, or None.
void* progress(void* self, void* arguments, void*, void*, void*) {
    auto* const tuple = static_cast<PyObject*>(arguments);
    const Frame* const frame = top_frame();
    if (frame != nullptr && frame->gave_up.word != 0 && python.PyTuple_Size(tuple) > 0 &&
        python.PyLong_AsLong(python.PyTuple_GetItem(tuple, 0)) != sqlite_done) {
        errno = ECANCELED;
        return python.PyErr_SetFromErrno(*python.PyExc_OSError);
    }
    if (self == python._Py_NoneStruct) {
        python.Py_IncRef(python._Py_NoneStruct);
        return python._Py_NoneStruct;
    }
    return python.PyObject_CallObject(static_cast<PyObject*>(self), tuple);
}

constinit PyMethodDef progress_definition = {progress_name, progress, METH_VARARGS, nullptr};

// A new reference; null, with no exception set, where the builtin is to judge what the program has given.
PyObject* progress_around(PyObject* own) {
    if (own == nullptr) {
        own = python._Py_NoneStruct;
    }
    if (own != python._Py_NoneStruct && python.PyCallable_Check(own) == 0) {
        return nullptr;
    }
    PyObject* const function = python.PyCFunction_NewEx(&progress_definition, own, nullptr);
    if (function == nullptr) {
        python.PyErr_Clear();
    }
    return function;
}

PyObject* with_keywords_in_dictionary(const Patched& builtin, Arguments arguments) {
    auto* const given = static_cast<PyObject*>(arguments.at[2]);
    const Reference keywords(given != nullptr ? python.PyDict_Copy(given) : python.PyDict_New());
    const Reference function(
        progress_around(given != nullptr ? python.PyDict_GetItemString(given, progress_name) : nullptr));
    if (keywords && function && python.PyDict_SetItemString(keywords.get(), progress_name, function.get()) == 0) {
        arguments.at[2] = keywords.get();
    }
    python.PyErr_Clear();
    return blocking_builtin(builtin, About::Database, arguments);
}

// `first`: where the array of arguments is; their number and the names of the last of them follow.
PyObject* with_keywords_in_array(const Patched& builtin, Arguments arguments, size_t first) {
    auto* const* const given = static_cast<PyObject* const*>(arguments.at[first]);
    const auto count = reinterpret_cast<intptr_t>(arguments.at[first + 1]);
    auto* const names = static_cast<PyObject*>(arguments.at[first + 2]);
    const intptr_t keywords = names != nullptr ? python.PyTuple_Size(names) : 0;
    if (count + keywords >= most_arguments) {
        return blocking_builtin(builtin, About::Database, arguments);
    }
    PyObject* values[most_arguments];
    for (intptr_t i = 0; i < count + keywords; ++i) {
        values[i] = given[i];
    }
    intptr_t at = 0;
    while (at < keywords && !is_string(python.PyTuple_GetItem(names, at), progress_name)) {
        ++at;
    }
    const Reference function(progress_around(at < keywords ? values[count + at] : nullptr));
    const Reference all_names(python.PyTuple_New(at < keywords ? keywords : keywords + 1));
    const Reference name(python.PyUnicode_FromString(progress_name));
    if (function && all_names && name) {
        for (intptr_t i = 0; i < python.PyTuple_Size(all_names.get()); ++i) {
            PyObject* const one = i < keywords ? python.PyTuple_GetItem(names, i) : name.get();
            python.Py_IncRef(one);
            python.PyTuple_SetItem(all_names.get(), i, one);
        }
        values[count + at] = function.get();
        arguments.at[first] = values;
        arguments.at[first + 2] = all_names.get();
    }
    python.PyErr_Clear();
    return blocking_builtin(builtin, About::Database, arguments);
}

}  // namespace

PyObject* backup_database(const Patched& builtin, const Arguments& arguments) {
    switch (builtin.definition->ml_flags) {
        case METH_VARARGS | METH_KEYWORDS:
            return with_keywords_in_dictionary(builtin, arguments);
        case METH_FASTCALL | METH_KEYWORDS:
            return with_keywords_in_array(builtin, arguments, 1);
        case METH_METHOD | METH_FASTCALL | METH_KEYWORDS:
            return with_keywords_in_array(builtin, arguments, 2);
        default:
            return builtin(arguments);
    }
}

}  // namespace interrupt::cpython
