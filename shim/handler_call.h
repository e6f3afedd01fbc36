// A call that the nudge handler makes into the runtime, which may take a lock there. The code that was interrupted may
// hold that lock: so instead of waiting for it, the call is left where it stands.
#pragma once

#include <semaphore.h>

#include "shim/thread_context.h"

namespace interrupt {

// Calls function(argument), which takes its lock before it changes anything. False if the lock, a semaphore that it
// waits for by sem_wait, was not free: then nothing has been done. For the nudge handler.
template <class Argument>
[[gnu::noinline]] bool call_unless_it_waits(void (*function)(Argument&), Argument& argument) {
    void* here[5];
    if (__builtin_setjmp(here) != 0) {
        return false;
    }
    thread_context.way_out = here;
    function(argument);
    thread_context.way_out = nullptr;
    return true;
}

// In sem_wait, while such a call is in progress: takes the semaphore, or does not return. Out of line: sem_wait's fast
// path is not to pay for it.
[[gnu::noinline, gnu::cold]] void take_in_handler_call(sem_t* semaphore);

}  // namespace interrupt
