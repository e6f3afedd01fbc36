// Who may arm. PyThreadState_SetAsyncExc needs the GIL and takes a lock inside Python. A nudge handler that has
// interrupted its thread within the code of _PyEval_EvalFrameDefault itself, with this thread holding the GIL, may call
// it: in that function's own code no lock is held, and nothing there is half-done that it touches. Anywhere else the
// handler asks for another nudge, a millisecond of CPU time later, until it finds the thread there.
//
// When it was delivered. The class is instantiated when the exception is raised (3.12 and later) or caught (before),
// but also by whoever calls it. With the GIL held its reference count tells, before and after
// PyThreadState_SetAsyncExc(id, NULL), whether one was still queued.
//
// Not right after a builtin. `data = sock.recv(n)` has the data on the stack when the builtin returns, and before 3.12
// the exception would be raised before it is stored. So nothing is armed until the thread has computed for a
// millisecond since its last trampoline.
#include "shim/adapters/cpython/async_exception.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <time.h>

#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/thread_interrupted.h"
#include "shim/arch/arch.h"

namespace interrupt::cpython {

namespace {

constinit uintptr_t loop_begin = 0;
constinit uintptr_t loop_size = 0;

constexpr uint64_t quiet_ns = 1'000'000;

unsigned long own_ident() {
    return static_cast<unsigned long>(pthread_self());
}

uint64_t cpu_time_ns() {
    timespec now;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0
               ? static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec)
               : 0;
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

bool runs_bytecode(const void* thread_state, const void* context) {
    return python.current_thread_state() == thread_state && arch::interrupted_pc(context) - loop_begin < loop_size;
}

// With the GIL held, or in the nudge handler where runs_bytecode(). False if this thread has no state.
bool set_queued(PyObject* exception) {
    return python.PyThreadState_SetAsyncExc(own_ident(), exception) == 1;
}

// Whether the exception was still queued.
bool unqueue() {
    const intptr_t before = thread_interrupted->refcnt;
    set_queued(nullptr);
    return thread_interrupted->refcnt < before;
}

}  // namespace

bool find_bytecode_loop() {
    const auto* const start = reinterpret_cast<const void*>(python._PyEval_EvalFrameDefault);
    Dl_info info;
    const ElfW(Sym)* symbol = nullptr;
    if (dladdr1(start, &info, const_cast<void**>(reinterpret_cast<void const* const*>(&symbol)), RTLD_DL_SYMENT) == 0 ||
        symbol == nullptr || info.dli_saddr != start) {
        return false;
    }
    loop_begin = reinterpret_cast<uintptr_t>(start);
    loop_size = symbol->st_size;
    return loop_size > 1000;
}

void nudged(const void* context) {
    PythonThread& thread = python_thread;
    if (!trampolines_active.load(std::memory_order_relaxed) || thread.armed) {
        return;
    }
    const void* const thread_state = python.PyGILState_GetThisThreadState();
    if (thread_state == nullptr || !in_main_interpreter(thread_state)) {
        return;
    }
    const Request request = deliverable(true);
    const bool owed = thread.owed && thread_context.mask == Mask::none;
    if (!owed && request.outcome() != Outcome::default_) {
        return;
    }
    if (just_left_builtin() || !runs_bytecode(thread_state, context)) {
        start_cpu_retry(quiet_ns);
        return;
    }
    if (!owed && !claim(request)) {
        return;
    }
    thread.owed = false;
    thread.armed = true;
    if (!set_queued(thread_interrupted)) {
        thread.armed = false;
        unclaim();
    }
}

Request take_back_claimed() {
    PythonThread& thread = python_thread;
    const Request claimed = Request::make(0, Outcome::default_, 0, false);
    if (thread.armed) {
        thread.armed = false;
        if (unqueue()) {
            return claimed;
        }
        deliver_claimed(Call::running);
        return {};
    }
    const bool owed = thread.owed;
    thread.owed = false;
    return owed ? claimed : Request{};
}

void note_instantiation() {
    PythonThread& thread = python_thread;
    if (!thread.armed || !trampolines_active.load(std::memory_order_relaxed)) {
        return;
    }
    if (unqueue()) {
        set_queued(thread_interrupted);
        return;
    }
    thread.armed = false;
    thread.left_builtin = true;  // the handlers of the exception come first
    deliver_claimed(Call::running);
    retry_between_bytecodes();
}

}  // namespace interrupt::cpython
