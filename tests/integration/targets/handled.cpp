// handled CALLS: prints `ready`. After a line of standard input it makes that many calls of recv(), none of which has
// to wait, on 100 descriptors from 100 on in turn, while a timer's handler that sleeps a moment runs on top of them. It
// prints `done`.
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

void set_timer(long us) {
    const itimerval every{{0, us}, {0, us}};
    setitimer(ITIMER_REAL, &every, nullptr);
}

}  // namespace

int main(int, char** argv) {
    int ends[2];
    struct sigaction action {};
    action.sa_handler = [](int) {
        const timespec moment{0, 1000};
        nanosleep(&moment, nullptr);
    };
    action.sa_flags = SA_RESTART;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || sigaction(SIGALRM, &action, nullptr) != 0) {
        return 1;
    }
    constexpr int descriptors = 100;
    for (int i = 0; i < descriptors; ++i) {
        dup2(ends[0], 100 + i);
    }
    std::puts("ready");
    std::fflush(stdout);
    char byte = 'x';
    if (read(STDIN_FILENO, &byte, 1) != 1) {
        return 1;
    }
    set_timer(200);
    const int calls = std::atoi(argv[1]);
    for (int i = 0; i < calls; ++i) {
        if (send(ends[1], &byte, 1, 0) != 1 || recv(100 + i % descriptors, &byte, 1, 0) != 1) {
            std::abort();
        }
        for (int pause = 0; pause < 10'000; ++pause) {
            asm volatile("");
        }
    }
    set_timer(0);
    std::puts("done");
    std::fflush(stdout);
    return read(STDIN_FILENO, &byte, 1) == 1 ? 0 : 1;
}
