// repeats N: threads that wait in recv for nothing, again and again, and one that does so masked. Prints `ready`. When
// standard input has ended, how often the waits of the N have ended in which way: `eintr 3 eio 0 eof 1 other 0`.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "interrupt/interrupt.h"

namespace {

std::atomic<int> started;
std::atomic<size_t> eintr, eio, eof, other;

void wait_again_and_again(int fd) {
    char byte;
    ++started;
    for (;;) {
        const ssize_t size = recv(fd, &byte, 1, 0);
        ++(size == 0 ? eof : size > 0 ? other : errno == EINTR ? eintr : errno == EIO ? eio : other);
    }
}

}  // namespace

int main(int, char** argv) {
    const int count = std::atoi(argv[1]);
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    for (int i = 0; i < count; ++i) {
        std::thread([&] {
            pthread_setname_np(pthread_self(), "waiter");
            wait_again_and_again(ends[0]);
        }).detach();
    }
    std::thread([&] {
        interrupt_mask(INTERRUPT_MASK_ALL);
        pthread_setname_np(pthread_self(), "masked");
        wait_again_and_again(ends[0]);
    }).detach();
    while (started <= count) {
        std::this_thread::yield();
    }
    std::puts("ready");
    std::fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) != 0) {
    }
    std::printf("eintr %zu eio %zu eof %zu other %zu\n", eintr.load(), eio.load(), eof.load(), other.load());
    std::fflush(stdout);
    _exit(0);
}
