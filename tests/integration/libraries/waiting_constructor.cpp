// Its constructor waits, inside dlopen(), for a thread of the program that loads it (targets/loads_library.cpp).
#include <semaphore.h>

#include <cerrno>

extern "C" {
extern sem_t constructor_runs;
extern sem_t thread_was_started;
}

[[gnu::constructor]] static void wait_for_thread() {
    sem_post(&constructor_runs);
    while (sem_wait(&thread_was_started) != 0 && errno == EINTR) {
    }
}
