// An interruption point of the shim's own: waiting for another thread's end, for a runtime whose own wait cannot be
// ended.
#pragma once

#include <cstdint>

namespace interrupt {

enum class JoinWait {
    ended,  // the thread has given its record back, or never had one any more
    timed_out,
    interrupted,  // a request was consumed; the adapter's give_up() has been asked
    signalled,    // a handler of the program has run
    unknown,      // no such thread is known
    look_again,   // `look_ns` has come
};

// Waits for the end of the thread whose pthread_self() is `pthread_ident`, until CLOCK_MONOTONIC reaches `deadline_ns`
// (0: without limit), or `look_ns` first.
JoinWait wait_for_thread_end(uintptr_t pthread_ident, uint64_t deadline_ns, uint64_t look_ns);

// Whether `pthread_ident` is the thread that the process began with.
bool is_main_thread(uintptr_t pthread_ident);

}  // namespace interrupt
