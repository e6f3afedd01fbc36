// The wakeup fd: readable exactly while an interrupt of its thread is pending, masked or not, in the program's own
// loops.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <filesystem>
#include <vector>

#include "contract_programs.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

bool readable(int fd, int timeout_ms = 0) {
    struct pollfd ready = {fd, POLLIN, 0};
    return poll(&ready, 1, timeout_ms) == 1 && (ready.revents & POLLIN) != 0;
}

uint64_t inode_of(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

size_t open_descriptors() {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

TEST(WakeupFd, IsReadableExactlyWhilePending) {
    const int fd = interrupt_wakeup_fd();
    ASSERT_GE(fd, 0);
    EXPECT_EQ(interrupt_wakeup_fd(), fd);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    for (int round = 0; round < 3; ++round) {
        EXPECT_FALSE(readable(fd));
        interrupt_thread(gettid());
        EXPECT_TRUE(readable(fd));
        request_as(gettid(), INTERRUPT_ERROR, EIO);
        EXPECT_TRUE(readable(fd));
        if (round == 0) {
            EXPECT_EQ(interrupt_check(), EIO);
        } else if (round == 1) {
            EXPECT_EQ(interrupt_clear(), 1);
        } else {
            EXPECT_EQ(errno_of_wait(), EIO);
        }
        EXPECT_FALSE(readable(fd));
    }
}

TEST(WakeupFd, IsReadableIfTheRequestCameFirst) {
    std::atomic<int> before = -1;
    std::atomic<bool> go = false;
    Worker worker([&] {
        while (!go) {
        }
        before = readable(interrupt_wakeup_fd());
    });
    interrupt_thread(worker.tid());
    go = true;
    worker.join();
    EXPECT_EQ(before, 1);
}

// A program's own loop: masked, so that its calls are not interrupted, it sees the descriptor among its others.
template <class Loop>
void own_loop(Loop loop, const std::function<void(pid_t)>& request) {
    std::atomic<int> rounds = 0;
    std::atomic<int> wrong = 0;
    Worker worker([&] {
        interrupt_mask(INTERRUPT_MASK_ALL);
        const int fd = interrupt_wakeup_fd();
        while (rounds < 50) {
            wrong += !loop(fd);
            interrupt_mask(INTERRUPT_MASK_NONE);
            wrong += interrupt_check() != EINTR;
            interrupt_mask(INTERRUPT_MASK_ALL);
            wrong += readable(fd);
            ++rounds;
        }
    });
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(eventually([&] { return rounds == i && !worker.pending(); }));
        request(worker.tid());
    }
    worker.join();
    EXPECT_EQ(wrong, 0);
}

bool poll_loop(int fd) {
    const Pipe silent;
    struct pollfd fds[] = {{silent.reader(), POLLIN, 0}, {fd, POLLIN, 0}};
    return poll(fds, 2, forever_ms) == 1 && fds[1].revents == POLLIN && fds[0].revents == 0;
}

bool epoll_loop(int fd) {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    event.data.fd = -1;
    const bool woken = epoll_wait(epoll, &event, 1, forever_ms) == 1 && event.data.fd == fd;
    close(epoll);
    return woken;
}

void request_inside(pid_t tid) {
    interrupt_thread(tid);
}
void request_by_protocol(pid_t tid) {
    Outside(getpid()).post(tid);
}

TEST(WakeupFd, InAPollLoopFromInside) {
    own_loop(poll_loop, request_inside);
}
TEST(WakeupFd, InAnEpollLoopFromInside) {
    own_loop(epoll_loop, request_inside);
}
TEST(WakeupFd, InAPollLoopFromOutside) {
    own_loop(poll_loop, request_by_protocol);
}
TEST(WakeupFd, InAnEpollLoopFromOutside) {
    own_loop(epoll_loop, request_by_protocol);
}

// From another process, withdrawn by it too.
TEST(WakeupFd, OfAnotherProcess) {
    Program program({.target = "event_loop"});
    ASSERT_TRUE(program.says("looping"));
    Outside outside(program.pid());
    ASSERT_TRUE(eventually([&] { return outside.table().call_of(program.pid()) == Call::poll_; }));
    outside.post(program.pid(), interrupt::Outcome::error, ENOSPC);
    ASSERT_TRUE(program.says("woken 28, readable 0")) << program.output();
    ASSERT_TRUE(eventually([&] { return outside.table().call_of(program.pid()) == Call::poll_; }));
    const auto posted = outside.post(program.pid());
    outside.withdraw(program.pid(), posted.sequence);
    outside.post(program.pid(), interrupt::Outcome::error, EIO);
    EXPECT_TRUE(program.says("woken 5, readable 0")) << program.output();
    program.go_on();
    EXPECT_TRUE(program.says("input ended")) << program.output();
}

TEST(WakeupFd, WithdrawnBeforeItIsRead) {
    const int fd = interrupt_wakeup_fd();
    Outside outside(getpid());
    const auto posted = outside.post(gettid());
    EXPECT_TRUE(readable(fd));
    EXPECT_EQ(outside.withdraw(gettid(), posted.sequence), interrupt::Withdrawal::withdrawn);
    EXPECT_FALSE(readable(fd));
}

// --- what a program may do to it ---

// The number belongs to another file by now: nothing is written there, nothing read, and it is not closed.
TEST(WakeupFd, ClosedAndItsNumberReused) {
    std::atomic<int> data = -1;
    std::atomic<int> length = -1;
    std::atomic<int> still_open = -1;
    std::atomic<int> interrupted = -1;
    uint64_t inode = 0;
    std::vector<int> numbers;
    Worker worker([&] {
        interrupt_wakeup_fd();
        interrupt::ThreadRecord* record = own_table().find(gettid());
        numbers = {record->wakeup_read, record->wakeup_write};
        int other[2];
        [[maybe_unused]] const int made = pipe2(other, O_NONBLOCK | O_CLOEXEC);
        for (int i = 0; i < 2; ++i) {
            dup2(other[i], numbers[static_cast<size_t>(i)]);
            close(other[i]);
        }
        inode = inode_of(numbers[0]);
        [[maybe_unused]] const ssize_t put = write(numbers[1], "abc", 3);
        interrupt_thread(gettid());
        interrupted = errno_of_wait();
        interrupt_thread(gettid());
        interrupt_check();
        interrupt_thread(gettid());
        interrupt_clear();
        Outside outside(getpid());
        outside.post(gettid());
        outside.withdraw(gettid(), 0, true);
        char buffer[16] = {};
        length = static_cast<int>(read(numbers[0], buffer, sizeof buffer));
        data = buffer[0];
    });
    worker.join();
    still_open = inode_of(numbers[0]) == inode;
    EXPECT_EQ(interrupted, EINTR);
    EXPECT_EQ(length, 3);
    EXPECT_EQ(data, 'a');
    EXPECT_TRUE(still_open) << "the thread's end closed a descriptor of the program's";
    close(numbers[0]);
    close(numbers[1]);
}

TEST(WakeupFd, ClosedByTheProgram) {
    std::atomic<int> interrupted = -1;
    std::atomic<int> again = -2;
    Worker worker([&] {
        const int fd = interrupt_wakeup_fd();
        close(fd);
        close(own_table().find(gettid())->wakeup_write);
        interrupt_thread(gettid());
        interrupted = errno_of_wait();
        again = interrupt_pending();
    });
    worker.join();
    EXPECT_EQ(interrupted, EINTR);
    EXPECT_EQ(again, 0);
}

TEST(WakeupFd, IsClosedAtTheThreadsEnd) {
    const size_t before = open_descriptors();
    for (int i = 0; i < 100; ++i) {
        Worker worker([] { interrupt_wakeup_fd(); });
    }
    EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }));
}

TEST(WakeupFd, OfManyThreads) {
    constexpr int count = 50;
    std::vector<std::unique_ptr<Worker>> workers;
    std::atomic<int> woken = 0;
    std::atomic<int> wrong = 0;
    for (int i = 0; i < count; ++i) {
        workers.push_back(std::make_unique<Worker>([&, i] {
            interrupt_mask(INTERRUPT_MASK_ALL);
            const int fd = interrupt_wakeup_fd();
            woken += poll_loop(fd);
            interrupt_mask(INTERRUPT_MASK_NONE);
            wrong += interrupt_check() != i + 1;
        }));
    }
    for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(workers[static_cast<size_t>(i)]->await(Call::poll_));
        EXPECT_EQ(woken, 0);
    }
    for (int i = 0; i < count; ++i) {
        request_as(workers[static_cast<size_t>(i)]->tid(), INTERRUPT_ERROR, i + 1);
    }
    workers.clear();
    EXPECT_EQ(woken, count);
    EXPECT_EQ(wrong, 0);
}

TEST(WakeupFd, FailsWithoutDescriptors) {
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    std::atomic<int> fd = 0;
    std::atomic<int> error = 0;
    std::atomic<int> later = -1;
    struct rlimit none = before;
    none.rlim_cur = 0;
    Worker worker([&] {
        setrlimit(RLIMIT_NOFILE, &none);
        fd = interrupt_wakeup_fd();
        error = errno;
        setrlimit(RLIMIT_NOFILE, &before);
        later = interrupt_wakeup_fd();
    });
    worker.join();
    EXPECT_EQ(fd, -1);
    EXPECT_EQ(error, EMFILE);
    EXPECT_GE(later, 0);
}

}  // namespace
}  // namespace interrupt_tests
