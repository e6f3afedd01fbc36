// A thread id that is used again: a request for the thread that had it before never reaches the new one.
#include <time.h>

#include <memory>
#include <semaphore>

#include "contract_support.h"
#include "raw_thread.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

bool next_tid_will_be(pid_t tid) {
    std::ofstream last("/proc/sys/kernel/ns_last_pid");
    last << tid - 1 << std::flush;
    return last.good();
}

// A thread whose id is `tid`; others on this machine may take it first.
std::unique_ptr<Worker> worker_with_tid(pid_t tid, const std::function<void()>& body) {
    for (int attempt = 0; attempt < 2000; ++attempt) {
        if (!next_tid_will_be(tid)) {
            return nullptr;
        }
        auto worker = std::make_unique<Worker>([body, tid] {
            if (gettid() == tid) {
                body();
            }
        });
        if (worker->tid() == tid) {
            return worker;
        }
    }
    return nullptr;
}

// The kernel tells when a thread started in clock ticks; a new one with the same id has to start in another.
void await_next_tick() {
    const long per_second = sysconf(_SC_CLK_TCK);
    const auto tick = [&] {
        timespec now;
        clock_gettime(CLOCK_BOOTTIME, &now);
        return now.tv_sec * per_second + now.tv_nsec / (1'000'000'000 / per_second);
    };
    const long before = tick();
    eventually([&] { return tick() > before + 1; });
}

void expect_no_inherited_request(pid_t tid) {
    std::atomic<int> pending = -1;
    std::atomic<int> result = -2;
    auto successor = worker_with_tid(tid, [&] {
        pending = interrupt_pending();
        result = poll(nullptr, 0, 30);
    });
    ASSERT_NE(successor, nullptr) << "thread id " << tid << " could not be had again";
    successor->join();
    EXPECT_EQ(pending, 0);
    EXPECT_EQ(result, 0);
}

#define NEEDS_CHOICE_OF_THREAD_IDS()                                     \
    if (access("/proc/sys/kernel/ns_last_pid", W_OK) != 0) {             \
        GTEST_SKIP() << "needs a writable /proc/sys/kernel/ns_last_pid"; \
    }

TEST(Durable, NewThreadWithAnOldIdGetsNoOldRequest) {
    NEEDS_CHOICE_OF_THREAD_IDS();
    pid_t tid;
    {
        std::binary_semaphore end(0);
        Worker worker([&] {
            interrupt_mask(INTERRUPT_MASK_ALL);
            end.acquire();
        });
        tid = worker.tid();
        ASSERT_EQ(interrupt_thread(tid), 0);
        EXPECT_TRUE(worker.pending());
        end.release();
    }
    await_next_tick();
    expect_no_inherited_request(tid);
}

TEST(Durable, NewThreadWithARawThreadsIdGetsNoOldRequest) {
    NEEDS_CHOICE_OF_THREAD_IDS();
    auto thread = std::make_unique<RawThread>();
    ASSERT_EQ(interrupt_thread(thread->tid()), 0);
    thread->end();
    EXPECT_TRUE(own_table().request_of(thread->tid()).pending()) << "nobody has taken the record back yet";
    await_next_tick();
    expect_no_inherited_request(thread->tid());
}

// Also where the id is asked for before the new thread has called the shim: a requester finds the record of the old
// one.
TEST(Durable, RequestForAReusedIdReachesTheNewThread) {
    NEEDS_CHOICE_OF_THREAD_IDS();
    auto thread = std::make_unique<RawThread>();
    const pid_t tid = thread->tid();
    ASSERT_EQ(request_as(tid, INTERRUPT_ERROR, ENOSPC), 0);
    thread->end();
    await_next_tick();
    std::atomic<int> error = -1;
    auto successor = worker_with_tid(tid, [&] { error = errno_of_wait(); });
    ASSERT_NE(successor, nullptr);
    ASSERT_TRUE(successor->await(Call::poll_));
    ASSERT_EQ(interrupt_thread(tid), 0);
    successor->join();
    EXPECT_EQ(error, EINTR);
}

}  // namespace
}  // namespace interrupt_tests
