#include "waits_table.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "control/thread_table_abi.h"
#include "shim/libc_functions.h"

namespace storm {

namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        std::perror(what);
        std::abort();
    }
}

// Fills what is blocking only later.
void fill(int fd) {
    const char zeros[4096] = {};
    require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    while (write(fd, zeros, sizeof zeros) > 0) {
    }
    while (write(fd, zeros, 1) > 0) {
    }
    require(fcntl(fd, F_SETFL, 0) == 0, "fcntl");
}

sockaddr_un address_of(const std::string& name) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    return address;
}

struct timespec in_an_hour(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_sec += 3600;
    return time;
}

constexpr struct timespec an_hour = {3600, 0};

// -1 and errno: how most calls tell.
Came common(long result) {
    return {result == -1, result, errno};
}
// An error number.
Came number(int result) {
    return {result != 0, result, result};
}

// A negative result, which names no error.
Came negative(int result) {
    return {result != 0, result, result == -1 ? EINTR : 0};
}

template <class Call>
Came with_mutex(Fixture& f, Call call) {
    pthread_mutex_lock(&f.mutex);
    const int result = call();
    pthread_mutex_unlock(&f.mutex);
    return {true, result, result};  // nobody signals: whatever comes back is an outcome
}

template <class Call>
Came with_threads_mutex(Fixture& f, Call call) {
    mtx_lock(&f.threads_mutex);
    const int result = call();
    mtx_unlock(&f.threads_mutex);
    return {true, result, result};
}

struct pollfd on(int fd) {
    return {fd, POLLIN, 0};
}

template <class Call>
Came selecting(Fixture& f, Call call) {
    fd_set reads;
    FD_ZERO(&reads);
    FD_SET(f.empty_pipe, &reads);
    return common(call(f.empty_pipe + 1, &reads));
}

template <class Call>
Came connecting(Fixture& f, Call call) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(f.busy_address);
    const Came came = common(call(fd, reinterpret_cast<const sockaddr*>(&address),
                                  static_cast<socklen_t>(sizeof(sa_family_t) + 1 + f.busy_address.size())));
    close(fd);
    return came;
}

struct iovec one_byte(char& byte) {
    return {&byte, 1};
}

struct OneByteMessage {
    long type = 1;
    char byte = 'x';
};

// A message of one byte; `part` goes with it.
struct mmsghdr one_message(struct iovec& part) {
    struct mmsghdr message = {};
    message.msg_hdr.msg_iov = &part;
    message.msg_hdr.msg_iovlen = 1;
    return message;
}

struct sembuf take_one() {
    return {0, -1, 0};
}

struct flock whole_file() {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    return lock;
}

}  // namespace

#define W(name, ...)                 \
    {#name, [](Fixture& f) -> Came { \
         (void)f;                    \
         char byte = 0;              \
         (void)byte;                 \
         __VA_ARGS__                 \
     }},
const Wait waits[] = {
#include "waits.def"
};
#undef W
const int wait_count = static_cast<int>(std::size(waits));

// A row of the list without a wait here does not build.
#define INTERPOSE(ret, name, params, args, kind, ...) +(interrupt::Kind::kind != interrupt::Kind::Shown)
#define VARIANT(ret, name, of, params, args, kind, ...) +(interrupt::Kind::kind != interrupt::Kind::Shown)
#define CUSTOM(...) +1
#define CUSTOM_VARIANT(...) +1
static_assert(std::size(waits) == 0
#include "shim/interposers.def"
);

Fixture::Fixture() {
    static std::atomic<int> number = 0;
    const std::string unique = std::to_string(getpid()) + "-" + std::to_string(number++);
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    empty_socket = ends[0], others_[0] = ends[1];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    full_socket = ends[0], others_[1] = ends[1];
    fill(full_socket);
    require(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    empty_pipe = ends[0], others_[2] = ends[1];
    require(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    full_pipe = ends[1], others_[3] = ends[0];
    fill(full_pipe);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {EPOLLIN, {}};
    require(epoll_ctl(epoll, EPOLL_CTL_ADD, empty_pipe, &event) == 0, "epoll_ctl");
    fifo = "/tmp/storm-" + unique + ".fifo";
    require(mkfifo(fifo.c_str(), 0600) == 0, "mkfifo");

    for (int i = 0; i < 2; ++i) {  // one that waits for connections, one whose queue is full
        const std::string name = "storm-" + unique + "-" + std::to_string(i);
        const sockaddr_un address = address_of(name);
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        require(bind(fd, reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(sizeof(sa_family_t) + 1 + name.size())) == 0 &&
                    listen(fd, 0) == 0,
                "listen");
        (i == 0 ? listener : others_[4]) = fd;
        busy_address = name;
    }
    const sockaddr_un address = address_of(busy_address);
    for (int& fd : queue_filler_) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fd, reinterpret_cast<const sockaddr*>(&address),
                static_cast<socklen_t>(sizeof(sa_family_t) + 1 + busy_address.size()));
    }

    others_[5] = memfd_create("storm", MFD_CLOEXEC);
    require(write(others_[5], "storm", 5) == 5, "memfd_create");
    locked_file = open(("/proc/self/fd/" + std::to_string(others_[5])).c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock = whole_file();
    require(locked_file >= 0 && fcntl(others_[5], F_OFD_SETLK, &lock) == 0 && flock(others_[5], LOCK_EX) == 0, "lock");

    empty_counter = eventfd(0, EFD_CLOEXEC);
    full_counter = eventfd(0, EFD_CLOEXEC);
    require(eventfd_write(full_counter, UINT64_MAX - 1) == 0, "eventfd");
    struct mq_attr attributes = {};
    attributes.mq_maxmsg = attributes.mq_msgsize = 1;
    const std::string queue = "/storm-" + unique;
    for (int* const fd : {&empty_queue, &full_queue}) {
        *fd = mq_open(queue.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
        require(*fd >= 0 && mq_unlink(queue.c_str()) == 0, "mq_open");
    }
    require(mq_send(full_queue, "x", 1, 0) == 0, "mq_send");
    for (int* const id : {&empty_messages, &full_messages}) {
        *id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        struct msqid_ds status;
        require(*id >= 0 && msgctl(*id, IPC_STAT, &status) == 0, "msgget");
        status.msg_qbytes = 1;
        require(msgctl(*id, IPC_SET, &status) == 0, "msgctl");
    }
    const OneByteMessage message;
    require(msgsnd(full_messages, &message, 1, 0) == 0, "msgsnd");
    semaphores = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    require(semaphores >= 0, "semget");

    require(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    others_[6] = ends[1];
    asynchronous.aio_fildes = asynchronous_end_ = ends[0];
    asynchronous.aio_buf = &asynchronous_byte_;
    asynchronous.aio_nbytes = 1;
    require(aio_read(&asynchronous) == 0, "aio_read");
    held_device = ends[0];
    held_.hold({{SYS_ioctl, 0, static_cast<uint32_t>(held_device)}});

    const pid_t parent = getpid();
    child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
        outlive(parent);
    }
    sem_init(&semaphore, 0, 0);
    require(mtx_init(&threads_mutex, mtx_plain) == thrd_success, "mtx_init");
    require(cnd_init(&threads_condition) == thrd_success, "cnd_init");
    pthread_sigmask(SIG_SETMASK, nullptr, &no_signals);
    sigdelset(&no_signals, SIGUSR1);
    sigemptyset(&never_sent);
    sigaddset(&never_sent, SIGRTMAX - 1);
    pthread_sigmask(SIG_BLOCK, &never_sent, nullptr);
}

// What would stay behind.
void Fixture::remove_names() {
    unlink(fifo.c_str());
    for (const int id : {empty_messages, full_messages}) {
        msgctl(id, IPC_RMID, nullptr);
    }
    semctl(semaphores, 0, IPC_RMID);
}

// The child that is waited for in vain. It sees the storm's end if that is killed, and removes its names then. Raw
// calls, since the storm interrupts all others.
void Fixture::outlive(pid_t parent) {
    const uint64_t all = ~uint64_t{0};
    const uint64_t end = uint64_t{1} << (SIGTERM - 1);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, nullptr, sizeof all);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    while (syscall(SYS_getppid) == parent &&
           syscall(SYS_rt_sigtimedwait, &end, nullptr, nullptr, sizeof end) != SIGTERM) {
    }
    remove_names();
    _exit(0);
}

Fixture::~Fixture() {
    ::kill(child, SIGKILL);
    while (syscall(SYS_wait4, child, nullptr, 0, nullptr) < 0 && errno == EINTR) {
    }
    remove_names();
    require(write(others_[6], "x", 1) == 1, "write");
    while (aio_error(&asynchronous) == EINPROGRESS) {
        sched_yield();
    }
    close(others_[6]);
    close(asynchronous_end_);
    for (const int fd :
         {empty_counter,    full_counter,     empty_queue,     full_queue, empty_socket, full_socket,
          empty_pipe,       full_pipe,        listener,        epoll,      others_[0],   others_[1],
          others_[2],       others_[3],       others_[4],      others_[5], locked_file,  queue_filler_[0],
          queue_filler_[1], queue_filler_[2], queue_filler_[3]}) {
        close(fd);
    }
}

}  // namespace storm
