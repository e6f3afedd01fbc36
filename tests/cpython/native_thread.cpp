// A thread that CPython knows nothing of, in a process of its own or beside Python's: it makes raw system calls and
// computes in turn.
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "tests/interposers/raw_calls.h"

namespace {

std::atomic<int> tid = 0;
std::atomic<int> waits = 0;
std::atomic<int> strays = 0;

void* run(void*) {
    tid = gettid();
    for (;;) {
        strays += interrupt_tests::raw_wait(1) == -EINTR;
        ++waits;
        for (int i = 0; i < 50'000; ++i) {
            asm volatile("");
        }
    }
}

}  // namespace

extern "C" {
int start_native_thread() {
    pthread_t thread;
    return pthread_create(&thread, nullptr, run, nullptr);
}
int native_tid() {
    return tid;
}
int native_waits() {
    return waits;
}
int native_strays() {
    return strays;
}
}
