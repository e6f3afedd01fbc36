#include "shim/thread_end.h"

#include <limits.h>
#include <pthread.h>

#include <cstdint>

#include "shim/thread_table.h"

namespace interrupt {

namespace {

constinit pthread_key_t end_key = 0;
constinit bool end_key_made = false;

// Destructors of other keys may run after this one and make interposed calls: so it asks for another round as long as
// there is one (POSIX: PTHREAD_DESTRUCTOR_ITERATIONS), and goes in the last.
void thread_ends(void* round) {
    const auto number = reinterpret_cast<uintptr_t>(round);
    if (number < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(end_key, reinterpret_cast<void*>(number + 1));
    } else {
        release_record();
    }
}

}  // namespace

bool prepare_thread_ends() {
    end_key_made = pthread_key_create(&end_key, thread_ends) == 0;
    return end_key_made;
}

void watch_this_thread() {
    if (end_key_made) {
        pthread_setspecific(end_key, reinterpret_cast<void*>(uintptr_t{1}));
    }
}

}  // namespace interrupt
