// Prints what a program can see of itself: threads, descriptors, signal mask, dispositions, environment, errno after
// calls that succeed. Run with and without the shim, the output has to be the same.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

std::vector<std::string> names_in(const char* path) {
    std::vector<std::string> names;
    DIR* directory = opendir(path);
    const std::string own = std::to_string(dirfd(directory));
    while (const dirent* entry = readdir(directory)) {
        if (entry->d_name[0] != '.' && (std::strstr(path, "fd") == nullptr || entry->d_name != own)) {
            names.push_back(entry->d_name);
        }
    }
    closedir(directory);
    std::sort(names.begin(), names.end());
    return names;
}

void print_threads_and_descriptors(const char* when) {
    std::printf("%s: %zu threads, descriptors", when, names_in("/proc/self/task").size());
    for (const std::string& name : names_in("/proc/self/fd")) {
        struct stat status;
        const int fd = std::atoi(name.c_str());
        if (fstat(fd, &status) == 0) {
            std::printf(" %d(%o,%x)", fd, status.st_mode & S_IFMT, static_cast<unsigned>(fcntl(fd, F_GETFD)));
        }
    }
    std::printf("\n");
}

void print_signals(const char* when) {
    sigset_t blocked;
    sigset_t pending;
    sigprocmask(SIG_SETMASK, nullptr, &blocked);
    sigpending(&pending);
    std::printf("%s:", when);
    for (int signal = 1; signal <= 64; ++signal) {
        struct sigaction action;
        if (sigaction(signal, nullptr, &action) != 0) {
            std::printf(" %d:%d", signal, errno);
            continue;
        }
        const char* disposition = action.sa_handler == SIG_DFL   ? "default"
                                  : action.sa_handler == SIG_IGN ? "ignored"
                                                                 : "?";
        int masked = 0;
        for (int other = 1; other <= 64; ++other) {
            masked += sigismember(&action.sa_mask, other) == 1;
        }
        if (action.sa_handler != SIG_DFL || action.sa_flags != 0 || masked != 0 || sigismember(&blocked, signal) == 1 ||
            sigismember(&pending, signal) == 1) {
            std::printf(" %d:%s/%x/%d/%d/%d", signal, disposition, static_cast<unsigned>(action.sa_flags), masked,
                        sigismember(&blocked, signal), sigismember(&pending, signal));
        }
    }
    std::printf("\n");
}

int changes = 0;
#define KEEPS_ERRNO(call)                                          \
    do {                                                           \
        errno = 4711;                                              \
        if ((call) < 0 || errno != 4711) {                         \
            std::printf("%s changed errno to %d\n", #call, errno); \
            ++changes;                                             \
        }                                                          \
    } while (false)

void print_errno_changes() {
    int pipe_ends[2];
    int sockets[2];
    char buffer[8];
    KEEPS_ERRNO(pipe(pipe_ends));
    KEEPS_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    for (int round = 0; round < 2; ++round) {
        iovec part = {buffer, 1};
        msghdr message = {};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        KEEPS_ERRNO(write(pipe_ends[1], "x", 1));
        pollfd ready = {pipe_ends[0], POLLIN, 0};
        KEEPS_ERRNO(poll(&ready, 1, 1000));
        timespec second = {1, 0};
        KEEPS_ERRNO(ppoll(&ready, 1, &second, nullptr));
        fd_set set;
        FD_ZERO(&set);
        FD_SET(pipe_ends[0], &set);
        timeval limit = {1, 0};
        KEEPS_ERRNO(select(pipe_ends[0] + 1, &set, nullptr, nullptr, &limit));
        KEEPS_ERRNO(read(pipe_ends[0], buffer, 1));
        KEEPS_ERRNO(poll(&ready, 1, 1));
        KEEPS_ERRNO(writev(pipe_ends[1], &part, 1));
        KEEPS_ERRNO(readv(pipe_ends[0], &part, 1));
        KEEPS_ERRNO(send(sockets[0], "x", 1, 0));
        KEEPS_ERRNO(recv(sockets[1], buffer, 1, 0));
        KEEPS_ERRNO(sendmsg(sockets[0], &message, 0));
        KEEPS_ERRNO(recvmsg(sockets[1], &message, 0));
        KEEPS_ERRNO(sendto(sockets[0], "x", 1, 0, nullptr, 0));
        KEEPS_ERRNO(recvfrom(sockets[1], buffer, 1, 0, nullptr, nullptr));
        timespec moment = {0, 1000};
        KEEPS_ERRNO(nanosleep(&moment, nullptr));
        KEEPS_ERRNO(usleep(10));
        KEEPS_ERRNO(-static_cast<int>(sleep(0)));
        KEEPS_ERRNO(clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, nullptr));
        const int file = open("/dev/null", O_RDWR);
        KEEPS_ERRNO(file);
        KEEPS_ERRNO(close(file));
        sem_t semaphore;
        sem_init(&semaphore, 0, 1);
        KEEPS_ERRNO(sem_wait(&semaphore));
        KEEPS_ERRNO(sem_post(&semaphore));
        timespec later;
        clock_gettime(CLOCK_REALTIME, &later);
        later.tv_sec += 10;
        KEEPS_ERRNO(sem_timedwait(&semaphore, &later));
        const int epoll = epoll_create1(0);
        epoll_event event = {};
        KEEPS_ERRNO(epoll_wait(epoll, &event, 1, 1));
        KEEPS_ERRNO(epoll_pwait(epoll, &event, 1, 1, nullptr));
        close(epoll);
        const pid_t child = fork();
        if (child == 0) {
            _exit(0);
        }
        KEEPS_ERRNO(child);
        int status = 0;
        KEEPS_ERRNO(waitpid(child, &status, 0));
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGUSR1);
        sigaddset(&signals, SIGURG);
        sigaddset(&signals, SIGWINCH);
        sigset_t before;
        KEEPS_ERRNO(sigprocmask(SIG_BLOCK, &signals, &before));
        KEEPS_ERRNO(raise(SIGUSR1));
        int number = 0;
        KEEPS_ERRNO(sigwait(&signals, &number));
        KEEPS_ERRNO(sigprocmask(SIG_SETMASK, &before, nullptr));
        struct sigaction action;
        KEEPS_ERRNO(sigaction(SIGURG, nullptr, &action));
        KEEPS_ERRNO(sigaction(SIGUSR1, nullptr, &action));
        pthread_t thread;
        KEEPS_ERRNO(-pthread_create(
            &thread, nullptr, [](void* argument) { return argument; }, nullptr));
        KEEPS_ERRNO(-pthread_join(thread, nullptr));
    }
    std::printf("%d changes of errno\n", changes);
    for (const int fd : {pipe_ends[0], pipe_ends[1], sockets[0], sockets[1]}) {
        close(fd);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int errno_at_start = errno;
    std::printf("errno %d, %d arguments, first %s\n", errno_at_start, argc, argc > 1 ? argv[1] : "none");
    print_threads_and_descriptors("start");
    print_signals("start");
    print_errno_changes();
    poll(nullptr, 0, 1);
    print_threads_and_descriptors("after calls");
    print_signals("after calls");
    for (char** variable = environ; *variable != nullptr; ++variable) {
        if (std::strncmp(*variable, "LD_PRELOAD=", 11) != 0) {
            std::printf("%s\n", *variable);
        }
    }
    closefrom(3);
    poll(nullptr, 0, 1);
    print_threads_and_descriptors("after closefrom");
    return 7;
}
