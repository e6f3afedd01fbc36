// The calls that are shown, and left alone.
#pragma once

#include <pthread.h>
#include <threads.h>

#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/descriptors.h"

namespace interrupt_tests {

// A thread that goes on until it is released.
class OtherThread {
public:
    OtherThread() { EXPECT_EQ(pthread_create(&thread, nullptr, run, &released_), 0); }
    ~OtherThread() { release(); }
    void release() { released_ = true; }
    pthread_t thread;

private:
    static void* run(void* released) {
        while (!*static_cast<std::atomic<bool>*>(released)) {
            raw_wait(100);
        }
        return nullptr;
    }
    std::atomic<bool> released_ = false;
};

class ShownWait : public Wait {
public:
    ShownWait(Limit limit, clockid_t clock) : limit_(limit), clock_(clock) {}
    Returned natural() const override { return {limit_ == Limit::near ? ETIMEDOUT : 0}; }
    bool goes_on_after_handler(bool) const override { return true; }

protected:
    struct timespec deadline() const {
        return deadline_of(clock_, limit_);
    }
    const Limit limit_;
    const clockid_t clock_;
};

class Joined : public ShownWait {
public:
    using Function = int (*)(pthread_t thread, const struct timespec* deadline);
    Joined(Limit limit, clockid_t clock, Function function) : ShownWait(limit, clock), function_(function) {}
    ~Joined() override {
        if (!joined_) {
            other_.release();
            pthread_join(other_.thread, nullptr);
        }
    }
    long call() override {
        const struct timespec until = deadline();
        const int result = function_(other_.thread, &until);
        joined_ = result == 0;
        return result;
    }
    void end(pid_t) override { other_.release(); }
    void without_waiting(NoWait& check) override {
        other_.release();
        check("it has ended, or does soon", {0}, [&] { return call(); });
    }

private:
    const Function function_;
    OtherThread other_;
    bool joined_ = false;
};

// A lock that the test's main thread holds.
template <class Lock>
class Locked : public ShownWait {
public:
    using Function = int (*)(Lock& lock, const struct timespec* deadline);
    Locked(Limit limit, clockid_t clock, Function function) : ShownWait(limit, clock), function_(function) {
        lock_.take();
    }
    long call() override {
        const struct timespec until = deadline();
        return function_(lock_, &until);
    }
    void end(pid_t) override { lock_.give(); }
    void without_waiting(NoWait& check) override {
        Lock free;
        const struct timespec until = deadline();
        check("free", {0}, [&] { return function_(free, &until); });
    }

private:
    const Function function_;
    Lock lock_;
};

struct Mutex {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    void take() { EXPECT_EQ(pthread_mutex_lock(&mutex), 0); }
    void give() { EXPECT_EQ(pthread_mutex_unlock(&mutex), 0); }
};

struct ThreadsMutex {
    mtx_t mutex;
    ThreadsMutex() { EXPECT_EQ(mtx_init(&mutex, mtx_timed), thrd_success); }
    void take() { EXPECT_EQ(mtx_lock(&mutex), thrd_success); }
    void give() { EXPECT_EQ(mtx_unlock(&mutex), thrd_success); }
};

struct ReadWriteLock {
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    void take() { EXPECT_EQ(pthread_rwlock_wrlock(&lock), 0); }
    void give() { EXPECT_EQ(pthread_rwlock_unlock(&lock), 0); }
};

#define SHOWN(name, limited, clock, Kind, Argument, ...)                                                              \
    template <>                                                                                                       \
    struct Case<Row::name> : ShownCases<Row::name> {                                                                  \
        static WaitPointer make(Limit limit) {                                                                        \
            return (limit != Limit::none) != limited                                                                  \
                       ? nullptr                                                                                      \
                       : std::make_unique<Kind>(                                                                      \
                             limit, clock, [](Argument it, [[maybe_unused]] const struct timespec* deadline) -> int { \
                                 return __VA_ARGS__;                                                                  \
                             });                                                                                      \
        }                                                                                                             \
    };
SHOWN(pthread_join, false, CLOCK_REALTIME, Joined, pthread_t, pthread_join(it, nullptr))
SHOWN(pthread_timedjoin_np, true, CLOCK_REALTIME, Joined, pthread_t, pthread_timedjoin_np(it, nullptr, deadline))
SHOWN(pthread_clockjoin_np, true, CLOCK_MONOTONIC, Joined, pthread_t,
      pthread_clockjoin_np(it, nullptr, CLOCK_MONOTONIC, deadline))
SHOWN(thrd_join, false, CLOCK_REALTIME, Joined, pthread_t, thrd_join(it, nullptr))
SHOWN(pthread_mutex_timedlock, true, CLOCK_REALTIME, Locked<Mutex>, Mutex&,
      pthread_mutex_timedlock(&it.mutex, deadline))
SHOWN(pthread_mutex_clocklock, true, CLOCK_MONOTONIC, Locked<Mutex>, Mutex&,
      pthread_mutex_clocklock(&it.mutex, CLOCK_MONOTONIC, deadline))
SHOWN(mtx_timedlock, true, CLOCK_REALTIME, Locked<ThreadsMutex>, ThreadsMutex&, mtx_timedlock(&it.mutex, deadline))
SHOWN(pthread_rwlock_timedrdlock, true, CLOCK_REALTIME, Locked<ReadWriteLock>, ReadWriteLock&,
      pthread_rwlock_timedrdlock(&it.lock, deadline))
SHOWN(pthread_rwlock_timedwrlock, true, CLOCK_REALTIME, Locked<ReadWriteLock>, ReadWriteLock&,
      pthread_rwlock_timedwrlock(&it.lock, deadline))
SHOWN(pthread_rwlock_clockrdlock, true, CLOCK_MONOTONIC, Locked<ReadWriteLock>, ReadWriteLock&,
      pthread_rwlock_clockrdlock(&it.lock, CLOCK_MONOTONIC, deadline))
SHOWN(pthread_rwlock_clockwrlock, true, CLOCK_MONOTONIC, Locked<ReadWriteLock>, ReadWriteLock&,
      pthread_rwlock_clockwrlock(&it.lock, CLOCK_MONOTONIC, deadline))
#undef SHOWN

// Two threads meet: the last to come does not wait.
class BarrierWait : public ShownWait {
public:
    BarrierWait() : ShownWait(Limit::none, CLOCK_REALTIME) {
        EXPECT_EQ(pthread_barrier_init(&barrier_, nullptr, 2), 0);
    }
    ~BarrierWait() override { pthread_barrier_destroy(&barrier_); }
    long call() override { return pthread_barrier_wait(&barrier_); }
    void end(pid_t) override { EXPECT_EQ(pthread_barrier_wait(&barrier_), PTHREAD_BARRIER_SERIAL_THREAD); }
    void without_waiting(NoWait& check) override {
        pthread_barrier_t alone;
        pthread_barrier_init(&alone, nullptr, 1);
        check("for nobody else", {PTHREAD_BARRIER_SERIAL_THREAD}, [&] { return pthread_barrier_wait(&alone); });
        pthread_barrier_destroy(&alone);
    }

private:
    pthread_barrier_t barrier_;
};

template <>
struct Case<Row::pthread_barrier_wait> : ShownCases<Row::pthread_barrier_wait> {
    static WaitPointer make(Limit limit) { return limit != Limit::none ? nullptr : std::make_unique<BarrierWait>(); }
};

}  // namespace interrupt_tests
