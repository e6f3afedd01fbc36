// A plain program whose threads wait in the calls that its arguments name, one thread each. It prints `NAME TID` for
// each, then `ready`, and what each wait returned: `NAME TID RESULT ERRNO`. It ends when standard input ends; told
// `exec`, it becomes another program.
//
//   sleeper recv poll poll-limited nanosleep cond sem read pause spin futex getc mutex resolve join masked seccomp
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "interrupt/interrupt.h"
#include "tests/interposers/raw_calls.h"

namespace {

std::atomic<bool> over = false;
std::atomic<int> started = 0;

struct Result {
    long value;
    int error;
};

Result result(long value) {
    return {value, value < 0 ? errno : 0};
}

Result wait_in(const std::string& call) {
    errno = 0;
    char byte;
    if (call == "recv") {
        int ends[2];
        socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
        return result(recv(ends[0], &byte, 1, 0));
    }
    if (call == "read") {
        int ends[2];
        if (pipe(ends) != 0) {
            return result(-1);
        }
        return result(read(ends[0], &byte, 1));
    }
    if (call == "poll" || call == "poll-limited") {
        pollfd none{-1, POLLIN, 0};
        return result(poll(&none, 1, call == "poll" ? -1 : 1'000'000));
    }
    if (call == "nanosleep") {
        const timespec long_time{1'000'000, 0};
        return result(nanosleep(&long_time, nullptr));
    }
    if (call == "cond") {
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
        pthread_mutex_lock(&mutex);
        const int value = pthread_cond_wait(&condition, &mutex);
        pthread_mutex_unlock(&mutex);
        return {value, value};
    }
    if (call == "sem") {
        sem_t semaphore;
        sem_init(&semaphore, 0, 0);
        return result(sem_wait(&semaphore));
    }
    if (call == "pause") {
        return result(pause());
    }
    if (call == "spin") {
        while (!over) {
        }
        return {0, 0};
    }
    if (call == "futex") {  // without libc
        int word = 0;
        const long value = interrupt_tests::raw_call(SYS_futex, reinterpret_cast<long>(&word), FUTEX_WAIT_PRIVATE);
        return {value < 0 ? -1 : value, value < 0 ? static_cast<int>(-value) : 0};
    }
    if (call == "getc") {  // libc's own read
        int ends[2];
        if (pipe(ends) != 0) {
            return result(-1);
        }
        std::FILE* const file = fdopen(ends[0], "r");
        return result(std::getc(file));
    }
    if (call == "mutex") {  // libc repeats its wait
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        pthread_mutex_lock(&mutex);
        return result(pthread_mutex_lock(&mutex));
    }
    if (call == "join") {
        std::thread other([] { interrupt_tests::raw_wait(1'000'000'000); });
        other.join();
        return {0, 0};
    }
    if (call == "resolve") {  // libc asks a server that does not answer, and repeats its poll
        const int server = socket(AF_INET, SOCK_DGRAM, 0);
        struct sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        bind(server, reinterpret_cast<struct sockaddr*>(&address), size);
        getsockname(server, reinterpret_cast<struct sockaddr*>(&address), &size);
        struct __res_state state = {};
        res_ninit(&state);
        state.nscount = 1;
        state.nsaddr_list[0] = address;
        state.retrans = 1'000;
        unsigned char answer[512];
        return result(res_nquery(&state, "example.test", ns_c_in, ns_t_a, answer, sizeof answer));
    }
    if (call == "seccomp") {  // this thread alone, and everything is allowed
        sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        const sock_fprog filter{1, &allow};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
        return wait_in("nanosleep");
    }
    if (call == "masked" && interrupt_available()) {
        interrupt_mask(INTERRUPT_MASK_ALL);
        return wait_in("nanosleep");
    }
    return {-2, 0};
}

void work(const std::string& call) {
    pthread_setname_np(pthread_self(), call.c_str());
    std::printf("%s %d\n", call.c_str(), gettid());
    std::fflush(stdout);
    ++started;
    const Result end = wait_in(call);
    std::printf("%s %d %ld %s\n", call.c_str(), gettid(), end.value, end.error ? strerrorname_np(end.error) : "0");
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::thread> threads;
    for (int i = 1; i < argc; ++i) {
        threads.emplace_back(work, std::string(argv[i]));
    }
    while (started + 1 < argc) {
        std::this_thread::yield();
    }
    std::puts("ready");
    std::fflush(stdout);
    char command[16];
    ssize_t size;
    while ((size = read(STDIN_FILENO, command, sizeof command)) > 0 || (size < 0 && errno == EINTR)) {
        if (size > 0 && std::strncmp(command, "exec", 4) == 0) {  // the same process, another program
            unsetenv("LD_PRELOAD");
            execl("/bin/sleep", "sleep", "1000", nullptr);
        }
    }
    over = true;
    _exit(0);  // the waits would last
}
