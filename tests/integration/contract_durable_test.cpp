// Durable: a request stays until it is delivered, cleared or withdrawn, whatever its thread is doing at that moment.
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include <cstdlib>
#include <semaphore>

#include "contract_support.h"
#include "raw_thread.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

TEST(Durable, RunningThreadIsInterruptedAtItsNextWait) {
    std::atomic<bool> requested = false;
    std::atomic<int> error = -1;
    Worker worker([&] {
        while (!requested.load()) {
        }
        error = errno_of_wait();
    });
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    EXPECT_TRUE(worker.pending());
    requested = true;
    worker.join();
    EXPECT_EQ(error, EINTR);
}

TEST(Durable, BlockedThreadIsInterrupted) {
    std::atomic<int> error = -1;
    Worker worker([&] { error = errno_of_wait(); });
    ASSERT_TRUE(worker.await(Call::poll_));
    const auto start = Clock::now();
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    worker.join();
    EXPECT_EQ(error, EINTR);
    EXPECT_LT(Clock::now() - start, seconds(5));
}

// The request comes at any moment around the beginning of the wait.
TEST(Durable, ThreadAboutToBlockIsInterrupted) {
    constexpr int rounds = 5000;
    std::atomic<int> round = 0;
    std::atomic<int> ended = 0;
    std::atomic<int> interrupted = 0;
    Worker worker([&] {
        for (int i = 1; i <= rounds; ++i) {
            while (round.load(std::memory_order_acquire) < i) {
            }
            interrupted += errno_of_wait() == EINTR;
            ended.store(i, std::memory_order_release);
        }
    });
    for (int i = 1; i <= rounds; ++i) {
        round.store(i, std::memory_order_release);
        spin(i * 7 % 3000);
        ASSERT_EQ(interrupt_thread(worker.tid()), 0);
        ASSERT_TRUE(eventually([&] { return ended.load(std::memory_order_acquire) == i; }, seconds(5)))
            << "round " << i;
    }
    worker.join();
    EXPECT_EQ(interrupted, rounds);
}

TEST(Durable, SurvivesInAThreadThatOnlyComputes) {
    std::atomic<bool> requested = false;
    std::atomic<int> lost = 0;
    std::atomic<int> cleared = -1;
    Worker worker([&] {
        while (!requested.load()) {
        }
        timespec start;
        timespec now;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
        do {
            lost += interrupt_pending() == 0;
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        } while ((now.tv_sec - start.tv_sec) * 1'000'000'000 + now.tv_nsec - start.tv_nsec < 200'000'000);
        cleared = interrupt_clear();
    });
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    requested = true;
    worker.join();
    EXPECT_EQ(lost, 0);
    EXPECT_EQ(cleared, 1);
}

std::atomic<bool> handler_runs;
std::atomic<bool> handler_may_end;
void stay(int) {
    handler_runs = true;
    while (!handler_may_end.load()) {
    }
}

// Runs `wait` in a thread, has a handler of the program on top of it, requests, and lets the handler end.
void request_in_handler(int flags, const std::function<void()>& wait, Call call) {
    Handler handler(SIGUSR1, stay, flags);
    handler_runs = handler_may_end = false;
    Worker worker(wait);
    ASSERT_TRUE(worker.await(call));
    ASSERT_EQ(send_to_thread(worker.tid(), SIGUSR1), 0);
    ASSERT_TRUE(eventually([] { return handler_runs.load(); }));
    EXPECT_TRUE(worker.blocked_in(Call::running)) << "the handler runs, whatever it interrupted";
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    EXPECT_TRUE(worker.pending());
    handler_may_end = true;
    worker.join();
    EXPECT_FALSE(worker.pending());
}

TEST(Durable, InAHandlerOnTopOfAReadThatRestarts) {
    Pipe pipe;
    std::atomic<int> error = 0;
    request_in_handler(
        SA_RESTART,
        [&] {
            char byte;
            error = read(pipe.reader(), &byte, 1) == -1 ? errno : 0;
        },
        Call::read_);
    EXPECT_EQ(error, EINTR);
}

// The handler itself makes poll() fail with EINTR: that is also when the request acts, once.
TEST(Durable, InAHandlerOnTopOfAPoll) {
    std::atomic<int> first = -1;
    request_in_handler(
        0,
        [&] {
            first = errno_of_wait();
            interrupt_clear();  // the program's EINTR may have come first
        },
        Call::poll_);
    EXPECT_EQ(first, EINTR);
}

std::atomic<int> handlers_error;
void wait_in_handler(int) {
    handlers_error = errno_of_wait();
}

// A wait inside a handler is one of its own; the one below goes on.
TEST(Durable, InAWaitOfAHandlerOnTopOfAWait) {
    Handler handler(SIGUSR1, wait_in_handler, SA_RESTART);
    Pipe pipe;
    std::atomic<ssize_t> got = -2;
    handlers_error = -1;
    Worker worker([&] {
        char byte;
        got = read(pipe.reader(), &byte, 1);
    });
    ASSERT_TRUE(worker.await(Call::read_));
    ASSERT_EQ(send_to_thread(worker.tid(), SIGUSR1), 0);
    ASSERT_TRUE(worker.await(Call::poll_));
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    ASSERT_TRUE(worker.await(Call::read_)) << "back in the wait below";
    EXPECT_EQ(handlers_error, EINTR);
    EXPECT_FALSE(worker.pending());
    pipe.put();
    worker.join();
    EXPECT_EQ(got, 1);
}

// --- threads that the shim has not seen start ---

std::atomic<pid_t> unknown_tid;
std::atomic<bool> unknown_may_go_on;
std::atomic<int> unknown_error;

// libc makes the threads of SIGEV_THREAD by itself, so that the shim's pthread_create is not called.
void in_unknown_thread(sigval) {
    unknown_tid = gettid();
    while (!unknown_may_go_on.load()) {
    }
    unknown_error = errno_of_wait();
    unknown_tid = 0;
}

TEST(Durable, ThreadThatNeverCalledTheShim) {
    unknown_tid = 0;
    unknown_error = -1;
    unknown_may_go_on = false;
    sigevent event = {};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = in_unknown_thread;
    timer_t timer;
    ASSERT_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    itimerspec once = {};
    once.it_value.tv_nsec = 1;
    ASSERT_EQ(timer_settime(timer, 0, &once, nullptr), 0);
    ASSERT_TRUE(eventually([] { return unknown_tid.load() != 0; }));
    ASSERT_EQ(own_table().find(unknown_tid), nullptr) << "this thread is known to the shim: the test shows nothing";
    ASSERT_EQ(interrupt_thread(unknown_tid), 0);
    EXPECT_TRUE(own_table().request_of(unknown_tid).pending());
    unknown_may_go_on = true;
    EXPECT_TRUE(eventually([] { return unknown_tid.load() == 0; }));
    EXPECT_EQ(unknown_error, EINTR);
    timer_delete(timer);
}

TEST(Durable, RawThreadKeepsItsRequestAndIsNotDisturbed) {
    auto thread = std::make_unique<RawThread>();
    ASSERT_EQ(own_table().find(thread->tid()), nullptr);
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(interrupt_thread(thread->tid()), 0);
    }
    EXPECT_TRUE(own_table().request_of(thread->tid()).pending());
    EXPECT_TRUE(eventually([&] { return thread->waits() >= 20; }));
    EXPECT_EQ(thread->strays(), 0);
    EXPECT_TRUE(own_table().request_of(thread->tid()).pending());
    thread->end();
    EXPECT_TRUE(eventually([&] { return interrupt_thread(thread->tid()) == ESRCH; }));
}

TEST(Durable, WhatIsNoThreadOfThisProcessIsRefused) {
    EXPECT_EQ(interrupt_thread(0), ESRCH);
    EXPECT_EQ(interrupt_thread(-1), ESRCH);
    EXPECT_EQ(interrupt_thread(1), ESRCH);
    EXPECT_EQ(interrupt_thread(getppid()), ESRCH);
    pid_t ended;
    {
        Worker worker([] {});
        ended = worker.tid();
    }
    EXPECT_TRUE(eventually([&] { return interrupt_thread(ended) == ESRCH; }));
}

}  // namespace
}  // namespace interrupt_tests
