// What a trampoline does around a builtin that may wait, and what the thread knows of it meanwhile.
#pragma once

#include <cstddef>
#include <cstring>

#include "shim/adapter.h"
#include "shim/adapters/cpython/trampolines.h"
#include "shim/process.h"

namespace interrupt::cpython {

// A builtin in progress, on the stack of its trampoline. Builtins nest: a handler of the program's, written in Python,
// runs inside the builtin that its signal interrupted. Read by the nudge handler.
struct Frame {
    Frame* outer;
    const void* self;          // the builtin's first argument
    const void* thread_state;  // Python's, of this thread; null: of the main interpreter
    About about;
    Request gave_up;  // the request for which a call inside the builtin gave up; its word is 0 if none did
    Call gave_up_in;  // that call, where it is claimed until the builtin ends
};

// Whether calls inside such a builtin go on giving up. Their request is claimed meanwhile.
constexpr bool keeps_giving_up(About about) {
    return about == About::Library || about == About::Database || about == About::Input;
}

inline bool is_of_main_interpreter(const Frame& frame) {
    return frame.thread_state == nullptr || in_main_interpreter(frame.thread_state);
}

// What the adapter knows of the calling thread.
struct alignas(64) PythonThread {
    // These eight are looked at together, on the way into each builtin.
    bool armed = false;          // the asynchronous exception is on its way: the request is claimed
    bool gave_up_armed = false;  // a call outside trampolines has given up for it
    bool owed = false;           // the same before anything was on its way, or in a builtin that keeps giving up: the
                                 // request is claimed
    bool starting = false;       // a threading.Thread that its starter still waits for (thread_start.h)
    bool flag_is_stale = false;  // the bytecode loop's, for an exception that has been taken back
    bool unused[3] = {};
    // A trampoline has returned since the nudge handler last looked; it may have brought data that is not assigned yet.
    bool left_builtin = false;
    uint64_t calls_seen = 0;              // interposed calls at that look, but for those about condition variables
    uint64_t quiet_since = 0;             // CPU time of this thread at the last look that found something, ns
    const void* last_acquired = nullptr;  // the lock whose acquire() last returned True
    bool mute_perror = false;
    bool foreign = false;         // C code has started this thread: Python's state for it may come and go
    bool seems_dropped = false;   // foreign: at the last look the exception was no longer queued, and not raised
    uint64_t starting_since = 0;  // os::coarse_ns() when `starting` began
    Request raised_as;  // raised, but not instantiated yet: a request for another class than ThreadInterrupted
};
extern constinit thread_local PythonThread python_thread __attribute__((tls_model("initial-exec")));

inline bool is_anything_set(const PythonThread& thread) {
    uint64_t eight;
    static_assert(offsetof(PythonThread, left_builtin) - offsetof(PythonThread, armed) == sizeof eight);
    std::memcpy(&eight, &thread.armed, sizeof eight);
    return eight != 0;
}

// Whether deliverable(true) has to be asked, by one load.
[[gnu::always_inline]] inline bool may_be_deliverable() {
    const ThreadRecord* const record = current_record();
    return record == nullptr || Request{record->request.load(std::memory_order_relaxed)}.pending();
}

// Whether needs_attention() has to be asked.
[[gnu::always_inline]] inline bool may_need_attention() {
    return is_anything_set(python_thread) || thread_context.runtime_signal || may_be_deliverable();
}

// A request is pending, or an exception is on its way.
bool needs_attention();

// Whether it ends in an exception wherever Python runs; the others act at waits alone.
inline bool is_raised(Request request) {
    return request.outcome() == Outcome::default_ || request.outcome() == Outcome::exception;
}

inline Frame* top_frame() {
    return static_cast<Frame*>(thread_context.adapter_frame);
}

// Whether an exception is to be raised before the builtin begins; it is set then.
bool raised_at_entry(Frame& frame);

// The builtin has returned, and something inside it gave up or a request may be pending. The arguments are looked at
// for About::Acquire alone.
[[gnu::noinline]] PyObject* finish_contested(const Patched& builtin, const Arguments* arguments, Frame& frame,
                                             PyObject* result);

// Has the thread nudged until what is pending has been raised.
void retry_between_bytecodes();

// Between these two the nudge handler queues no exception: what comes before the first is found by
// needs_attention(), what comes after the second waits until the builtin's result has been assigned.
[[gnu::always_inline]] inline void enter_frame(Frame& frame) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_context.adapter_frame = &frame;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

[[gnu::always_inline]] inline void leave_frame(const Frame& frame) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    python_thread.left_builtin = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_context.adapter_frame = frame.outer;
}

// Calls the builtin as one that waits.
PyObject* blocking_builtin(const Patched& builtin, About about, const Arguments& arguments);

// Where a frame has been entered: its builtin, as the above.
[[gnu::noinline]] PyObject* blocking_builtin_in(Frame& frame, const Patched& builtin, const Arguments& arguments);

// The same, short and with the arguments in their registers as long as nothing is asked of the thread, while there is
// no other interpreter.
template <About about>
[[gnu::always_inline]] inline PyObject* blocking_builtin_alone(const Patched& builtin, void* a, void* b, void* c,
                                                               void* d, void* e) {
    constexpr bool acquires = about == About::Acquire;
    Frame frame{top_frame(), a, nullptr, about, {}, Call::running};
    enter_frame(frame);
    if (may_need_attention()) [[unlikely]] {
        return blocking_builtin_in(frame, builtin, {{a, b, c, d, e}});
    }
    const Arguments kept = acquires ? Arguments{{a, b, c, d}} : Arguments{};  // no version's acquire() has more
    auto* const result = static_cast<PyObject*>(builtin.original(a, b, c, d, e));
    leave_frame(frame);
    if (acquires && result == python._Py_TrueStruct) [[likely]] {
        python_thread.last_acquired = frame.self;
    }
    // Another record than before where a signal handler inside has forked.
    if (frame.gave_up.word != 0 || may_be_deliverable()) [[unlikely]] {
        return finish_contested(builtin, acquires ? &kept : nullptr, frame, result);
    }
    return result;
}

}  // namespace interrupt::cpython
