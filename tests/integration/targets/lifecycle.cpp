// lifecycle exec|daemon|threads N [raw]: a program that becomes another, or a daemon, or starts and ends many threads.
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "interrupt/interrupt.h"

namespace {

int become_another(char* self) {
    std::printf("before exec\n");
    char byte;
    if (read(STDIN_FILENO, &byte, 1) == -1 || byte == 'e') {
        execl(self, self, "after", nullptr);
    }
    return 1;
}

int after() {
    std::printf("after exec, pending %d\n", interrupt_pending());
    std::printf("wait %d\n", poll(nullptr, 0, 20));
    char byte;
    return read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 1;
}

int become_daemon() {
    if (daemon(1, 1) != 0) {
        return 1;
    }
    std::printf("daemon %d\n", getpid());
    const int result = poll(nullptr, 0, 20'000);
    std::printf("errno %d\n", result < 0 ? errno : 0);
    return 0;
}

// Each thread is interrupted once. Prints how many were.
int many_threads(int count) {
    int interrupted = 0;
    for (int i = 0; i < count; ++i) {
        std::thread([&] {
            interrupt_thread(gettid());
            interrupted += poll(nullptr, 0, 20'000) == -1 && errno == EINTR;
        }).join();
    }
    std::printf("%d of %d interrupted\n", interrupted, count);
    char byte;
    return read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const std::string mode = argc > 1 ? argv[1] : "";
    return mode == "exec"      ? become_another(argv[0])
           : mode == "after"   ? after()
           : mode == "daemon"  ? become_daemon()
           : mode == "threads" ? many_threads(std::atoi(argv[2]))
                               : 2;
}
