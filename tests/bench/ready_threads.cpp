// Semaphores and locks that are free, barriers for one; and, with a thread on the other side,
// condition variables that are signalled.
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include <thread>

#include "ready.h"

namespace interrupt_bench {

namespace {

constexpr int many = 500;
constexpr struct timespec far = {1L << 33, 0};

void add_semaphores(std::vector<Ready>& all) {
    static sem_t semaphore;
    const auto post = [](int n) { sem_init(&semaphore, 0, static_cast<unsigned>(n)); };
    all.push_back(ready("sem_wait", ::sem_wait, many, post, [](auto* f) { return f(&semaphore) == 0; }));
    all.push_back(
        ready("sem_timedwait", ::sem_timedwait, many, post, [](auto* f) { return f(&semaphore, &far) == 0; }));
    all.push_back(ready("sem_clockwait", ::sem_clockwait, many, post,
                        [](auto* f) { return f(&semaphore, CLOCK_MONOTONIC, &far) == 0; }));
}

void add_locks(std::vector<Ready>& all) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    const auto mutex_taken = [](int error) { return error == 0 && pthread_mutex_unlock(&mutex) == 0; };
    const auto lock_taken = [](int error) { return error == 0 && pthread_rwlock_unlock(&lock) == 0; };
    const auto add = [&](const char* name, auto* interposer, auto call) {
        all.push_back(ready(name, interposer, many, nothing_to_prepare, call));
    };
    add("pthread_mutex_timedlock", ::pthread_mutex_timedlock, [=](auto* f) { return mutex_taken(f(&mutex, &far)); });
    add("pthread_mutex_clocklock", ::pthread_mutex_clocklock,
        [=](auto* f) { return mutex_taken(f(&mutex, CLOCK_MONOTONIC, &far)); });
    add("pthread_rwlock_timedrdlock", ::pthread_rwlock_timedrdlock,
        [=](auto* f) { return lock_taken(f(&lock, &far)); });
    add("pthread_rwlock_timedwrlock", ::pthread_rwlock_timedwrlock,
        [=](auto* f) { return lock_taken(f(&lock, &far)); });
    add("pthread_rwlock_clockrdlock", ::pthread_rwlock_clockrdlock,
        [=](auto* f) { return lock_taken(f(&lock, CLOCK_MONOTONIC, &far)); });
    add("pthread_rwlock_clockwrlock", ::pthread_rwlock_clockwrlock,
        [=](auto* f) { return lock_taken(f(&lock, CLOCK_MONOTONIC, &far)); });
    static pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, nullptr, 1);
    add("pthread_barrier_wait", ::pthread_barrier_wait,
        [](auto* f) { return f(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD; });
}

// A condition variable with a thread that signals it whenever it is told that somebody is about to wait, who holds the
// mutex until the wait has begun.
struct Signalled {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    sem_t wanted;
    bool there = false;
    std::thread other;

    Signalled() {
        sem_init(&wanted, 0, 0);
        other = std::thread([this] {
            for (;;) {
                sem_wait(&wanted);
                pthread_mutex_lock(&mutex);
                there = true;
                pthread_cond_signal(&condition);
                pthread_mutex_unlock(&mutex);
            }
        });
        other.detach();  // it waits for what does not come any more when the process ends
    }

    bool await(auto wait) {
        pthread_mutex_lock(&mutex);
        there = false;
        sem_post(&wanted);
        int error = 0;
        while (!there && error == 0) {
            error = wait(&condition, &mutex);
        }
        pthread_mutex_unlock(&mutex);
        return error == 0;
    }
};

}  // namespace

void add_threads(std::vector<Ready>& all) {
    add_semaphores(all);
    add_locks(all);
}

void add_signalled(std::vector<Ready>& all) {
    constexpr int few = 50;
    static Signalled& signalled = *new Signalled;
    all.push_back(ready("pthread_cond_wait", ::pthread_cond_wait, few, nothing_to_prepare,
                        [](auto* f) { return signalled.await(f); }));
    all.push_back(ready("pthread_cond_timedwait", ::pthread_cond_timedwait, few, nothing_to_prepare, [](auto* f) {
        return signalled.await([f](auto* condition, auto* mutex) { return f(condition, mutex, &far); });
    }));
    all.push_back(ready("pthread_cond_clockwait", ::pthread_cond_clockwait, few, nothing_to_prepare, [](auto* f) {
        return signalled.await(
            [f](auto* condition, auto* mutex) { return f(condition, mutex, CLOCK_MONOTONIC, &far); });
    }));
}

}  // namespace interrupt_bench
