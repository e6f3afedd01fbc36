// Files and their locks, terminals, queues of messages that have one or room for one, System V's semaphores.
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ready.h"

namespace interrupt_bench {

namespace {
constexpr int many = 500;
constexpr int few = 100;
struct sembuf up_and_down[] = {{0, 1, 0}, {0, -1, 0}};  // as one operation, it need not wait
}  // namespace

void add_files(std::vector<Ready>& all) {
    const auto add = [&](const char* name, auto* interposer, auto call) {
        all.push_back(ready(name, interposer, many, nothing_to_prepare, call));
    };
    const auto opened = [](int fd) { return fd >= 0 && close(fd) == 0; };
    add("open", ::open, [=](auto* f) { return opened(f("/dev/null", O_RDONLY)); });
    add("openat", ::openat, [=](auto* f) { return opened(f(AT_FDCWD, "/dev/null", O_RDONLY)); });
    char name[] = "/tmp/fast_path_bench.XXXXXX";
    const int file = mkstemp(name);
    expect(file >= 0 && unlink(name) == 0, "mkstemp");
    add("flock", ::flock, [=](auto* f) { return f(file, LOCK_EX) == 0; });
    add("lockf", ::lockf, [=](auto* f) { return f(file, F_LOCK, 1) == 0; });
    add("fcntl", ::fcntl, [=](auto* f) {
        struct flock lock = {};
        lock.l_type = F_WRLCK;
        return f(file, F_SETLKW, &lock) == 0;
    });
    int ours;
    int terminal;
    expect(openpty(&ours, &terminal, nullptr, nullptr, nullptr) == 0, "openpty");
    add("ioctl", ::ioctl, [=](auto* f) { return f(terminal, TCSBRK, 1) == 0; });
    add("tcdrain", ::tcdrain, [=](auto* f) { return f(terminal) == 0; });
    const int null = open("/dev/null", O_WRONLY);
    add("syscall", ::syscall, [=](auto* f) {
        struct pollfd it = {null, POLLOUT, 0};
        return f(SYS_poll, &it, 1L, 1000L) == 1;
    });
}

void add_queues(std::vector<Ready>& all) {
    static char text[8192];
    constexpr int room = 8;  // for messages that anybody may have
    struct mq_attr attributes = {};
    attributes.mq_maxmsg = room;
    attributes.mq_msgsize = 1;
    const std::string name = "/fast_path_bench." + std::to_string(getpid());
    const mqd_t queue = mq_open(name.c_str(), O_CREAT | O_RDWR, 0600, &attributes);
    expect(queue >= 0 && mq_unlink(name.c_str()) == 0, "mq_open");
    static const struct timespec second = {1, 0};
    const auto fill = [=](int n) {
        for (int i = 0; i < n; ++i) {
            expect(mq_send(queue, text, 1, 0) == 0, "mq_send");
        }
    };
    const auto drain = [=](int) {
        struct mq_attr now;
        while (mq_getattr(queue, &now) == 0 && now.mq_curmsgs > 0) {
            mq_receive(queue, text, sizeof text, nullptr);
        }
    };
    all.push_back(ready("mq_receive", ::mq_receive, room, fill,
                        [=](auto* f) { return f(queue, text, sizeof text, nullptr) == 1; }));
    all.push_back(ready("mq_timedreceive", ::mq_timedreceive, room, fill,
                        [=](auto* f) { return f(queue, text, sizeof text, nullptr, &second) == 1; }));
    all.push_back(ready("mq_send", ::mq_send, room, drain, [=](auto* f) { return f(queue, text, 1, 0) == 0; }));
    all.push_back(ready("mq_timedsend", ::mq_timedsend, room, drain,
                        [=](auto* f) { return f(queue, text, 1, 0, &second) == 0; }));

    // Each is removed when this process ends, since nobody else knows it.
    static const int id = msgget(IPC_PRIVATE, 0600);
    static const int semaphores = semget(IPC_PRIVATE, 1, 0600);
    expect(id >= 0 && semaphores >= 0, "System V");
    std::atexit([] {
        msgctl(id, IPC_RMID, nullptr);
        semctl(semaphores, 0, IPC_RMID);
    });
    static struct {
        long type = 1;
        char text = 'x';
    } message;
    all.push_back(ready(
        "msgrcv", ::msgrcv, few,
        [](int n) {
            for (int i = 0; i < n; ++i) {
                expect(msgsnd(id, &message, 1, 0) == 0, "msgsnd");
            }
        },
        [](auto* f) { return f(id, &message, 1, 0, 0) == 1; }));
    all.push_back(ready(
        "msgsnd", ::msgsnd, few,
        [](int) {
            while (msgrcv(id, &message, 1, 0, IPC_NOWAIT) >= 0) {
            }
        },
        [](auto* f) { return f(id, &message, 1, 0) == 0; }));
    all.push_back(
        ready("semop", ::semop, many, nothing_to_prepare, [](auto* f) { return f(semaphores, up_and_down, 2) == 0; }));
    all.push_back(ready("semtimedop", ::semtimedop, many, nothing_to_prepare,
                        [](auto* f) { return f(semaphores, up_and_down, 2, &second) == 0; }));
}

}  // namespace interrupt_bench
