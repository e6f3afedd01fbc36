// Children and what they do before their first interruption point, when they have no table yet: it is theirs all the
// same, and so is what they become.
#include <grp.h>
#include <sched.h>

#include "contract_programs.h"
#include "ways_to_fork.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

class NewProcess : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(By, NewProcess, testing::ValuesIn(ways_to_fork), name_of_way);

TEST_P(NewProcess, ItsOwnBlockedSignalStaysPending) {
    static std::atomic<int> handled;
    handled = 0;
    Handler handler(SIGURG, [](int) { ++handled; });
    for (const bool to_thread : {false, true}) {
        for (const bool waits : {false, true}) {
            SCOPED_TRACE(testing::Message() << "to the thread " << to_thread << ", waits meanwhile " << waits);
            const pid_t child = GetParam().fork();
            if (child == 0) {
                const pid_t self = static_cast<pid_t>(syscall(SYS_getpid));
                sigset_t set;
                sigset_t pending;
                sigemptyset(&set);
                sigaddset(&set, SIGURG);
                sigprocmask(SIG_BLOCK, &set, nullptr);
                to_thread ? syscall(SYS_tgkill, self, self, SIGURG) : kill(self, SIGURG);
                if (waits) {
                    poll(nullptr, 0, 0);
                }
                sigpending(&pending);
                const pid_t grandchild = GetParam().fork();
                if (grandchild == 0) {
                    sigpending(&pending);
                    _exit(sigismember(&pending, SIGURG) == 1 ? 4 : 0);
                }
                const int inherited = status_of(grandchild);
                sigprocmask(SIG_UNBLOCK, &set, nullptr);
                _exit(sigismember(&pending, SIGURG) != 1 ? 1 : handled != 1 ? 2 : inherited);
            }
            EXPECT_EQ(status_of(child), 0);
        }
    }
}

// The child of a process that has given up its user id.
TEST_P(NewProcess, OfAnotherUserHasATable) {
    NEEDS_ROOT();
    constexpr uid_t user = 54'321;
    const std::string directory = "/dev/shm/interrupt-" + std::to_string(user);
    Pipe pids;
    const pid_t parent = GetParam().fork();
    if (parent == 0) {
        alarm(20);
        if (setgroups(0, nullptr) != 0 || setgid(user) != 0 || setuid(user) != 0) {
            _exit(90);
        }
        const pid_t child = GetParam().fork();
        if (child == 0) {
            alarm(20);
            const auto self = static_cast<pid_t>(syscall(SYS_getpid));
            syscall(SYS_write, pids.writer(), &self, sizeof self);
            _exit(errno_of_wait() == EINTR ? 0 : 1);
        }
        _exit(status_of(child));
    }
    pid_t child = 0;
    ASSERT_EQ(read(pids.reader(), &child, sizeof child), static_cast<ssize_t>(sizeof child));
    EXPECT_TRUE(eventually([&] { return Table::path_of(child).starts_with(directory + "/"); }, seconds(5)))
        << Table::path_of(child);
    if (!Table::path_of(child).empty()) {
        Outside requester(child);
        EXPECT_TRUE(eventually([&] { return requester.table().call_of(child) == Call::poll_; }));
        requester.post(child);
    } else {
        kill(child, SIGKILL);
    }
    EXPECT_EQ(status_of(parent), 0);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace interrupt_tests
