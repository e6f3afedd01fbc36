// Cancellation of the calling thread.
#pragma once

#include <pthread.h>

#include <atomic>

namespace interrupt {

// pthread_cancel has been called in this process, ever.
extern constinit std::atomic<bool> cancellation_used;

// Whether the thread lets itself be cancelled. For signal handlers, too: glibc does no more than change a word of the
// thread's for a moment (nptl/pthread_setcancelstate.c).
inline bool cancellation_enabled() {
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcancelstate(state, nullptr);
    return state == PTHREAD_CANCEL_ENABLE;
}

// As if somebody had cancelled it where it is. Does not return where cancellation is enabled.
void cancel_calling_thread();

}  // namespace interrupt
