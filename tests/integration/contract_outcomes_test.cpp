// Legal outcomes: a request acts only at waits that can have what it wants.
#include <sys/file.h>

#include <climits>

#include "contract_support.h"

namespace interrupt_tests {

namespace {

using interrupt::Call;

// A thread that is cancelled while it waits for a condition variable cleans up with the mutex held, as POSIX has it.
TEST(LegalOutcomes, CancelInAConditionVariableLeavesTheMutexToTheCleanupHandler) {
    struct {
        pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
        pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
        int unlocked = -1;
        std::atomic<pid_t> tid = 0;
    } shared;
    pthread_t thread;
    ASSERT_EQ(pthread_create(
                  &thread, nullptr,
                  [](void* argument) -> void* {
                      auto* const it = static_cast<decltype(shared)*>(argument);
                      pthread_mutex_lock(&it->mutex);
                      it->tid = gettid();
                      pthread_cleanup_push(
                          [](void* argument) {
                              auto* const it = static_cast<decltype(shared)*>(argument);
                              it->unlocked = pthread_mutex_unlock(&it->mutex);
                          },
                          it);
                      for (;;) {
                          pthread_cond_wait(&it->condition, &it->mutex);
                      }
                      pthread_cleanup_pop(0);
                  },
                  &shared),
              0);
    ASSERT_TRUE(eventually([&] { return own_table().call_of(shared.tid) == Call::pthread_cond_wait_; }));
    ASSERT_EQ(request_as(shared.tid, INTERRUPT_CANCEL), 0);
    void* result = nullptr;
    ASSERT_EQ(pthread_join(thread, &result), 0);
    EXPECT_EQ(result, PTHREAD_CANCELED);
    EXPECT_EQ(shared.unlocked, 0);
}

// It stays pending, and acts at the first cancellation point after the thread has enabled cancellation.
TEST(LegalOutcomes, CancelWaitsUntilCancellationIsEnabled) {
    Pipe pipe;
    std::atomic<bool> pending_afterwards = false;
    std::atomic<ssize_t> received = 0;
    std::atomic<bool> went_on = false;
    Worker worker([&] {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
        char byte;
        received = read(pipe.reader(), &byte, 1);
        pending_afterwards = interrupt_check() == 0 && interrupt_pending() == 1;
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
        poll(nullptr, 0, forever_ms);
        went_on = true;
    });
    ASSERT_TRUE(worker.await(Call::read_));
    ASSERT_EQ(request_as(worker.tid(), INTERRUPT_CANCEL), 0);
    ASSERT_TRUE(worker.await(Call::read_)) << "the wait was to go on";
    pipe.put();
    worker.join();
    EXPECT_EQ(received, 1);
    EXPECT_TRUE(pending_afterwards);
    EXPECT_FALSE(went_on);
}

TEST(LegalOutcomes, CancelActsAtNoCallThatIsNoCancellationPoint) {
    const int held = memfd_create("lock", MFD_CLOEXEC);
    const int wanted = open(("/proc/self/fd/" + std::to_string(held)).c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(flock(held, LOCK_EX), 0);
    std::atomic<int> locked = -1;
    std::atomic<bool> went_on = false;
    Worker worker([&] {
        locked = flock(wanted, LOCK_EX);
        poll(nullptr, 0, forever_ms);
        went_on = true;
    });
    ASSERT_TRUE(worker.await(Call::flock_));
    ASSERT_EQ(request_as(worker.tid(), INTERRUPT_CANCEL), 0);
    ASSERT_TRUE(worker.await(Call::flock_));
    EXPECT_TRUE(worker.pending());
    ASSERT_EQ(flock(held, LOCK_UN), 0);
    worker.join();
    EXPECT_EQ(locked, 0);
    EXPECT_FALSE(went_on) << "poll is one";
    close(held);
    close(wanted);
}

// The mask that ppoll had put in place is taken back before cleanup handlers run.
TEST(LegalOutcomes, CancelRestoresTheMaskFirst) {
    static bool blocked_in_cleanup;
    blocked_in_cleanup = false;
    Worker worker([&] {
        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &mask, nullptr);
        sigset_t during;
        sigemptyset(&during);
        struct Cleanup {
            ~Cleanup() {
                sigset_t now;
                pthread_sigmask(SIG_SETMASK, nullptr, &now);
                blocked_in_cleanup = sigismember(&now, SIGUSR1) == 1;
            }
        } const cleanup;
        ppoll(nullptr, 0, nullptr, &during);
    });
    ASSERT_TRUE(worker.await(Call::ppoll_));
    ASSERT_EQ(request_as(worker.tid(), INTERRUPT_CANCEL), 0);
    worker.join();
    EXPECT_TRUE(blocked_in_cleanup);
}

// --- a signal is no outcome of a wait ---

std::atomic<pid_t> signalled = 0;

TEST(LegalOutcomes, SignalIsThePlainOneToThatThread) {
    const Handler handler(SIGUSR1, [](int) { signalled = gettid(); });
    signalled = 0;
    std::atomic<int> error = 0;
    Worker worker([&] { error = errno_of_wait(); });
    ASSERT_TRUE(worker.await(Call::poll_));
    ASSERT_EQ(request_as(worker.tid(), INTERRUPT_SIGNAL, SIGUSR1), 0);
    worker.join();
    EXPECT_EQ(signalled, worker.tid());
    EXPECT_EQ(error, EINTR) << "by the handler";
}

TEST(LegalOutcomes, SignalThatDoesNotExistIsRefused) {
    errno = 4711;
    for (const int signal : {0, -1, 65, INT_MAX, INT_MIN}) {
        EXPECT_EQ(request_as(gettid(), INTERRUPT_SIGNAL, signal), EINVAL) << signal;
    }
    EXPECT_EQ(request_as(1, INTERRUPT_SIGNAL, SIGUSR1), ESRCH);
    EXPECT_EQ(errno, 4711);
}

}  // namespace

}  // namespace interrupt_tests
