// A seccomp filter that kills the process on any system call but the program's own: however and whenever it is set, the
// program runs on, says the same and ends the same.
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "contract_programs.h"

namespace interrupt_tests {
namespace {

class Sandboxed : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(By, Sandboxed,
                         testing::Values("prctl", "syscall", "prctl twice", "syscall twice", "prctl thread-before",
                                         "syscall thread-before", "prctl thread-after", "syscall thread-after",
                                         "prctl pending", "prctl pending interface", "prctl pending wakeup interface",
                                         "prctl handler", "prctl handler pending", "prctl handler pending wakeup",
                                         "prctl fork", "prctl fork pending", "syscall fork thread-after", "prctl exec",
                                         "syscall exec", "strict", "strict fork", "prctl ignored", "syscall default",
                                         "prctl ignored fork", "syscall default thread-before", "prctl restarted",
                                         "prctl blocked", "prctl blocked ignored", "syscall blocked fork",
                                         "prctl handled-later", "prctl waited-for", "syscall waited-for thread-before"),
                         [](const auto& info) {
                             std::string name = info.param;
                             std::replace_if(
                                 name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
                             return name;
                         });

TEST_P(Sandboxed, RunsOn) {
    Start start = {.target = "sandboxed"};
    std::istringstream modes(GetParam());
    for (std::string mode; modes >> mode;) {
        start.arguments.push_back(mode);
    }
    const std::string bare = outcome_of(start, false);
    ASSERT_EQ(bare.find("[signal"), std::string::npos)
        << "the filter does not allow what the program itself does: " << bare;
    EXPECT_EQ(outcome_of(start, true), bare);
}

// Rules ask nothing of the kernel there: one that is about another call, one that could not act, one that acts.
TEST(Sandboxed, RunsOnUnderRules) {
    Start start = {.target = "sandboxed", .arguments = {"prctl"}};
    const std::string bare = outcome_of(start, false);
    for (const char* rule : {"accept:errno:EIO", "read:errno:EIO", "read:timeout", "read:timeout:force",
                             "write:timeout", "read:errno:EIO:force:after=0.5", "read:signal:USR1:force"}) {
        SCOPED_TRACE(rule);
        start.environment = {{"INTERRUPT_INJECT", rule}};
        EXPECT_EQ(outcome_of(start, true), bare);
    }
    start.environment = {{"INTERRUPT_INJECT", "read:errno:EIO:force"}};
    const std::string failed = outcome_of(start, true);
    EXPECT_NE(failed.find("read -1"), std::string::npos) << failed;
    EXPECT_EQ(failed.find("[signal"), std::string::npos) << failed;
}

// Control has to know that it must not nudge.
TEST(Sandboxed, TheTableSaysSo) {
    Program program({.target = "sandboxed", .arguments = {"prctl"}});
    ASSERT_TRUE(program.says("sleep 0")) << program.output();
    EXPECT_TRUE(Table(program.pid()).header().flags & interrupt::table_seccomp);
    EXPECT_NE(program.finish().find("[exit 7]"), std::string::npos) << program.output();
}

// A program that asks whether there are filters, by one that cannot be set, goes on as before.
TEST(Sandboxed, WithoutAFilterInTheEndNothingHasChanged) {
    int error = 0;
    Worker worker([&] { error = errno_of_wait(); });
    ASSERT_TRUE(worker.await(interrupt::Call::poll_));
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    pthread_sigmask(SIG_BLOCK, &urgent, nullptr);
    send_to_thread(gettid(), SIGURG);
    EXPECT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr), -1);
    EXPECT_EQ(errno, EFAULT);
    EXPECT_EQ(interrupt_thread(worker.tid()), 0);
    worker.join();
    EXPECT_EQ(error, EINTR);
    const timespec none = {};
    EXPECT_EQ(sigtimedwait(&urgent, nullptr, &none), SIGURG);
    pthread_sigmask(SIG_UNBLOCK, &urgent, nullptr);
}

// No request is lost to the program's sight: it stays pending.
TEST(Sandboxed, ARequestStaysPending) {
    Program program({.target = "sandboxed", .arguments = {"prctl", "pending"}});
    ASSERT_TRUE(program.says("sleep 0")) << program.output();
    EXPECT_TRUE(Table(program.pid()).find(program.pid()) != nullptr &&
                Table(program.pid()).request_of(program.pid()).pending());
    EXPECT_NE(program.finish().find("[exit 7]"), std::string::npos) << program.output();
}

}  // namespace
}  // namespace interrupt_tests
