// Waits for a pipe that nobody writes to. An ordinary program: it knows nothing of libinterrupt.
#include <sys/select.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

int main() {
    int ends[2];
    if (pipe(ends) != 0) {
        std::perror("pipe");
        return 1;
    }
    std::printf("select %d\n", gettid());
    std::fflush(stdout);
    fd_set reads;
    FD_ZERO(&reads);
    FD_SET(ends[0], &reads);
    const int result = select(ends[0] + 1, &reads, nullptr, nullptr, nullptr);
    std::printf("select: %d, %s\n", result, result < 0 ? strerrorname_np(errno) : "no error");
}
