// A signal handler that forks while a call waits: parent and child both return from it, and to both the call ends as it
// does without the shim. The child has no record of its own by then.
#include <semaphore.h>

#include "contract_support.h"
#include "ways_to_fork.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

int input;

int error_of(long result) {
    return result < 0 ? errno : 0;
}

int read_a_byte() {
    char byte = 0;
    return error_of(read(input, &byte, 1));
}

struct timespec after(int ms) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += ms * 1'000'000L;
    time.tv_sec += time.tv_nsec / 1'000'000'000;
    time.tv_nsec %= 1'000'000'000;
    return time;
}

int wait_for_a_semaphore() {
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    const struct timespec end = after(forever_ms);
    return error_of(sem_timedwait(&semaphore, &end));
}

// Its wait is not ended by a signal.
int wait_for_a_condition() {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    const struct timespec end = after(300);
    pthread_mutex_lock(&mutex);
    return pthread_cond_timedwait(&condition, &mutex, &end);
}

int sleep_long() {
    const struct timespec time = {forever_ms / 1000, 0};
    return error_of(nanosleep(&time, nullptr));
}

struct Wait {
    Call call;
    int (*wait)();
    int flags;  // of the handler
    int error;
};

class ForkInHandler : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(By, ForkInHandler, testing::ValuesIn(ways_to_fork), name_of_way);

TEST_P(ForkInHandler, TheCallEndsInBoth) {
    static pid_t (*forks)();
    static std::atomic<pid_t> child;
    forks = GetParam().fork;
    for (const Wait& wait :
         {Wait{Call::read_, read_a_byte, 0, EINTR}, Wait{Call::read_, read_a_byte, SA_RESTART, 0},
          Wait{Call::poll_, [] { return errno_of_wait(); }, 0, EINTR},
          Wait{Call::poll_, [] { return errno_of_wait(); }, SA_RESTART, EINTR},
          Wait{Call::nanosleep_, sleep_long, 0, EINTR}, Wait{Call::sem_timedwait_, wait_for_a_semaphore, 0, EINTR},
          Wait{Call::pthread_cond_timedwait_, wait_for_a_condition, 0, ETIMEDOUT}}) {
        SCOPED_TRACE(testing::Message() << interrupt::traits(wait.call).name << ", flags " << wait.flags);
        Pipe pipe;
        input = pipe.reader();
        child = -1;
        Handler handler(
            SIGUSR1, [](int) { child = forks(); }, wait.flags);
        std::atomic<int> error = -1;
        std::atomic<int> status = -1;
        Worker worker([&] {
            const int ended = wait.wait();
            if (child == 0) {  // and it can be interrupted
                alarm(20);
                const bool alive = ended == wait.error;
                interrupt_thread(static_cast<pid_t>(syscall(SYS_gettid)));
                syscall(SYS_exit_group, !alive ? 1 : errno_of_wait() != EINTR ? 2 : 0);
            }
            error = ended;
            status = status_of(child);
        });
        ASSERT_TRUE(worker.await(wait.call));
        send_to_thread(worker.tid(), SIGUSR1);
        ASSERT_TRUE(eventually([] { return child > 0; }));
        pipe.put();
        pipe.put();
        worker.join();
        EXPECT_EQ(error, wait.error);
        EXPECT_EQ(status, 0);
    }
}

}  // namespace
}  // namespace interrupt_tests
