/* A plain C program, built with each sanitizer. Its threads wait in the calls that its arguments name, one each. It prints
 * `waits NAME PID TID` for each, and `NAME RESULT ERRNO` when that wait has ended; `handled TID` where a SIGUSR1 has been
 * handled, and whether the action is read back as it was set. It ends when all waits have.
 *
 *   waits NAME...           waits by itself
 *   waits --again NAME...   starts itself once more, to wait, and ends as that one does
 *   waits --shell COMMAND   starts a shell, which was built without a sanitizer, and ends with its status
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most_threads = 32 };

static const struct timespec far_away = {4102444800, 0};
static const struct timespec long_time = {1000000, 0};
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;
static __thread sigjmp_buf way_out;
static __thread volatile sig_atomic_t leaves;

static void on_signal(int number) {
    (void)number;
    char line[32];
    const int size = snprintf(line, sizeof line, "handled %d\n", gettid());
    if (write(STDOUT_FILENO, line, (size_t)size) != size) abort();
    if (leaves) siglongjmp(way_out, 1);
}

static long in_descriptor(const char *call) {
    int ends[2];
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) abort();
    struct pollfd ready = {ends[0], POLLIN, 0};
    const int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) != 0) abort();
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    long result = -2;
    if (strcmp(call, "read") == 0) result = read(ends[0], &byte, 1);
    if (strcmp(call, "recv") == 0) result = recv(ends[0], &byte, 1, 0);
    if (strcmp(call, "recvmsg") == 0) result = recvmsg(ends[0], &message, 0);
    if (strcmp(call, "poll") == 0) result = poll(&ready, 1, -1);
    if (strcmp(call, "select") == 0) result = select(ends[0] + 1, &set, NULL, NULL, NULL);
    if (strcmp(call, "epoll_wait") == 0) result = epoll_wait(epoll, &event, 1, -1);
    const int error = errno;
    close(epoll);
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return result;
}

static long in_condition(const char *call) {
    /* One for all: a sanitizer that has not seen the wait release it complains when another thread takes it. */
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    long result = -2;
    if (strcmp(call, "pthread_cond_wait") == 0) result = pthread_cond_wait(&condition, &mutex);
    if (strcmp(call, "pthread_cond_timedwait") == 0) result = pthread_cond_timedwait(&condition, &mutex, &far_away);
    pthread_mutex_unlock(&mutex);
    pthread_cond_destroy(&condition);
    errno = 0;
    return result;
}

static long in_semaphore(int timed) {
    sem_t *const semaphore = malloc(sizeof *semaphore);
    sem_init(semaphore, 0, 0);
    const long result = timed ? sem_timedwait(semaphore, &far_away) : sem_wait(semaphore);
    const int error = errno;
    sem_destroy(semaphore);
    free(semaphore);
    errno = error;
    return result;
}

static long wait_in(const char *call) {
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    errno = 0;
    if (strcmp(call, "left") == 0) { /* the program's handler does not return */
        if (sigsetjmp(way_out, 1) != 0) return wait_in("recv");
        leaves = 1;
        return wait_in("poll");
    }
    if (strcmp(call, "nanosleep") == 0) return nanosleep(&long_time, NULL);
    if (strcmp(call, "pause") == 0) return pause();
    if (strcmp(call, "sigwaitinfo") == 0) return sigwaitinfo(&usr2, NULL);
    if (strcmp(call, "sem_wait") == 0) return in_semaphore(0);
    if (strcmp(call, "sem_timedwait") == 0) return in_semaphore(1);
    return strncmp(call, "pthread_cond_", 13) == 0 ? in_condition(call) : in_descriptor(call);
}

static void *work(void *call) {
    pthread_mutex_lock(&output);
    printf("waits %s %d %d\n", (char *)call, getpid(), gettid());
    pthread_mutex_unlock(&output);
    const long result = wait_in(call);
    const int error = errno;
    pthread_mutex_lock(&output);
    printf("%s %ld %s\n", (char *)call, result, error != 0 ? strerrorname_np(error) : "0");
    pthread_mutex_unlock(&output);
    return NULL;
}

static int again(char **arguments) {
    const pid_t child = fork();
    if (child == 0) {
        execv("/proc/self/exe", arguments);
        _exit(126);
    }
    int status;
    while (waitpid(child, &status, 0) != child) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "--shell") == 0) {
        const int status = system(argv[2]);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
    }
    if (argc > 2 && strcmp(argv[1], "--again") == 0) return again(argv + 1);

    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, back;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR1, NULL, &back);
    puts(back.sa_handler == on_signal && (back.sa_flags & SA_RESTART) ? "as set" : "not as set");
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, NULL);

    pthread_t threads[most_threads];
    const int count = argc - 1 < most_threads ? argc - 1 : most_threads;
    for (int i = 0; i < count; ++i) {
        if (pthread_create(&threads[i], NULL, work, argv[i + 1]) != 0) abort();
    }
    for (int i = 0; i < count; ++i) pthread_join(threads[i], NULL);
    return 0;
}
