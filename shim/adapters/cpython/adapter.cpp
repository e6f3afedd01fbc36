// The adapter as the engine sees it: when it moves in, and what is to become of each wait.
#include <cerrno>

#include "shim/adapters/cpython/async_exception.h"
#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/cpython.h"
#include "shim/adapters/cpython/install.h"
#include "shim/adapters/cpython/main_thread.h"
#include "shim/adapters/cpython/thread_start.h"

namespace interrupt {

namespace cpython {

namespace {

// A semaphore on the stack of the builtin that this frame belongs to (the parking lot's since 3.13).
bool on_own_stack(uint64_t target, const Frame& frame) {
    constexpr uint64_t reach = 64 * 1024;
    return reinterpret_cast<uint64_t>(&frame) - target < reach;
}

// Only the semaphore that a builtin is about: one that it takes for something else must not fail.
bool is_about(const Frame& frame, uint64_t semaphore) {
    // struct { PyObject; sem_t* or PyThread_type_lock; ... } in _thread.lock, _thread.RLock, _queue.SimpleQueue
    // before 3.13 and SemLock. If it were otherwise somewhere, nothing would match.
    constexpr size_t semaphore_offset = 16;
    if (frame.about != About::Acquire && frame.about != About::Queue) {
        return false;
    }
    if (frame.about == About::Queue && on_own_stack(semaphore, frame)) {
        return true;
    }
    return *reinterpret_cast<const uint64_t*>(static_cast<const char*>(frame.self) + semaphore_offset) == semaphore;
}

// The frame that calls of this thread belong to, as far as it is one of the main interpreter.
Frame* main_frame() {
    Frame* const frame = trampolines_active.load(std::memory_order_relaxed) ? top_frame() : nullptr;
    return frame != nullptr && is_of_main_interpreter(*frame) ? frame : nullptr;
}

bool can_be_raised(const void* thread_state) {
    return trampolines_active.load(std::memory_order_relaxed) && in_main_interpreter(thread_state);
}

bool is_giving_up(const Frame& frame) {
    return keeps_giving_up(frame.about) && frame.gave_up.word != 0;
}

Verdict verdict(const BlockedCall& call, Request request) {
    const Phase now = phase();
    if (now == Phase::waiting || own_thread_state() == nullptr) {
        return Verdict::native;
    }
    set_runs_runtime(true);
    if (python_thread.starting && !(in_main_thread() && python.Py_IsInitialized() != 0)) {
        return Verdict::leave_alone;
    }
    const Frame* const frame = main_frame();
    const Kind kind = traits(call.call).kind;
    // The GIL's, or one of a library that does not expect it from Python: libstdc++ takes another error of a futex than
    // EINTR for the end of the program.
    if (kind == Kind::Condition || kind == Kind::Futex || (frame != nullptr && frame->about == About::Unasked)) {
        return Verdict::leave_alone;
    }
    if (kind == Kind::Semaphore && (frame == nullptr || !is_about(*frame, call.target))) {
        return Verdict::leave_alone;
    }
    if (request.claimed() && frame != nullptr && is_giving_up(*frame)) {
        if (request.recalled()) {
            recall();
            return Verdict::leave_alone;
        }
        return Verdict::give_up_at_once;
    }
    if (request.claimed() && (frame != nullptr || !python_thread.armed || python_thread.gave_up_armed)) {
        return Verdict::leave_alone;
    }
    switch (request.outcome()) {
        case Outcome::default_:
        case Outcome::exception:
            return Verdict::give_up;
        case Outcome::error:
            return frame != nullptr ? Verdict::give_up : Verdict::native;
        default:
            return Verdict::native;
    }
}

// Outside trampolines the exception comes later, by itself.
bool keeps(const BlockedCall&) {
    const Frame* const frame = main_frame();
    return frame != nullptr ? keeps_giving_up(frame->about) : can_be_raised(own_thread_state());
}

// ssl takes an error of poll() for readiness, and asks again; only when its time is over does it stop. readline asks
// select() again after any error, but takes one of read() for the end of the input.
int give_up_for_good(Frame& frame, const BlockedCall& call, Request request) {
    if (frame.gave_up.word == 0 || frame.gave_up.sequence() != request.sequence()) {
        frame.gave_up_in = call.call;
    }
    frame.gave_up = request;  // perhaps a newer one than the last time: that one was withdrawn meanwhile
    python_thread.owed = is_raised(request);
    if (traits(call.call).kind != Kind::Poll) {
        return ECANCELED;
    }
    return frame.about == About::Input ? all_is_ready : time_limit_passed;
}

int give_up(const BlockedCall& call, Request request) {
    Frame* const frame = main_frame();
    if (frame != nullptr && keeps_giving_up(frame->about)) {
        return give_up_for_good(*frame, call, request);
    }
    if (request.claimed()) {
        if (python_thread.armed) {  // the exception was queued before a C library came to wait
            python_thread.gave_up_armed = true;
        } else {
            python_thread.owed = true;
            start_cpu_retry(1'000'000);
        }
        return ECANCELED;
    }
    const Kind kind = traits(call.call).kind;
    if (frame != nullptr) {
        frame->gave_up = request;
        if (kind == Kind::Semaphore) {
            python_thread.mute_perror = call.call == Call::sem_wait_;
            return ETIMEDOUT;
        }
        return kind == Kind::Signal ? EINTR : ECANCELED;
    }
    return ECANCELED;
}

bool looks_after_eintr() {
    const Frame* const frame = main_frame();
    return frame != nullptr && frame->about != About::Once && in_main_thread();
}

constexpr Adapter adapter{
    .settle = settle,
    .verdict = verdict,
    .keeps = keeps,
    .give_up = give_up,
    .nudged = nudged,
    .recall = recall,
    .starts_thread = starts_thread,
    .signal_noted = signal_noted,
    .looks_after_eintr = looks_after_eintr,
    .unmasked = retry_between_bytecodes,
};

}  // namespace

}  // namespace cpython

const Adapter* cpython_adapter_if_present(bool at_start) {
    return cpython::find_python(at_start) ? &cpython::adapter : nullptr;
}

}  // namespace interrupt
