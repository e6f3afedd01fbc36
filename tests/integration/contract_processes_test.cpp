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
    const uid_t user = 100'000 + static_cast<uid_t>(getpid());  // its directory is no other test's
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
    EXPECT_TRUE(eventually([&] { return Table::path_of(child).starts_with(directory + "/"); }))
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

// clone(), with a stack of the child's own: it runs on its parent's thread data and record, and the parent waits.
pid_t clone_as_vfork(int (*child)(void*)) {
    static std::vector<char> stack(1 << 20);
    return clone(child, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
}

TEST(ClonedAsByVfork, ChildIsNotInterruptedInItsParentsName) {
    interrupt_thread(gettid());
    static volatile int waited;
    const pid_t child = clone_as_vfork([](void*) {
        waited = poll(nullptr, 0, 20);
        return 7;
    });
    EXPECT_EQ(waited, 0);
    EXPECT_EQ(interrupt_pending(), 1);
    interrupt_clear();
    EXPECT_EQ(status_of(child), 7);
}

TEST(ClonedAsByVfork, ChildsMaskIsItsOwn) {
    sigset_t before;
    sigset_t after;
    for (const int how : {SIG_BLOCK, SIG_UNBLOCK}) {  // what the child does
        sigemptyset(&before);
        sigaddset(&before, SIGURG);
        sigprocmask(how == SIG_BLOCK ? SIG_UNBLOCK : SIG_BLOCK, &before, nullptr);
        static int childs;
        childs = how;
        const pid_t child = clone_as_vfork([](void*) {
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGURG);
            return sigprocmask(childs, &set, nullptr);
        });
        EXPECT_EQ(status_of(child), 0);
        sigprocmask(SIG_UNBLOCK, &before, &after);
        EXPECT_EQ(sigismember(&after, SIGURG), how == SIG_UNBLOCK);
    }
}

// The child is killed in a wait: it does not stay the parent's.
TEST(ClonedAsByVfork, AChildThatIsKilledLeavesNoWaitBehind) {
    std::atomic<bool> over = false;
    static std::atomic<pid_t> child_id;
    child_id = 0;
    Worker worker([&] {
        const pid_t child = clone_as_vfork([](void*) {
            child_id = static_cast<pid_t>(syscall(SYS_getpid));
            return poll(nullptr, 0, forever_ms);
        });
        while (!over) {  // without a call
        }
        EXPECT_EQ(status_of(child), 1000 + SIGKILL);
    });
    ASSERT_TRUE(eventually([&] { return worker.blocked_in(Call::poll_); }));
    kill(child_id, SIGKILL);
    EXPECT_TRUE(eventually([&] { return worker.blocked_in(Call::running) && worker.state() == 'R'; }));
    over = true;
}

}  // namespace
}  // namespace interrupt_tests
