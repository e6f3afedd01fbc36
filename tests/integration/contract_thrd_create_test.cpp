// Threads that thrd_create starts are as those of pthread_create: known from their start, with what they inherit.
#include <threads.h>

#include "contract_support.h"

namespace interrupt_tests {
namespace {

struct Seen {
    std::atomic<bool> has_record = false;
    std::atomic<bool> blocked = false;
    std::atomic<bool> held = false;
    std::atomic<int> error = 0;
    std::atomic<pid_t> tid = 0;
};

// Raw system calls only, up to the first look.
int look(void* pointer) {
    auto& seen = *static_cast<Seen*>(pointer);
    const auto tid = static_cast<pid_t>(syscall(SYS_gettid));
    seen.has_record = own_table().find(tid) != nullptr;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    seen.blocked = sigismember(&mask, SIGURG) == 1;
    if (seen.blocked) {
        send_to_thread(tid, SIGURG);
        sigset_t pending;
        sigpending(&pending);
        seen.held = sigismember(&pending, SIGURG) == 1;
    }
    seen.tid = tid;
    seen.error = errno_of_wait();
    return 4711;
}

void expect_interruptible(bool blocked) {
    own_table();
    Seen seen;
    thrd_t thread;
    ASSERT_EQ(thrd_create(&thread, look, &seen), thrd_success);
    ASSERT_TRUE(eventually([&] { return seen.tid != 0 && own_table().call_of(seen.tid) == interrupt::Call::poll_; }));
    EXPECT_TRUE(seen.has_record) << "it was to have a record when its function begins";
    EXPECT_EQ(seen.blocked, blocked);
    EXPECT_EQ(seen.held, blocked);
    EXPECT_EQ(interrupt_thread(seen.tid), 0);
    int result = 0;
    EXPECT_EQ(thrd_join(thread, &result), thrd_success);
    EXPECT_EQ(result, 4711);
    EXPECT_EQ(seen.error, EINTR);
    EXPECT_TRUE(eventually([&] { return own_table().find(seen.tid) == nullptr; }))
        << "its end was to release the record";
}

TEST(ThrdCreate, StartsAThreadWithARecord) {
    expect_interruptible(false);
}

TEST(ThrdCreate, InheritsTheNudgesSignalBlocked) {
    sigset_t set;
    sigset_t before;
    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
    expect_interruptible(true);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(ThrdCreate, EndsByThrdExit) {
    thrd_t thread;
    ASSERT_EQ(thrd_create(
                  &thread, [](void*) -> int { thrd_exit(5); }, nullptr),
              thrd_success);
    int result = 0;
    EXPECT_EQ(thrd_join(thread, &result), thrd_success);
    EXPECT_EQ(result, 5);
}

}  // namespace
}  // namespace interrupt_tests
