// Who may queue. PyThreadState_SetAsyncExc needs the GIL. The nudge handler may call it where this very thread holds
// the GIL; what it has interrupted does not matter, but for two things.
//
// The lock that is taken inside. The interrupted code may hold it. Up to 3.12 it is a semaphore, and taking it is the
// first thing that is done: the call is left where it would wait (handler_call.h). 3.13 has a lock of another kind, and
// says in the thread's own state, in two atomic operations, all that has to be said: these are made here. In the code
// of _PyEval_EvalFrameDefault itself the lock is never held; where neither of the ways is verified, the handler queues
// there alone.
//
// The builtin that was interrupted. `data = sock.recv(n)` has the data on the stack when the builtin returns, and
// before 3.12 the exception would be raised before it is stored. So nothing is queued inside a trampoline, nor until
// the thread has computed for a millisecond since its last one, and not in C code that has made an interposed call
// since.
//
// Where it cannot be queued, the handler asks for another nudge, a millisecond of CPU time later. Once it is queued it
// is looked after in the same way: the bytecode loop finds it by a flag, and loses that flag when two things happen to
// it at once.
//
// When it was delivered. The thread's state has one place for it: the loop takes it from there when it raises it.
#include "shim/adapters/cpython/async_exception.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstring>
#include <utility>

#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/thread_interrupted.h"
#include "shim/adapters/cpython/thread_start.h"
#include "shim/arch/arch.h"
#include "shim/handler_call.h"

namespace interrupt::cpython {

namespace {

constinit uintptr_t loop_begin = 0;
constinit uintptr_t loop_size = 0;

// Where a thread's state has what PyThreadState_SetAsyncExc sets, in words; no state is smaller than `searched`.
constexpr size_t searched = 24;
constinit size_t queue_offset = 0;

// 3.13: where it has the flags that the bytecode loop looks at, and the one for this.
constexpr size_t breaker_offset = 3;
constexpr uint64_t breaker_bit = 8;

enum class Outside { never, by_call, by_hand };
constinit Outside outside_loop = Outside::never;

constexpr uint64_t quiet_ns = 1'000'000;
constexpr uint64_t look_after_ns = 10'000'000;

unsigned long own_ident() {
    return static_cast<unsigned long>(pthread_self());
}

template <class Word>
std::atomic_ref<Word> word_of(const void* thread_state, size_t offset) {
    return std::atomic_ref<Word>(static_cast<Word*>(const_cast<void*>(thread_state))[offset]);
}

std::atomic_ref<PyObject*> queue_of(const void* thread_state) {
    return word_of<PyObject*>(thread_state, queue_offset);
}

// Calls to wait for the GIL do not count.
bool just_made_call() {
    const uint64_t calls = thread_context.waits - thread_context.condition_waits;
    if (python_thread.calls_seen == calls) {
        return false;
    }
    python_thread.calls_seen = calls;
    return true;
}

bool just_left_builtin() {
    PythonThread& thread = python_thread;
    if (thread.left_builtin) {
        thread.left_builtin = false;
        thread.quiet_since = cpu_time_ns();
        return true;
    }
    return thread.quiet_since != 0 && cpu_time_ns() - thread.quiet_since < quiet_ns;
}

bool in_bytecode_loop(const void* context) {
    return arch::interrupted_pc(context) - loop_begin < loop_size;
}

bool may_queue(const void* context, bool in_call) {
    const bool made_call = just_made_call();
    if (just_left_builtin()) {
        return false;
    }
    return in_bytecode_loop(context) ||
           (outside_loop != Outside::never && !in_call && top_frame() == nullptr && !made_call);
}

void set_queued(PyObject*& exception) {
    python.PyThreadState_SetAsyncExc(own_ident(), exception);
}

// In the nudge handler, where this thread holds the GIL. Sets the flag of the bytecode loop, also if it is queued
// already.
bool queue(const void* thread_state) {
    if (outside_loop != Outside::by_hand) {
        return call_unless_it_waits(set_queued, thread_interrupted);
    }
    PyObject* none = nullptr;
    if (queue_of(thread_state).compare_exchange_strong(none, thread_interrupted)) {
        ++thread_interrupted->refcnt;
    }
    word_of<uint64_t>(thread_state, breaker_offset).fetch_or(breaker_bit);
    return true;
}

bool is_queued(const void* thread_state) {
    return queue_of(thread_state).load() == thread_interrupted;
}

// Whether the exception was still queued. In this thread, with or without the GIL: so its reference is kept.
bool unqueue(const void* thread_state) {
    PyObject* expected = thread_interrupted;
    const bool was_queued = queue_of(thread_state).compare_exchange_strong(expected, nullptr);
    python_thread.flag_is_stale |= was_queued && python.minor <= 12;
    return was_queued;
}

// Up to 3.11 it is instantiated only later: what as, is kept until then.
void deliver_raised() {
    const Request request = claimed_request();
    python_thread.raised_as = request.outcome() == Outcome::exception ? request : Request{};
    deliver_claimed(Call::running);
}

void count_as_raised() {
    PythonThread& thread = python_thread;
    thread.armed = false;
    thread.seems_dropped = false;
    thread.left_builtin = true;  // the handlers of the exception come first
    deliver_raised();
    retry_between_bytecodes();
}

// It is no longer queued. In a thread of C code's that may mean that it has gone with Python's state for the thread, at
// the end of a callback: raised, it would be instantiated before long.
void meet_unqueued() {
    PythonThread& thread = python_thread;
    if (!thread.foreign) {
        count_as_raised();
    } else if (!thread.seems_dropped) {
        thread.seems_dropped = true;
        start_cpu_retry(look_after_ns);
    } else {
        thread.armed = false;
        thread.seems_dropped = false;
        unclaim();
        retry_between_bytecodes();
    }
}

// Up to 3.12 the bytecode loop takes back the flag by which it finds what is queued only when it raises that. A flag
// that stayed would have it look at every turn, and 3.11 under a trace function would look for ever. So it gets it
// raised, in a function that does nothing else: importlib's _verbose_message(""). False if it was not; another
// exception may be set then, of a signal handler.
bool raise_queued() {
    PyObject* const importlib = python.PyDict_GetItemString(python.PyImport_GetModuleDict(), "_frozen_importlib");
    const Reference function(importlib != nullptr ? attribute(importlib, "_verbose_message") : nullptr);
    const Reference arguments(python.PyTuple_New(1));
    if (!function || !arguments) {
        return false;
    }
    python.PyTuple_SetItem(arguments.get(), 0, python.PyUnicode_FromString(""));
    const Reference result(python.PyObject_CallObject(function.get(), arguments.get()));
    if (result || python.PyErr_ExceptionMatches(thread_interrupted) == 0) {
        return false;
    }
    python.PyErr_Clear();
    return true;
}

bool is_traced() {
    for (const char* const name : {"gettrace", "getprofile"}) {
        PyObject* const function = python.PySys_GetObject(name);
        const Reference set(function != nullptr ? python.PyObject_CallObject(function, nullptr) : nullptr);
        python.PyErr_Clear();
        if (set && set.get() != python._Py_NoneStruct) {
            return true;
        }
    }
    return false;
}

bool locks_are_semaphores() {
    PyObject* const sys = python.PyDict_GetItemString(python.PyImport_GetModuleDict(), "sys");
    const Reference info(sys != nullptr ? attribute(sys, "thread_info") : nullptr);
    const Reference lock(info ? attribute(info.get(), "lock") : nullptr);
    return is_string(lock.get(), "semaphore");
}

}  // namespace

uint64_t cpu_time_ns() {
    timespec now;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0
               ? static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec)
               : 0;
}

bool find_bytecode_loop() {
    const auto* const start = reinterpret_cast<const void*>(python._PyEval_EvalFrameDefault);
    Dl_info info;
    const ElfW(Sym)* symbol = python_object.symbol("_PyEval_EvalFrameDefault");
    if (symbol == nullptr &&
        dladdr1(start, &info, const_cast<void**>(reinterpret_cast<void const* const*>(&symbol)), RTLD_DL_SYMENT) == 0) {
        return false;
    }
    if (symbol == nullptr || python_object.address_of(symbol) != start) {
        return false;
    }
    loop_begin = reinterpret_cast<uintptr_t>(start);
    loop_size = symbol->st_size;
    return loop_size > 1000;
}

bool find_exception_queue() {
    const void* const thread_state = python.current_thread_state();
    uint64_t before[searched];
    uint64_t after[searched];
    std::memcpy(before, thread_state, sizeof before);
    PyObject* exception = thread_interrupted;
    if (python.PyThreadState_SetAsyncExc(own_ident(), exception) != 1) {
        return false;
    }
    std::memcpy(after, thread_state, sizeof after);
    size_t found = 0;
    for (size_t i = 0; i < searched; ++i) {
        if (before[i] == 0 && after[i] == reinterpret_cast<uintptr_t>(exception)) {
            queue_offset = i;
            ++found;
        }
    }
    const bool raised = raise_queued();
    if (!raised) {
        python.PyErr_Clear();
        python.PyThreadState_SetAsyncExc(own_ident(), nullptr);
    }
    if (!raised || found != 1 || queue_of(thread_state).load() != nullptr) {
        return false;
    }
    const bool sets_breaker = (before[breaker_offset] & breaker_bit) == 0 && (after[breaker_offset] & breaker_bit) != 0;
    outside_loop = python.minor <= 12 ? (locks_are_semaphores() ? Outside::by_call : Outside::never)
                                      : (sets_breaker ? Outside::by_hand : Outside::never);
    return true;
}

// struct _ts { ...; PyObject* async_exc; unsigned long thread_id; ... } in every version.
size_t ident_offset(const void* own_thread_state) {
    const size_t offset = queue_offset + 1;
    return word_of<unsigned long>(own_thread_state, offset).load() == own_ident() ? offset * sizeof(uint64_t) : 0;
}

void nudged(const void* context, bool in_call) {
    PythonThread& thread = python_thread;
    if (!trampolines_active.load(std::memory_order_relaxed)) {
        return;
    }
    const void* const thread_state = python.PyGILState_GetThisThreadState();
    set_runs_runtime(thread_state != nullptr);
    if (thread_state == nullptr || !in_main_interpreter(thread_state)) {
        return;
    }
    const bool holds_gil = python.current_thread_state() == thread_state;
    if (thread.armed) {
        if (!is_queued(thread_state)) {
            meet_unqueued();
            return;
        }
        if (is_recalled()) {
            recall();
            return;
        }
        if (holds_gil && (outside_loop != Outside::never || in_bytecode_loop(context))) {
            queue(thread_state);
        }
        start_cpu_retry(look_after_ns);
        return;
    }
    if (thread.starting && !has_started_by_now()) {
        start_cpu_retry(quiet_ns);
        return;
    }
    const Request request = deliverable(true);
    if (thread.owed && is_recalled()) {
        recall();
        return;
    }
    const bool owed = thread.owed && thread_context.mask == Mask::none;
    if (!owed && !is_raised(request)) {
        return;
    }
    // One that the program has queued itself comes first.
    if (!holds_gil || !may_queue(context, in_call) || queue_of(thread_state).load() != nullptr) {
        start_cpu_retry(quiet_ns);
        return;
    }
    if (!owed && !claim(request)) {
        return;
    }
    thread.owed = false;
    thread.gave_up_armed = owed;
    thread.armed = true;
    if (queue(thread_state) && is_queued(thread_state)) {
        start_cpu_retry(look_after_ns);
        return;
    }
    thread.armed = false;
    if (owed) {
        thread.owed = true;
    } else {
        unclaim();
    }
    start_cpu_retry(quiet_ns);
}

Request take_back_claimed() {
    PythonThread& thread = python_thread;
    const Request request = claimed_request();
    bool to_be_raised = thread.owed;
    if (thread.armed) {
        thread.armed = false;
        const void* const thread_state = python.PyGILState_GetThisThreadState();
        to_be_raised = (thread_state != nullptr && unqueue(thread_state)) || thread.foreign;
        if (!to_be_raised) {
            deliver_raised();
        }
    }
    thread.owed = false;
    return to_be_raised && !is_recalled() ? request : Request{};
}

bool take_back_stale_flag() {
    // A trace function would see the exception, and be taken away. 3.11 alone cannot do with the flag under one.
    if (!python_thread.flag_is_stale || (python.minor != 11 && is_traced())) {
        return true;
    }
    if (python.PyErr_CheckSignals() < 0) {  // handlers come first: the exception would end them
        return false;
    }
    python_thread.flag_is_stale = false;
    if (queue_of(python.current_thread_state()).load() == nullptr) {  // otherwise the next that is raised takes it back
        python.PyThreadState_SetAsyncExc(own_ident(), thread_interrupted);
        if (!raise_queued()) {
            unqueue(python.current_thread_state());
        }
    }
    return python.PyErr_Occurred() == nullptr;
}

void recall() {
    if (trampolines_active.load(std::memory_order_relaxed)) {
        take_back_claimed();
    }
    unclaim();
}

void forget_uninstantiated() {
    python_thread.raised_as = {};
}

Request note_instantiation(bool without_arguments) {
    PythonThread& thread = python_thread;
    if (thread.armed && trampolines_active.load(std::memory_order_relaxed) &&
        !is_queued(python.PyGILState_GetThisThreadState())) {
        count_as_raised();
    }
    return without_arguments ? std::exchange(thread.raised_as, {}) : Request{};
}

}  // namespace interrupt::cpython
