// fork, vfork, exec, posix_spawn, clone: a child has a table of its own from its first interruption point on, its
// parent's requests are not its own, and nothing that it does reaches its parent.
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "contract_programs.h"
#include "ways_to_fork.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

class Forked : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(By, Forked, testing::ValuesIn(ways_to_fork), name_of_way);

// The parent's pending request is not the child's, in any of the child's waits and calls.
int look_at_requests() {
    if (interrupt_pending() != 0) {
        return 1;
    }
    if (interrupt_check() != 0 || interrupt_clear() != 0) {
        return 2;
    }
    if (poll(nullptr, 0, 30) != 0) {
        return 3;
    }
    return interrupt_pending() != 0 ? 4 : 0;
}

TEST_P(Forked, ParentsRequestIsNotTheChilds) {
    interrupt_thread(gettid());
    ASSERT_EQ(interrupt_pending(), 1);
    const pid_t child = GetParam().fork();
    if (child == 0) {
        _exit(look_at_requests());
    }
    ASSERT_GT(child, 0);
    EXPECT_EQ(interrupt_pending(), 1);
    interrupt_mask(INTERRUPT_MASK_ALL);
    EXPECT_EQ(status_of(child), 0);
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_EQ(errno_of_wait(), EINTR) << "the parent's own request is still there";
}

TEST_P(Forked, ChildHasATableOfItsOwn) {
    const std::string parents = own_table().path();
    Pipe go;
    Pipe said;
    const pid_t child = GetParam().fork();
    if (child == 0) {
        poll(nullptr, 0, 1);
        said.put();
        char byte;
        _exit(read(go.reader(), &byte, 1) == 1 ? 0 : 1);
    }
    char byte;
    ASSERT_EQ(read(said.reader(), &byte, 1), 1);
    const std::string childs = Table::path_of(child);
    EXPECT_NE(childs, "");
    EXPECT_NE(childs, parents);
    EXPECT_EQ(Table(child).header().pid, child);
    EXPECT_NE(Table(child).find(child), nullptr);
    EXPECT_EQ(Table::path_of(getpid()), parents);
    EXPECT_TRUE(std::filesystem::exists(parents));
    EXPECT_EQ(own_table().find(child), nullptr);
    go.put();
    EXPECT_EQ(status_of(child), 0);
    EXPECT_TRUE(std::filesystem::exists(parents)) << "the child's end leaves the parent's table alone";
}

TEST_P(Forked, ChildCanBeInterrupted) {
    const pid_t child = GetParam().fork();
    if (child == 0) {
        _exit(errno_of_wait() == EINTR && errno_of_wait(10) == 0 ? 0 : 1);
    }
    ASSERT_TRUE(eventually([&] { return Table::path_of(child) != "" && Table(child).call_of(child) == Call::poll_; }));
    Outside outside(child);
    EXPECT_TRUE(outside.post(child).nudged);
    EXPECT_EQ(status_of(child), 0);
}

TEST_P(Forked, FromAThread) {
    std::atomic<int> status = -1;
    Worker worker([&] {
        interrupt_thread(gettid());
        const pid_t child = GetParam().fork();
        if (child == 0) {
            int result = look_at_requests();
            if (result == 0) {  // and the child can interrupt itself
                interrupt_thread(gettid());
                result = errno_of_wait() == EINTR ? 0 : 5;
            }
            _exit(result);
        }
        interrupt_clear();
        status = status_of(child);
    });
    worker.join();
    EXPECT_EQ(status, 0);
}

// Pending and held signals are not inherited; the mask and the handlers are.
TEST_P(Forked, SignalsAsWithoutTheShim) {
    static std::atomic<int> handled;
    handled = 0;
    Handler handler(SIGURG, [](int) { ++handled; });
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGURG);
    const pid_t child = GetParam().fork();
    if (child == 0) {
        sigset_t pending;
        sigset_t blocked;
        sigpending(&pending);
        sigprocmask(SIG_UNBLOCK, &set, &blocked);
        const bool inherited = sigismember(&pending, SIGURG) == 1 || handled != 0;
        syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), SIGURG);
        _exit(inherited ? 1 : sigismember(&blocked, SIGURG) != 1 ? 2 : handled != 1 ? 3 : 0);
    }
    EXPECT_EQ(status_of(child), 0);
    EXPECT_EQ(handled, 0);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    EXPECT_EQ(handled, 1);
}

TEST_P(Forked, MaskIsTheForkingThreadsOwn) {
    interrupt_mask(INTERRUPT_MASK_ALL);
    const pid_t child = GetParam().fork();
    if (child == 0) {
        interrupt_thread(static_cast<pid_t>(syscall(SYS_gettid)));
        const int masked = poll(nullptr, 0, 10);
        interrupt_mask(INTERRUPT_MASK_NONE);
        _exit(masked == 0 && errno_of_wait() == EINTR ? 0 : 1);
    }
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_EQ(status_of(child), 0);
}

TEST_P(Forked, WakeupFdIsTheChildsOwn) {
    const int fd = interrupt_wakeup_fd();
    ASSERT_GE(fd, 0);
    interrupt_thread(gettid());
    const auto readable = [](int number) {
        struct pollfd ready = {number, POLLIN, 0};
        return poll(&ready, 1, 0) == 1;
    };
    const pid_t child = GetParam().fork();
    if (child == 0) {
        if (interrupt_wakeup_fd() != fd || readable(fd)) {
            _exit(1);
        }
        interrupt_thread(static_cast<pid_t>(syscall(SYS_gettid)));
        if (!readable(fd)) {
            _exit(2);
        }
        interrupt_check();
        _exit(readable(fd) ? 3 : 0);
    }
    interrupt_mask(INTERRUPT_MASK_ALL);
    EXPECT_EQ(status_of(child), 0);
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_TRUE(readable(fd)) << "what the child consumed was its own";
    interrupt_clear();
    EXPECT_FALSE(readable(fd));
}

TEST(Forked, GrandchildrenToo) {
    const pid_t child = fork();
    if (child == 0) {
        poll(nullptr, 0, 1);
        interrupt_thread(gettid());
        const pid_t grandchild = fork();
        if (grandchild == 0) {
            _exit(look_at_requests());
        }
        interrupt_clear();
        _exit(status_of(grandchild));
    }
    EXPECT_EQ(status_of(child), 0);
}

// Children that are forked while requests come in all the time.
TEST(Forked, UnderRequests) {
    std::atomic<bool> stop = false;
    std::atomic<int> bad = 0;
    std::atomic<int> bad_status = 0;
    std::atomic<int> children = 0;
    Worker forker([&] {
        while (children < 100) {
            const pid_t child = fork();
            if (child == 0) {
                _exit(look_at_requests());
            }
            interrupt_mask(INTERRUPT_MASK_ALL);
            const int status = status_of(child);
            bad += status != 0;
            bad_status = status != 0 ? status : bad_status.load();
            interrupt_mask(INTERRUPT_MASK_NONE);
            ++children;
        }
        stop = true;
    });
    while (!stop) {
        interrupt_thread(forker.tid());
        sched_yield();
    }
    EXPECT_EQ(bad, 0) << "the last one ended with status " << bad_status;
}

// --- vfork: the child runs on its parent's memory ---

// The child does everything before it ends, and a request of the parent's is pending all the time.
TEST(Vforked, ChildIsNotInterruptedInItsParentsName) {
    interrupt_thread(gettid());
    Pipe pipe;
    pipe.put();
    static volatile int first;
    static volatile int second;
    static volatile int third;
    const pid_t child = vfork();
    if (child == 0) {
        char byte;
        first = poll(nullptr, 0, 20);
        second = static_cast<int>(read(pipe.reader(), &byte, 1));
        const struct timespec moment = {0, 5'000'000};
        third = nanosleep(&moment, nullptr);
        _exit(0);
    }
    EXPECT_EQ(first, 0);
    EXPECT_EQ(second, 1);
    EXPECT_EQ(third, 0);
    EXPECT_EQ(interrupt_pending(), 1);
    interrupt_mask(INTERRUPT_MASK_ALL);
    EXPECT_EQ(status_of(child), 0);
    interrupt_mask(INTERRUPT_MASK_NONE);
    EXPECT_EQ(errno_of_wait(), EINTR);
}

// A request to the parent while its child waits: delivered to the parent, afterwards.
TEST(Vforked, RequestsForTheParentWait) {
    std::atomic<int> error = -1;
    static volatile int childs_poll;
    Worker worker([&] {
        const pid_t child = vfork();
        if (child == 0) {
            childs_poll = poll(nullptr, 0, 300);
            _exit(0);
        }
        error = errno_of_wait();
        status_of(child);
    });
    ASSERT_TRUE(eventually([&] { return worker.blocked_in(Call::poll_) || worker.state() == 'D'; }));
    for (int i = 0; i < 20; ++i) {
        interrupt_thread(worker.tid());
        std::this_thread::sleep_for(milliseconds(2));
    }
    worker.join();
    EXPECT_EQ(childs_poll, 0);
    EXPECT_EQ(error, EINTR);
}

TEST(Vforked, ChildsHandlersAndMaskAreItsOwn) {
    static std::atomic<int> handled;
    handled = 0;
    Handler urgent(SIGURG, [](int) { handled += 1; });
    Handler user(SIGUSR1, [](int) { handled += 10; });
    const pid_t child = vfork();
    if (child == 0) {
        struct sigaction action = {};
        action.sa_handler = [](int) { handled += 1000; };
        sigaction(SIGUSR1, &action, nullptr);
        sigaction(SIGURG, &action, nullptr);
        signal(SIGUSR2, SIG_IGN);
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, nullptr);
        _exit(0);
    }
    EXPECT_EQ(status_of(child), 0);
    raise(SIGUSR1);
    raise(SIGURG);
    EXPECT_EQ(handled, 11);
    sigset_t mask;
    sigprocmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGURG), 0);
    EXPECT_EQ(sigismember(&mask, SIGUSR1), 0);
    struct sigaction action;
    sigaction(SIGUSR2, nullptr, &action);
    EXPECT_EQ(action.sa_handler, SIG_DFL);
}

TEST(Vforked, ParentCanBeInterruptedAfterwards) {
    const pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", nullptr);
        _exit(1);
    }
    EXPECT_EQ(status_of(child), 0);
    std::atomic<int> error = -1;
    Worker worker([&] { error = errno_of_wait(); });
    ASSERT_TRUE(worker.await(Call::poll_));
    interrupt_thread(worker.tid());
    worker.join();
    EXPECT_EQ(error, EINTR);
}

// --- other programs ---

TEST(Spawned, HasATableOfItsOwn) {
    interrupt_thread(gettid());
    std::string name = std::string(TARGETS_DIR) + "/steady";
    std::string mode = "wait";
    char* arguments[] = {name.data(), mode.data(), nullptr};
    pid_t child = 0;
    ASSERT_EQ(posix_spawn(&child, name.c_str(), nullptr, nullptr, arguments, environ), 0);
    EXPECT_EQ(interrupt_clear(), 1);
    ASSERT_TRUE(eventually([&] { return Table::path_of(child) != "" && Table(child).call_of(child) == Call::poll_; }));
    EXPECT_FALSE(Table(child).request_of(child).pending());
    EXPECT_TRUE(Outside(child).post(child).nudged);
    EXPECT_EQ(status_of(child), 0);
}

// The table and the requests of the program before are gone.
TEST(Executed, BeginsAfresh) {
    TableDirectory directory;
    Program program({.target = "lifecycle", .arguments = {"exec"}, .environment = {directory.variable()}});
    ASSERT_TRUE(program.says("before exec"));
    const std::string before = Table::path_of(program.pid());
    Outside outside(program.pid());
    outside.post(program.pid(), interrupt::Outcome::error, EIO);
    program.tell('e');
    ASSERT_TRUE(program.says("after exec, pending 0")) << program.output();
    const std::string after = Table::path_of(program.pid());
    EXPECT_NE(after, "");
    EXPECT_NE(after, before);
    EXPECT_NE(program.finish().find("wait 0"), std::string::npos) << program.output();
}

TEST(Executed, DaemonHasATableOfItsOwn) {
    TableDirectory directory;
    Program program({.target = "lifecycle", .arguments = {"daemon"}, .environment = {directory.variable()}});
    ASSERT_TRUE(program.says("daemon ")) << program.output();
    pid_t daemon = 0;
    ASSERT_EQ(sscanf(program.output().c_str(), "daemon %d", &daemon), 1);
    ASSERT_TRUE(eventually([&] { return Table::path_of(daemon) != ""; }));
    EXPECT_EQ(Table(daemon).header().pid, daemon);
    ASSERT_TRUE(eventually([&] { return Table(daemon).call_of(daemon) == Call::poll_; }));
    EXPECT_TRUE(Outside(daemon).post(daemon).nudged);
    EXPECT_TRUE(program.says("errno 4")) << program.output();
}

}  // namespace
}  // namespace interrupt_tests
