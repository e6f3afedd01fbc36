// Makes one interposed call over and over, under a tracer that steps through it: contract_stepped_test.cpp. It speaks
// to the tracer by breakpoints alone, with what it has to say in registers, since any call of its own would be stepped
// too.
//
//   stepped CALL
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tests/integration/stepped_marks.h"

namespace {

using interrupt_tests::Mark;
using interrupt_tests::Returned;

constexpr int far_seconds = 20;

void mark(Mark what, Returned returned = Returned::other, long value = 0, long error = 0) {
    asm volatile("int3" ::"a"(static_cast<long>(what)), "D"(static_cast<long>(returned)), "S"(value), "d"(error)
                 : "memory");
}

int empty_pipe[2];
int empty_sockets[2];
int ready_pipe[2];
sem_t semaphore;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
sigset_t awaited;

// A raw system call that a nudge or a retry would end, if one were still on its way.
bool raw_wait_is_cut_short() {
    struct timespec time = {0, 300'000};
    long result;
    asm volatile("syscall" : "=a"(result) : "a"(SYS_nanosleep), "D"(&time), "S"(nullptr) : "rcx", "r11", "memory");
    return result != 0;
}

// Makes interposed calls of its own, on another descriptor than any that is waited for.
void handle(int) {
    const int saved_errno = errno;
    char byte = 0;
    if (write(ready_pipe[1], &byte, 1) != 1 || read(ready_pipe[0], &byte, 1) != 1) {
        std::abort();
    }
    errno = saved_errno;
    mark(raw_wait_is_cut_short() ? Mark::stray : Mark::in_handler);
}

struct timespec deadline() {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += far_seconds;
    return time;
}

struct Waited {
    const char* name;
    long (*call)(const struct timespec* deadline);
    long interrupted;  // its result then
    int error;         // and errno; 0: none
    long timed_out;
    int timed_out_error;
};

const struct timespec far = {far_seconds, 0};

const Waited waits[] = {
    {"poll", [](const struct timespec*) -> long { return poll(nullptr, 0, far_seconds * 1'000); }, -1, EINTR, 0, 0},
    {"recv",
     [](const struct timespec*) -> long {
         char byte;
         return recv(empty_sockets[0], &byte, 1, 0);
     },
     -1, EINTR, 0, 0},
    {"read",
     [](const struct timespec*) -> long {
         char byte;
         return read(empty_pipe[0], &byte, 1);
     },
     -1, EINTR, 0, 0},
    {"nanosleep", [](const struct timespec*) -> long { return nanosleep(&far, nullptr); }, -1, EINTR, 0, 0},
    {"sem_timedwait", [](const struct timespec* end) -> long { return sem_timedwait(&semaphore, end); }, -1, EINTR, -1,
     ETIMEDOUT},
    {"pthread_cond_timedwait",
     [](const struct timespec* end) -> long { return pthread_cond_timedwait(&condition, &mutex, end); }, 0, 0,
     ETIMEDOUT, 0},
    {"sigtimedwait", [](const struct timespec*) -> long { return sigtimedwait(&awaited, nullptr, &far); }, -1, EINTR,
     -1, EAGAIN},
};

Returned meaning(const Waited& wait, long value, int error) {
    if (value == wait.interrupted && error == wait.error) {
        return Returned::interrupted;
    }
    return value == wait.timed_out && error == wait.timed_out_error ? Returned::timed_out : Returned::other;
}

}  // namespace

int main(int count, char** arguments) {
    const Waited* wait = nullptr;
    for (const Waited& candidate : waits) {
        if (count == 2 && std::strcmp(candidate.name, arguments[1]) == 0) {
            wait = &candidate;
        }
    }
    if (wait == nullptr || pipe(empty_pipe) != 0 || pipe(ready_pipe) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, empty_sockets) != 0) {
        return 2;
    }
    sem_init(&semaphore, 0, 0);
    pthread_mutex_lock(&mutex);
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGWINCH);
    sigprocmask(SIG_BLOCK, &awaited, nullptr);
    struct sigaction action = {};
    action.sa_handler = handle;
    sigaction(SIGUSR1, &action, nullptr);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, nullptr);
    for (;;) {
        const struct timespec end = deadline();
        errno = 0;
        mark(Mark::begin);
        const long value = wait->call(&end);
        const int error = errno;
        mark(Mark::end, meaning(*wait, value, error), value, error);
        mark(raw_wait_is_cut_short() ? Mark::stray : Mark::quiet);
    }
}
