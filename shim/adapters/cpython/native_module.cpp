// Small functions over the public C API: no names are made friendly here, no arguments judged. What that takes is done
// in Python.
#include "shim/adapters/cpython/native_module.h"

#include <cerrno>

#include "interrupt/interrupt.h"
#include "shim/adapters/cpython/async_exception.h"
#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/exception_classes.h"
#include "shim/adapters/cpython/thread_interrupted.h"
#include "shim/platform/platform.h"
#include "shim/records.h"
#include "shim/thread_table.h"

namespace interrupt::cpython {

namespace {

// A forked child has no table, and its thread no record, before its first interposed call.
bool has_table() {
    record_for_call({});
    return process.table != nullptr;
}

PyObject* item(void* arguments, intptr_t i) {
    return python.PyTuple_GetItem(static_cast<PyObject*>(arguments), i);
}

bool failed(long value) {
    return value == -1 && python.PyErr_Occurred() != nullptr;
}

// interrupt(tid, exception): 0 or an error number.
void* interrupt_tid(void*, void* arguments, void*, void*, void*) {
    PyObject* const number = item(arguments, 0);
    PyObject* const type = number != nullptr ? item(arguments, 1) : nullptr;
    const long tid = type != nullptr ? python.PyLong_AsLong(number) : -1;
    if (type == nullptr || failed(tid)) {
        return nullptr;
    }
    if (!has_table()) {
        return python.PyLong_FromLong(EPERM);
    }
    if (type == python._Py_NoneStruct || type == thread_interrupted) {
        return python.PyLong_FromLong(send_request(static_cast<pid_t>(tid), Outcome::default_, 0));
    }
    const int index = index_of_exception_class(type);
    return python.PyLong_FromLong(
        index < 0 ? ENOSPC : send_request(static_cast<pid_t>(tid), Outcome::exception, static_cast<uint16_t>(index)));
}

// pending(tid): 1, 0, or -1 if this process has no such thread.
void* is_pending(void*, void* number, void*, void*, void*) {
    const long tid = python.PyLong_AsLong(static_cast<PyObject*>(number));
    if (failed(tid)) {
        return nullptr;
    }
    const ThreadRecord* const record =
        process.table != nullptr && tid > 0 ? probe(static_cast<uint32_t>(tid)).own : nullptr;
    const bool lives = tid > 0 && os::tgkill(process.pid, static_cast<pid_t>(tid), 0) == 0;
    const bool pending =
        lives && record != nullptr && Request{record->request.load(std::memory_order_acquire)}.pending();
    return python.PyLong_FromLong(lives ? pending : -1);
}

void* clear(void*, void*, void*, void*, void*) {
    return python.PyBool_FromLong(interrupt_clear());
}

// Whether what is pending has been raised: the exception is set. `raised_alone`: other outcomes stay for a wait.
bool raise_pending(bool raised_alone) {
    const Request on_its_way = take_back_claimed();
    if (on_its_way.pending() && deliver_claimed(Call::running)) {
        raise_outcome(on_its_way);
        return true;
    }
    unclaim();
    for (Request request = deliverable(false); request.pending() && (!raised_alone || is_raised(request));
         request = deliverable(false)) {
        if (consume(request, Call::running)) {
            raise_outcome(request);
            return true;
        }
    }
    return false;
}

void* check(void*, void*, void*, void*, void*) {
    return raise_pending(false) ? nullptr : new_none();
}

// set_mask(mode): the mode before. What the new mask lets through is raised at once.
void* set_mask(void*, void* number, void*, void*, void*) {
    const long mode = python.PyLong_AsLong(static_cast<PyObject*>(number));
    if (failed(mode)) {
        return nullptr;
    }
    const int before = interrupt_mask(static_cast<int>(mode));
    return mode == INTERRUPT_MASK_NONE && raise_pending(true) ? nullptr : python.PyLong_FromLong(before);
}

// The modes that the blocks which this thread is in have found, the outermost first. Equal ones that follow each other,
// as in recursive functions, take one place.
struct FoundModes {
    int mode;
    uint32_t count;
};
constexpr int most_changes = 16;
constinit thread_local FoundModes found_modes[most_changes] __attribute__((tls_model("initial-exec"))) = {};
constinit thread_local int changes __attribute__((tls_model("initial-exec"))) = 0;

// What __enter__ and __exit__ of mask are: in C, so that no signal handler of the program's, which runs between two
// bytecodes and may raise, comes between the change of the mask and its being remembered.

// enter_mask(mode): the mode before, also where something is raised at once: then the block is not entered.
void* enter_mask(void*, void* arguments, void*, void*, void*) {
    PyObject* const number = item(arguments, 0);
    const long mode = number != nullptr ? python.PyLong_AsLong(number) : -1;
    if (number == nullptr || failed(mode)) {
        return nullptr;
    }
    const int before = interrupt_mask(INTERRUPT_MASK_ALL);
    interrupt_mask(static_cast<int>(mode));
    if (mode == INTERRUPT_MASK_NONE && raise_pending(true)) {
        interrupt_mask(before);
        return nullptr;
    }
    if (changes == 0 || found_modes[changes - 1].mode != before) {
        if (changes == most_changes) {
            interrupt_mask(before);
            errno = ENOMEM;
            return python.PyErr_SetFromErrno(*python.PyExc_OSError);
        }
        found_modes[changes++] = {before, 0};
    }
    ++found_modes[changes - 1].count;
    return python.PyLong_FromLong(before);
}

// leave_mask(...), whatever the arguments: what the mode before lets through is raised at once.
void* leave_mask(void*, void*, void*, void*, void*) {
    if (changes == 0) {
        return new_none();
    }
    FoundModes& last = found_modes[changes - 1];
    const int mode = last.mode;
    if (--last.count == 0) {
        --changes;
    }
    interrupt_mask(mode);
    return mode == INTERRUPT_MASK_NONE && raise_pending(true) ? nullptr : new_none();
}

void* wakeup_fd(void*, void*, void*, void*, void*) {
    const int fd = interrupt_wakeup_fd();
    return fd >= 0 ? python.PyLong_FromLong(fd) : python.PyErr_SetFromErrno(*python.PyExc_OSError);
}

// native_id(ident): 0 if no thread of this process has it.
void* native_id(void*, void* number, void*, void*, void*) {
    const unsigned long ident = python.PyLong_AsUnsignedLong(static_cast<PyObject*>(number));
    if (python.PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    const ThreadRecord* const record = ident != 0 && has_table() ? record_of_ident(ident) : nullptr;
    return python.PyLong_FromLong(record == nullptr ? 0 : record->tid.load(std::memory_order_relaxed));
}

// started_by(tid): a tuple of the ids of the living threads that it has started.
void* started_by(void*, void* number, void*, void*, void*) {
    const long starter = python.PyLong_AsLong(static_cast<PyObject*>(number));
    if (failed(starter)) {
        return nullptr;
    }
    Reference found(python.PyTuple_New(0));
    uint32_t next = 0;
    while (const ThreadRecord* const record = next_used_record(next)) {
        const uint32_t tid = record->tid.load(std::memory_order_acquire);
        if (tid == 0 || starter <= 0 || record->started_by.load(std::memory_order_relaxed) != starter) {
            continue;
        }
        const Reference one(python.PyTuple_New(1));
        if (!found || !one) {
            return nullptr;
        }
        python.PyTuple_SetItem(one.get(), 0, python.PyLong_FromLong(tid));
        found.reset(python.PySequence_Concat(found.get(), one.get()));
    }
    return found.release();
}

constinit PyMethodDef functions[] = {
    {"interrupt", interrupt_tid, METH_VARARGS, nullptr},
    {"pending", is_pending, METH_O, nullptr},
    {"clear", clear, METH_NOARGS, nullptr},
    {"check", check, METH_NOARGS, nullptr},
    {"set_mask", set_mask, METH_O, nullptr},
    {"enter_mask", enter_mask, METH_VARARGS, nullptr},
    {"leave_mask", leave_mask, METH_VARARGS, nullptr},
    {"wakeup_fd", wakeup_fd, METH_NOARGS, nullptr},
    {"native_id", native_id, METH_O, nullptr},
    {"started_by", started_by, METH_O, nullptr},
};

}  // namespace

PyObject* make_native_module(const char* name) {
    Reference module(python.PyModule_New(name));
    if (!module || python.PyObject_SetAttrString(module.get(), "ThreadInterrupted", thread_interrupted) != 0) {
        return nullptr;
    }
    for (PyMethodDef& function : functions) {
        const Reference object(python.PyCFunction_NewEx(&function, nullptr, nullptr));
        if (!object || python.PyObject_SetAttrString(module.get(), function.ml_name, object.get()) != 0) {
            return nullptr;
        }
    }
    return module.release();
}

}  // namespace interrupt::cpython
