// sem_wait and its kin; condition variables, whose wait ends with the mutex held, however it ends.
#pragma once

#include <linux/futex.h>

#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/descriptors.h"

namespace interrupt_tests {

class SemaphoreWait : public Wait {
public:
    using Function = long (*)(sem_t*, const struct timespec* realtime, const struct timespec* monotonic);
    SemaphoreWait(Limit limit, Function function) : limit_(limit), function_(function) { sem_init(&semaphore_, 0, 0); }
    long call() override {
        const struct timespec realtime = deadline_of(CLOCK_REALTIME, limit_);
        const struct timespec monotonic = deadline_of(CLOCK_MONOTONIC, limit_);
        return function_(&semaphore_, &realtime, &monotonic);
    }
    void end(pid_t) override { sem_post(&semaphore_); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{0}; }
    Returned timed_out() const override { return {-1, ETIMEDOUT}; }
    // signal(7) says otherwise of the limited ones; the kernel does not restart a futex that has a limit.
    bool goes_on_after_handler(bool restarts) const override { return restarts && limit_ == Limit::none; }
    void without_waiting(NoWait& check) override {
        end(0);
        check("free", {0}, [&] { return call(); });
        if (limit_ != Limit::none) {
            const struct timespec past = {1, 0};
            check("no time", timed_out(), [&] { return function_(&semaphore_, &past, &past); });
            end(0);
            check("no time, free", {0}, [&] { return function_(&semaphore_, &past, &past); });
        }
        int value = -1;
        sem_getvalue(&semaphore_, &value);
        EXPECT_EQ(value, 0);
    }

private:
    const Limit limit_;
    const Function function_;
    sem_t semaphore_;
};

#define SEMAPHORE(name, limited, ...)                                                               \
    template <>                                                                                     \
    struct Case<Row::name> : TwoCases<Row::name> {                                                  \
        static WaitPointer make(Limit limit) {                                                      \
            return (limit != Limit::none) != limited                                                \
                       ? nullptr                                                                    \
                       : std::make_unique<SemaphoreWait>(                                           \
                             limit,                                                                 \
                             [](sem_t* semaphore, [[maybe_unused]] const struct timespec* realtime, \
                                [[maybe_unused]] const struct timespec* monotonic) -> long {        \
                                 return name(__VA_ARGS__);                                          \
                             });                                                                    \
        }                                                                                           \
    };
SEMAPHORE(sem_wait, false, semaphore)
SEMAPHORE(sem_timedwait, true, semaphore, realtime)
SEMAPHORE(sem_clockwait, true, semaphore, CLOCK_MONOTONIC, monotonic)
#undef SEMAPHORE

class ConditionWait : public Wait {
public:
    using Function = int (*)(pthread_cond_t*, pthread_mutex_t*, const struct timespec* realtime,
                             const struct timespec* monotonic);
    ConditionWait(Limit limit, Function function) : limit_(limit), function_(function) {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);  // so that unlocking tells who holds it
        pthread_mutex_init(&mutex_, &attributes);
        pthread_mutexattr_destroy(&attributes);
    }
    long call() override {
        const struct timespec realtime = deadline_of(CLOCK_REALTIME, limit_);
        const struct timespec monotonic = deadline_of(CLOCK_MONOTONIC, limit_);
        Lock lock(mutex_);
        return function_(&condition_, &mutex_, &realtime, &monotonic);
    }
    void end(pid_t) override {
        Lock lock(mutex_);
        EXPECT_EQ(pthread_cond_signal(&condition_), 0);
    }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{0}; }
    Returned failed(int error) const override { return {error}; }
    Returned interrupted() const override { return {0}; }  // a spurious wakeup
    Returned timed_out() const override { return {ETIMEDOUT}; }
    bool goes_on_after_handler(bool) const override { return true; }
    void without_waiting(NoWait& check) override {
        if (limit_ != Limit::none) {
            check("no time", timed_out(), [&] {
                const struct timespec past = {1, 0};
                Lock lock(mutex_);
                return function_(&condition_, &mutex_, &past, &past);
            });
        }
    }

private:
    class Lock {
    public:
        explicit Lock(pthread_mutex_t& mutex) : mutex_(mutex) { EXPECT_EQ(pthread_mutex_lock(&mutex_), 0); }
        ~Lock() { EXPECT_EQ(pthread_mutex_unlock(&mutex_), 0) << "the wait was to end with the mutex held"; }

    private:
        pthread_mutex_t& mutex_;
    };
    const Limit limit_;
    const Function function_;
    // Never destroyed: a thread that has left the wait by a jump is counted as waiting for ever.
    pthread_cond_t condition_ = PTHREAD_COND_INITIALIZER;
    pthread_mutex_t mutex_;
};

#define CONDITION(name, limited, ...)                                                                                  \
    template <>                                                                                                        \
    struct Case<Row::name> : TwoCases<Row::name> {                                                                     \
        static WaitPointer make(Limit limit) {                                                                         \
            return (limit != Limit::none) != limited                                                                   \
                       ? nullptr                                                                                       \
                       : std::make_unique<ConditionWait>(limit,                                                        \
                                                         [](pthread_cond_t* condition, pthread_mutex_t* mutex,         \
                                                            [[maybe_unused]] const struct timespec* realtime,          \
                                                            [[maybe_unused]] const struct timespec* monotonic) {       \
                                                             return name(condition, mutex __VA_OPT__(, ) __VA_ARGS__); \
                                                         });                                                           \
        }                                                                                                              \
    };
CONDITION(pthread_cond_wait, false)
CONDITION(pthread_cond_timedwait, true, realtime)
CONDITION(pthread_cond_clockwait, true, CLOCK_MONOTONIC, monotonic)
#undef CONDITION

class ThreadsConditionWait : public Wait {
public:
    explicit ThreadsConditionWait(Limit limit) : limit_(limit) {
        EXPECT_EQ(cnd_init(&condition_), thrd_success);
        EXPECT_EQ(mtx_init(&mutex_, limit == Limit::none ? mtx_plain : mtx_timed), thrd_success);
    }
    long call() override {
        const struct timespec deadline = deadline_of(CLOCK_REALTIME, limit_);
        return locked([&] {
            return limit_ == Limit::none ? cnd_wait(&condition_, &mutex_)
                                         : cnd_timedwait(&condition_, &mutex_, &deadline);
        });
    }
    void end(pid_t) override {
        locked([&] { return cnd_signal(&condition_); });
    }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{thrd_success}; }
    Returned failed(int) const override { return {thrd_error}; }
    Returned interrupted() const override { return {thrd_success}; }  // a spurious wakeup
    Returned timed_out() const override { return {thrd_timedout}; }
    bool goes_on_after_handler(bool) const override { return true; }
    void without_waiting(NoWait& check) override {
        if (limit_ != Limit::none) {
            check("no time", timed_out(), [&] {
                const struct timespec past = {1, 0};
                return locked([&] { return cnd_timedwait(&condition_, &mutex_, &past); });
            });
        }
    }

private:
    // mtx_trylock tells whether the wait has ended with the mutex held: it is not recursive.
    template <class Call>
    int locked(Call call) {
        EXPECT_EQ(mtx_lock(&mutex_), thrd_success);
        const int result = call();
        EXPECT_EQ(mtx_trylock(&mutex_), thrd_busy) << "the wait was to end with the mutex held";
        EXPECT_EQ(mtx_unlock(&mutex_), thrd_success);
        return result;
    }

    const Limit limit_;
    cnd_t condition_;  // never destroyed: as above
    mtx_t mutex_;
};

#define THREADS_CONDITION(name, limited)                                                                        \
    template <>                                                                                                 \
    struct Case<Row::name> : TwoCases<Row::name> {                                                              \
        static WaitPointer make(Limit limit) {                                                                  \
            return (limit != Limit::none) != limited ? nullptr : std::make_unique<ThreadsConditionWait>(limit); \
        }                                                                                                       \
    };
THREADS_CONDITION(cnd_wait, false)
THREADS_CONDITION(cnd_timedwait, true)
#undef THREADS_CONDITION

// A word by futex(2), as programs do it that have no function for it.
class FutexWait : public Wait {
public:
    explicit FutexWait(Limit limit) : limit_(limit) {}
    long call() override { return wait_for(0); }
    void end(pid_t) override {
        word_ = 1;
        raw_call(SYS_futex, reinterpret_cast<long>(&word_), FUTEX_WAKE_PRIVATE, 1);
    }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{0}; }
    Returned timed_out() const override { return {-1, ETIMEDOUT}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts && limit_ == Limit::none; }
    void without_waiting(NoWait& check) override {
        check("another value", failed(EAGAIN), [&] { return wait_for(1); });
        check("nobody to wake", {0}, [&] { return syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1); });
        check("a system call that does not wait", {raw_call(SYS_getpid)}, [&] { return syscall(SYS_getpid); });
    }

private:
    long wait_for(uint32_t value) {
        const struct timespec timeout = duration_of(limit_);
        return syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, value, limit_ == Limit::none ? nullptr : &timeout);
    }
    const Limit limit_;
    std::atomic<uint32_t> word_ = 0;
};

template <>
struct Case<Row::syscall> : TwoCases<Row::syscall> {
    static WaitPointer make(Limit limit) { return std::make_unique<FutexWait>(limit); }
};

}  // namespace interrupt_tests
