// A program for the sweep: a thread writes three letters into a socket, the main thread reads and prints them. How the
// main thread takes an interrupted recv is its argument: `sound` repeats it, `loses` prints what it has so far, `fails`
// ends with 3, `crashes`, `hangs`, `spins`, `forks` reads in a child.
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

int sockets[2];

void* write_letters(void*) {
    for (const char letter : {'a', 'b', 'c'}) {
        while (write(sockets[1], &letter, 1) < 0 && errno == EINTR) {
        }
    }
    shutdown(sockets[1], SHUT_WR);
    return nullptr;
}

// False: no more is to be read.
bool goes_on_after(const std::string& way) {
    if (way == "fails") {
        std::exit(3);
    }
    if (way == "crashes") {
        std::abort();
    }
    while (way == "hangs") {
        pause();
    }
    static volatile bool never = false;
    while (way == "spins" && !never) {
    }
    return way == "sound" || way == "forks";
}

void read_letters(const std::string& way) {
    std::string letters;
    char letter;
    for (ssize_t got; (got = recv(sockets[0], &letter, 1, 0)) != 0;) {
        if (got > 0) {
            letters += letter;
        } else if (errno != EINTR || !goes_on_after(way)) {
            break;
        }
    }
    std::puts(letters.c_str());
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string way = argc > 1 ? argv[1] : "sound";
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) {
        return 1;
    }
    if (way == "forks") {
        const pid_t child = fork();
        if (child == 0) {
            close(sockets[1]);
            read_letters(way);
            _exit(0);
        }
        write_letters(nullptr);
        while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
        }
        return 0;
    }
    pthread_t writer;
    pthread_create(&writer, nullptr, write_letters, nullptr);
    read_letters(way);
    pthread_join(writer, nullptr);
}
