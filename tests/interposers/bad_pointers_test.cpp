// A pointer that is not the program's to use gives what it gives without the shim, whether a request is pending or not:
// EFAULT, or a crash where libc itself follows it.
#include <aio.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <threads.h>

#include <cstring>
#include <map>
#include <sstream>

#include "interrupt/interrupt.h"
#include "tests/interposers/descriptors.h"
#include "tests/interposers/scenario.h"
#include "tests/support/child_process.h"

namespace interrupt_tests {

namespace {

// What each call is made with, besides the bad pointer: nothing of it has to be waited for.
struct Surrounding {
    Pipe pipe;                       // has eight bytes
    SocketPair stream;               // has eight bytes
    SocketPair packets{SOCK_DGRAM};  // has two of four bytes
    Listener listener{4};            // has a connection
    Descriptor client;
    Descriptor readable{epoll_create1(EPOLL_CLOEXEC)};
    Descriptor counter{eventfd(1, EFD_CLOEXEC)};
    Descriptor file{memfd_create("file", MFD_CLOEXEC)};
    int queue = -1;  // has a message, and room for one
    int messages = msgget(IPC_PRIVATE, 0600);
    int semaphores = semget(IPC_PRIVATE, 1, 0600);
    char buffer[64] = {};
    struct iovec part = {buffer, 8};
    struct pollfd ready;

    Surrounding() {
        EXPECT_EQ(raw_write(pipe.writer, "12345678", 8), 8);
        EXPECT_EQ(raw_write(stream.peer, "12345678", 8), 8);
        EXPECT_EQ(raw_write(packets.peer, "1234", 4), 4);
        EXPECT_EQ(raw_write(packets.peer, "1234", 4), 4);
        EXPECT_EQ(listener.connect_client(client), 0);
        struct epoll_event event = {EPOLLIN, {}};
        EXPECT_EQ(epoll_ctl(readable, EPOLL_CTL_ADD, pipe.reader, &event), 0);
        EXPECT_EQ(raw_write(file, "12345678", 8), 8);
        EXPECT_EQ(lseek(file, 0, SEEK_SET), 0);
        ready = {pipe.reader, POLLIN, 0};
        struct mq_attr attributes = {};
        attributes.mq_maxmsg = 2;
        attributes.mq_msgsize = 8;
        const std::string name = "/interposer_tests-" + std::to_string(getpid());
        queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
        EXPECT_GE(queue, 0);
        mq_unlink(name.c_str());
        EXPECT_EQ(mq_send(queue, "12345678", 8, 0), 0);
        const struct {
            long type;
            char text[8];
        } message = {1, {}};
        EXPECT_EQ(msgsnd(messages, &message, 8, 0), 0);
        const union {
            int value;
            void* rest;
        } one = {1};
        EXPECT_EQ(semctl(semaphores, 0, SETVAL, one), 0);
    }
    ~Surrounding() {
        mq_close(queue);
        msgctl(messages, IPC_RMID, nullptr);
        semctl(semaphores, 0, IPC_RMID);
    }
};

struct BadCall {
    const char* name;
    size_t size;  // of what the pointer should lead to
    long (*make)(Surrounding& with, void* bad);
};

template <class T>
T* as(void* bad) {
    return static_cast<T*>(bad);
}

const struct timespec no_time = {};

// Ended by a signal soon, so that there is something to be said. A request may be what ends it.
long sleep_cut_short(long (*sleep)(void* rest), void* rest) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(SIGALRM, &action, nullptr);
    const struct itimerval soon = {{0, 10'000}, {0, 10'000}};
    setitimer(ITIMER_REAL, &soon, nullptr);
    return sleep(rest);
}

pid_t ended_child() {
    const pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    raw_call(SYS_waitid, P_PID, child, 0, WEXITED | WNOWAIT);
    return child;
}

struct msghdr with_part(struct iovec* part) {
    struct msghdr message = {};
    message.msg_iov = part;
    message.msg_iovlen = 1;
    return message;
}

const struct timespec long_time = {far_seconds, 0};

#define CALL(name, type, ...)                                                        \
    {name, sizeof(type), [](Surrounding& with, [[maybe_unused]] void* bad) -> long { \
         (void)with;                                                                 \
         return __VA_ARGS__;                                                         \
     }},
#define STATEMENTS(name, type, ...)                                                  \
    {name, sizeof(type), [](Surrounding& with, [[maybe_unused]] void* bad) -> long { \
         (void)with;                                                                 \
         __VA_ARGS__                                                                 \
     }},
using Time = struct timespec;
using Bytes = char[8];
const BadCall bad_calls[] = {
#include "tests/interposers/bad_pointers.def"
};
#undef CALL
#undef STATEMENTS

// Memory of which only the first `readable` bytes may be used.
void* bad_pointer(size_t readable) {
    static char* const pages =
        static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(pages + 4096, 4096, PROT_NONE);
    return pages + 4096 - readable;
}

// In a process of its own, which it may end.
std::string outcome_of(const BadCall& call, bool partly, bool pending) {
    Pipe report;
    Surrounding with;  // not the child's to remove, which may crash
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = {};
        setrlimit(RLIMIT_CORE, &no_core);
        const size_t half = call.size / 2;
        void* const bad = bad_pointer(!partly ? 0 : half > 8 ? half / 8 * 8 : half);
        raw_call(SYS_alarm, 10);
        poll(nullptr, 0, 0);  // the child has a record from its first call on
        if (pending && interrupt_available()) {
            interrupt_thread(own_tid());
        }
        errno = untouched;
        const long value = call.make(with, bad);
        const Returned returned = {value < 0 ? -1 : value, errno};
        std::ostringstream text;
        text << returned;
        const bool waits = std::strstr(call.name, "rest") != nullptr;
        if (pending && !waits && interrupt_available() && interrupt_clear() != 1) {
            text << ", and the request is gone";
        }
        _exit(raw_write(report.writer, text.str().data(), text.str().size()) > 0 ? 0 : 1);
    }
    report.writer.close_now();
    char text[200] = {};
    const long size = raw_read(report.reader, text, sizeof text - 1);
    int status = 0;
    raw_call(SYS_wait4, child, reinterpret_cast<long>(&status), 0, 0);
    return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                               : std::string(text, size > 0 ? static_cast<size_t>(size) : 0);
}

constexpr const char* line_start = "bad pointer: ";

std::string key(const BadCall& call, bool partly) {
    return std::string(call.name) + (partly ? " (a part)" : "");
}

std::map<std::string, std::string> outcomes_without_shim() {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe");
    const Finished bare =
        run({self, "--gtest_filter=BadPointers.GiveWhatTheyGiveBare"}, {.environment = {{without_shim, "1"}}});
    EXPECT_EQ(bare.exit_status, 0) << bare.out;
    std::map<std::string, std::string> outcomes;
    std::istringstream lines(bare.out);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(line_start)) {
            const std::string rest = line.substr(std::strlen(line_start));
            const size_t end = rest.find(" = ");
            outcomes[rest.substr(0, end)] = rest.substr(end + 3);
        }
    }
    return outcomes;
}

// What a request would give is told as the kernel tells it.
TEST(BadPointers, AreSoForWhatARequestGives) {
    const auto outcome_as = [](int outcome, const Subject& subject, WaitPointer wait, std::function<long(Wait&)> call) {
        Waiter waiter(subject, *wait, {.caller = std::move(call)});
        waiter.await_blocked();
        const interrupt_request request = {outcome, 0};
        EXPECT_EQ(interrupt_thread_as(waiter.tid(), &request), 0);
        return waiter.join().returned;
    };
    class Nothing : public Wait {
    public:
        long call() override { return -1; }
        Returned natural() const override { return {0}; }
        bool goes_on_after_handler(bool) const override { return false; }
        const SocketPair sockets;
    };
    const Subject recvfrom_subject{"recvfrom", interrupt::Call::recvfrom_, nullptr};
    const Subject recvmmsg_subject{"recvmmsg", interrupt::Call::recvmmsg_, nullptr};
    const Subject poll_subject{"poll", interrupt::Call::poll_, nullptr};
    const auto waiting = [] { return std::make_unique<Nothing>(); };
    const auto fd = [](Wait& wait) { return static_cast<int>(static_cast<Nothing&>(wait).sockets.ours); };

    EXPECT_EQ(outcome_as(INTERRUPT_EOF, recvfrom_subject, waiting(),
                         [&](Wait& wait) {
                             char byte;
                             struct sockaddr_un from;
                             return recvfrom(fd(wait), &byte, 1, 0, reinterpret_cast<struct sockaddr*>(&from),
                                             as<socklen_t>(bad_pointer(0)));
                         }),
              (Returned{-1, EFAULT}));
    EXPECT_EQ(outcome_as(INTERRUPT_EOF, recvfrom_subject, waiting(),
                         [&](Wait& wait) {
                             char byte;
                             return recvfrom(fd(wait), &byte, 1, 0, nullptr, as<socklen_t>(bad_pointer(0)));
                         }),
              Returned{0});
    EXPECT_EQ(outcome_as(INTERRUPT_EOF, recvmmsg_subject, waiting(),
                         [&](Wait& wait) {  // the first is there
                             char byte;
                             struct iovec part = {&byte, 1};
                             auto* const message = new (bad_pointer(sizeof(struct mmsghdr))) mmsghdr{};
                             message->msg_hdr = with_part(&part);
                             return recvmmsg(fd(wait), message, 2, 0, nullptr);
                         }),
              Returned{1});
    EXPECT_EQ(outcome_as(INTERRUPT_TIMEOUT, poll_subject, waiting(),
                         [&](Wait& wait) {
                             void* const page =
                                 mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                             auto* const one = new (page) pollfd{fd(wait), POLLIN, 0};
                             mprotect(page, 4096, PROT_READ);
                             return poll(one, 1, 20'000);
                         }),
              (Returned{-1, EFAULT}));
}

TEST(BadPointers, GiveWhatTheyGiveBare) {
    const bool bare = std::getenv(without_shim) != nullptr;
    const std::map<std::string, std::string> expected =
        bare ? std::map<std::string, std::string>() : outcomes_without_shim();
    for (const BadCall& call : bad_calls) {
        for (const bool partly : {false, true}) {
            const std::string name = key(call, partly);
            if (bare) {
                std::printf("%s%s = %s\n", line_start, name.c_str(), outcome_of(call, partly, false).c_str());
                continue;
            }
            ASSERT_EQ(expected.count(name), 1u) << name;
            EXPECT_NE(expected.at(name), "signal 14") << name << " waits";
            for (const bool pending : {false, true}) {
                EXPECT_EQ(outcome_of(call, partly, pending), expected.at(name))
                    << name << (pending ? ", a request pending" : ", no request");
            }
        }
    }
}

}  // namespace

}  // namespace interrupt_tests
