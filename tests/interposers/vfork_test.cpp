// A vfork child runs on its parent's thread-local data and record while the parent's thread is suspended. It may end
// inside an interposed call; the parent's thread then goes on as if the child had never called.
#include <gtest/gtest.h>

#include <fstream>

#include "interrupt/interrupt.h"
#include "tests/interposers/descriptors.h"
#include "tests/interposers/scenario.h"
#include "tests/support/own_table.h"

namespace interrupt_tests {

namespace {

using interrupt::Call;

// A thread of this process and its child, which reads from a pipe that nobody writes to.
class Parent {
public:
    Parent() : thread_([this] { run(); }) {
        await("the child", [this] { return find_child(); });
        await("the child's wait", [this] { return blocked_in(tid_) == Call::read_ && child_sleeps(); });
    }

    pid_t tid() const { return tid_; }
    pid_t child() const { return child_; }

    // Requests while the thread makes raw calls, after the child's end.
    void send_requests() {
        await("the parent", [this] { return makes_raw_calls_.load(); });
        for (int i = 0; i < 20; ++i) {
            EXPECT_EQ(interrupt_thread(tid_), 0);
            raw_wait(100);
        }
        makes_raw_calls_ = false;
        await("the thread's end", [this] { return done_.load(); });
        thread_.join();
    }

    // What the thread found.
    int status = -1;
    bool child_returned = false;
    bool running_afterwards = false;
    int raw_interruptions = 0;
    bool poll_was_interrupted = false;
    bool pending = true;

private:
    void run() {
        tid_ = own_tid();
        const pid_t child = vfork();
        if (child == 0) {
            char byte;
            child_returned_ = false;
            static_cast<void>(read(pipe_.reader, &byte, 1) + 1);
            child_returned_ = true;
            _exit(1);
        }
        running_afterwards = blocked_in(own_tid()) == Call::running;
        child_returned = child_returned_;
        makes_raw_calls_ = true;
        raw_interruptions = count_raw_interruptions([this] { return makes_raw_calls_.load(); });
        poll_was_interrupted = poll(nullptr, 0, far_seconds * 1'000) == -1 && errno == EINTR;
        pending = interrupt_pending() == 1;
        raw_call(SYS_wait4, child, reinterpret_cast<long>(&status), 0, 0);
        done_ = true;
    }

    bool find_child() {
        std::ifstream children("/proc/self/task/" + std::to_string(tid_) + "/children");
        pid_t child = 0;
        children >> child;
        child_ = child;
        return child != 0;
    }
    bool child_sleeps() const {
        std::ifstream stat("/proc/" + std::to_string(child_) + "/stat");
        std::string text;
        std::getline(stat, text);
        return text.find(") S ") != std::string::npos;
    }

    Pipe pipe_;
    volatile bool child_returned_ = false;  // in memory that the child shares
    std::atomic<pid_t> tid_ = 0;
    pid_t child_ = 0;
    std::atomic<bool> makes_raw_calls_ = false;
    std::atomic<bool> done_ = false;
    std::thread thread_;
};

void check(const Parent& parent) {
    EXPECT_TRUE(parent.running_afterwards);
    EXPECT_EQ(parent.raw_interruptions, 0);
    EXPECT_TRUE(parent.poll_was_interrupted) << "a request was pending";
    EXPECT_FALSE(parent.pending);
}

TEST(Vfork, ChildKilledInsideACall) {
    Parent parent;
    ASSERT_EQ(raw_call(SYS_kill, parent.child(), SIGKILL), 0);
    parent.send_requests();
    check(parent);
    EXPECT_TRUE(WIFSIGNALED(parent.status) && WTERMSIG(parent.status) == SIGKILL);
}

TEST(Vfork, ChildThatExitsInAHandlerInsideACall) {
    struct sigaction action = {};
    action.sa_handler = [](int) { _exit(7); };
    ASSERT_EQ(sigaction(SIGUSR2, &action, nullptr), 0);
    Parent parent;
    ASSERT_EQ(raw_call(SYS_kill, parent.child(), SIGUSR2), 0);
    parent.send_requests();
    check(parent);
    EXPECT_TRUE(WIFEXITED(parent.status) && WEXITSTATUS(parent.status) == 7);
}

// The parent's record says blocked then, in the child's call: the child is not to be interrupted in its parent's name.
TEST(Vfork, RequestForTheParentWhileTheChildIsInsideACall) {
    Parent parent;
    const uint64_t delivered_before = own_table()->delivered;
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(interrupt_thread(parent.tid()), 0);
        raw_wait(200);
    }
    EXPECT_EQ(own_table()->delivered, delivered_before);
    EXPECT_EQ(blocked_in(parent.tid()), Call::read_);
    ASSERT_EQ(raw_call(SYS_kill, parent.child(), SIGKILL), 0);
    parent.send_requests();
    check(parent);
    EXPECT_EQ(own_table()->delivered, delivered_before + 1);
    EXPECT_TRUE(WIFSIGNALED(parent.status) && WTERMSIG(parent.status) == SIGKILL);
}

// A request that is pending before: the child's call does not consume it either, nor is it interrupted.
TEST(Vfork, RequestThatIsPendingBeforeTheChildBegins) {
    bool interrupted = false;
    bool pending_after_child = false;
    bool pending = true;
    int status = -1;
    std::thread([&] {
        EXPECT_EQ(interrupt_thread(own_tid()), 0);
        const pid_t child = vfork();
        if (child == 0) {
            const struct timespec time = {0, 20'000'000};
            _exit(nanosleep(&time, nullptr) == 0 ? 7 : 1);
        }
        pending_after_child = interrupt_pending() == 1;
        interrupted = poll(nullptr, 0, far_seconds * 1'000) == -1 && errno == EINTR;
        pending = interrupt_pending() == 1;
        raw_call(SYS_wait4, child, reinterpret_cast<long>(&status), 0, 0);
    }).join();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << "the child's sleep was not the parent's to interrupt";
    EXPECT_TRUE(pending_after_child);
    EXPECT_TRUE(interrupted);
    EXPECT_FALSE(pending);
}

}  // namespace

}  // namespace interrupt_tests
