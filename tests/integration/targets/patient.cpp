// patient N: N threads, each of which waits in poll again and again, for what never comes. Prints `ready`; when
// standard input ends, how many of the waits were interrupted: `interrupted COUNT`.
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <thread>

int main(int argc, char** argv) {
    static std::atomic<long> interrupted;
    static std::atomic<int> waiting;
    const int count = argc > 1 ? std::atoi(argv[1]) : 1;
    for (int i = 0; i < count; ++i) {
        std::thread([] {
            ++waiting;
            for (;;) {
                if (poll(nullptr, 0, -1) < 0 && errno == EINTR) {
                    ++interrupted;
                }
            }
        }).detach();
    }
    while (waiting < count) {
        std::this_thread::yield();
    }
    std::puts("ready");
    std::fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    std::printf("interrupted %ld\n", interrupted.load());
    std::fflush(stdout);
    _exit(0);
}
