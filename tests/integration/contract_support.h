// What the contract tests share: threads whose state can be awaited, a thread table as a requester sees it, and a
// Kernel of the requester's protocol for a test that plays another process.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "control/request_protocol.h"
#include "interrupt/interrupt.h"

namespace interrupt_tests {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Far more than anything takes: reached only by a failure.
inline constexpr auto patience = seconds(20);
inline constexpr int forever_ms = 20'000;

template <class Condition>
bool eventually(Condition condition, Clock::duration limit = patience) {
    for (const auto end = Clock::now() + limit; !condition();) {
        if (Clock::now() > end) {
            return condition();
        }
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return true;
}

// A moment of varying length without a system call.
inline void spin(int turns) {
    for (int i = 0; i < turns; ++i) {
        asm volatile("");
    }
}

// The table of a process, mapped a second time.
class Table {
public:
    explicit Table(pid_t pid = getpid()) : path_(path_of(pid)) {
        const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
        struct stat status;
        if (fd < 0 || fstat(fd, &status) != 0) {
            throw std::runtime_error("process " + std::to_string(pid) + " has no thread table: '" + path_ + "'");
        }
        size_ = static_cast<size_t>(status.st_size);
        memory_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        ::close(fd);
        if (!eventually([this] { return header().magic.load() == interrupt::magic_word(); })) {
            throw std::runtime_error("the thread table of process " + std::to_string(pid) + " is never ready");
        }
        madvise(memory_, size_, MADV_DONTFORK);  // a forked child is to show its own table alone
    }
    ~Table() { munmap(memory_, size_); }
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    // Empty if it has none.
    static std::string path_of(pid_t pid) {
        std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
        for (std::string line; std::getline(maps, line);) {
            if (line.ends_with(".table")) {
                return line.substr(line.find('/'));
            }
        }
        return {};
    }

    const std::string& path() const { return path_; }
    interrupt::TableHeader& header() const { return *reinterpret_cast<interrupt::TableHeader*>(memory_); }
    uint32_t capacity() const { return header().capacity; }
    interrupt::ThreadRecord& record(uint32_t index) const {
        return *reinterpret_cast<interrupt::ThreadRecord*>(memory_ + header().header_size +
                                                           size_t{index} * header().record_size);
    }
    interrupt::ThreadRecord* find(pid_t tid) const {
        if (header().magic.load() != interrupt::magic_word()) {
            return nullptr;  // it is just being made
        }
        const auto wanted = static_cast<uint32_t>(tid);
        uint32_t index = interrupt::first_probe(wanted, capacity());
        for (uint32_t i = 0; i < capacity(); ++i, index = (index + 1) % capacity()) {
            interrupt::ThreadRecord& candidate = record(index);
            if (candidate.tid.load() == wanted) {
                return &candidate;
            }
            if (candidate.generation.load() == 0) {
                break;
            }
        }
        return nullptr;
    }
    uint32_t records_in_use() const {
        uint32_t count = 0;
        for (uint32_t i = 0; i < capacity(); ++i) {
            count += record(i).tid.load() != 0;
        }
        return count;
    }
    // The call that a thread is blocked in; running if it is not, or has no record.
    interrupt::Call call_of(pid_t tid) const {
        const interrupt::ThreadRecord* found = find(tid);
        return found == nullptr ? interrupt::Call::running : interrupt::State{found->state.load()}.call();
    }
    interrupt::Request request_of(pid_t tid) const {
        const interrupt::ThreadRecord* found = find(tid);
        return found == nullptr ? interrupt::Request{} : interrupt::Request{found->request.load()};
    }

private:
    std::string path_;
    char* memory_ = nullptr;
    size_t size_ = 0;
};

inline const Table& own_table() {
    static const Table table;
    return table;
}

// The kernel, as a thread of another process (or of this one: nothing here depends on it) needs it.
class OutsideKernel {
public:
    OutsideKernel(pid_t pid, const Table& table) : pid_(pid), header_(table.header()) {}
    uint32_t self() const { return static_cast<uint32_t>(gettid()); }
    bool gone(uint32_t owner) const { return ::kill(static_cast<pid_t>(owner), 0) != 0 && errno == ESRCH; }
    uint64_t now() const { return static_cast<uint64_t>(Clock::now().time_since_epoch().count()); }
    void yield() const { sched_yield(); }
    sigset_t block_signals() const {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        return before;
    }
    void restore_signals(const sigset_t& before) const { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    void fence() const {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    }
    int nudge(uint32_t tid) const {
        siginfo_t info{};
        info.si_signo = header_.signal;
        info.si_code = SI_QUEUE;
        info.si_pid = getpid();
        info.si_value.sival_int = interrupt::nudge_cookie;
        return ::syscall(SYS_rt_tgsigqueueinfo, pid_, tid, info.si_signo, &info) == 0 ? 0 : errno;
    }
    interrupt::EventRing* events() const { return nullptr; }
    void wakeup(interrupt::ThreadRecord& record, bool set) const {
        if (record.wakeup_inode.load() == 0) {
            return;
        }
        const int number = set ? record.wakeup_write.load() : record.wakeup_read.load();
        const std::string path = "/proc/" + std::to_string(pid_) + "/fd/" + std::to_string(number);
        struct stat status;
        if (::stat(path.c_str(), &status) != 0 || status.st_ino != record.wakeup_inode.load()) {
            return;
        }
        const int fd = ::open(path.c_str(), (set ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
        char byte = 0;
        while (set ? ::write(fd, &byte, 1) < 0 && errno == EINTR : ::read(fd, &byte, 1) == 1) {
        }
        ::close(fd);
    }

private:
    const pid_t pid_;
    const interrupt::TableHeader& header_;
};

// A requester in another process than its target.
class Outside {
public:
    explicit Outside(pid_t pid) : table_(pid), kernel_(pid, table_) {}
    const Table& table() const { return table_; }
    interrupt::ThreadRecord& record(pid_t tid) const {
        interrupt::ThreadRecord* found = table_.find(tid);
        if (found == nullptr) {
            throw std::runtime_error("thread " + std::to_string(tid) + " has no record");
        }
        return *found;
    }
    interrupt::Posted post(pid_t tid, interrupt::Outcome outcome = interrupt::Outcome::default_, uint16_t error = 0,
                           uint64_t only_wait = 0) {
        return interrupt::post(kernel_, table_.header(), record(tid), owner(tid), outcome, error, only_wait);
    }
    interrupt::Withdrawal withdraw(pid_t tid, uint32_t sequence, bool any = false) {
        return interrupt::withdraw(kernel_, table_.header(), record(tid), owner(tid), sequence, any);
    }
    bool nudge_again(pid_t tid, uint32_t sequence) {
        return interrupt::nudge_again(kernel_, table_.header(), record(tid), owner(tid), sequence);
    }
    interrupt::RecordOwner owner(pid_t tid) const {
        return {static_cast<uint32_t>(tid), record(tid).generation.load()};
    }

private:
    Table table_;
    OutsideKernel kernel_;
};

// A thread that can be asked where it is. Joined at the end.
class Worker {
public:
    explicit Worker(std::function<void()> body) {
        own_table();
        thread_ = std::thread([this, body = std::move(body)] {
            tid_.store(gettid(), std::memory_order_release);
            body();
            done_.store(true, std::memory_order_release);
        });
        eventually([this] { return tid_.load(std::memory_order_acquire) != 0; });
    }
    ~Worker() { join(); }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    pid_t tid() const { return tid_.load(); }
    pthread_t handle() { return thread_.native_handle(); }
    bool done() const { return done_.load(std::memory_order_acquire); }
    bool blocked_in(interrupt::Call call) const { return own_table().call_of(tid()) == call; }
    // Blocked there, and asleep in the kernel.
    bool await(interrupt::Call call) const {
        return eventually([&] { return blocked_in(call) && state() == 'S'; });
    }
    char state() const {
        std::ifstream stat("/proc/self/task/" + std::to_string(tid()) + "/stat");
        std::string text;
        std::getline(stat, text);
        const size_t name_end = text.rfind(')');
        return name_end == std::string::npos ? '?' : text[name_end + 2];
    }
    interrupt::ThreadRecord* record() const { return own_table().find(tid()); }
    bool pending() const { return own_table().request_of(tid()).pending(); }
    void join() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }

private:
    std::atomic<pid_t> tid_ = 0;
    std::atomic<bool> done_ = false;
    std::thread thread_;
};

// The errno of a wait that should have been ended by a request; 0 if it ended otherwise.
inline int errno_of_wait(int timeout_ms = forever_ms) {
    errno = 0;
    return poll(nullptr, 0, timeout_ms) == -1 ? errno : 0;
}

inline int request_as(pid_t tid, int outcome, int error = 0) {
    const interrupt_request wanted = {outcome, error};
    return interrupt_thread_as(tid, &wanted);
}

// Its signal handler while it lives; then what was there before.
class Handler {
public:
    Handler(int signal, void (*handler)(int), int flags = 0) : signal_(signal) {
        struct sigaction action = {};
        action.sa_handler = handler;
        action.sa_flags = flags;
        sigaction(signal, &action, &before_);
    }
    ~Handler() { sigaction(signal_, &before_, nullptr); }
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;

private:
    const int signal_;
    struct sigaction before_ = {};
};

inline int send_to_thread(pid_t tid, int signal) {
    return static_cast<int>(syscall(SYS_tgkill, getpid(), tid, signal));
}

struct Pipe {
    int ends[2] = {-1, -1};
    Pipe() {
        if (pipe2(ends, O_CLOEXEC) != 0) {
            throw std::runtime_error("no pipe");
        }
    }
    ~Pipe() {
        close(0);
        close(1);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    int reader() const { return ends[0]; }
    int writer() const { return ends[1]; }
    void put(char byte = 'x') const {
        if (::write(ends[1], &byte, 1) != 1) {
            throw std::runtime_error("write to a pipe failed");
        }
    }
    void close(int end) {
        if (ends[end] >= 0) {
            ::close(ends[end]);
            ends[end] = -1;
        }
    }
};

}  // namespace interrupt_tests
