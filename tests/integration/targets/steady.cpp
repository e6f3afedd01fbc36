// A program with threads, waits, a child and an exit status of its own. It has to run in the same way whatever the shim
// lacks. steady [hold|wait|late|single|threads N|fill FILE]
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "interrupt/interrupt.h"

namespace {

// Everything is told to the end of the program: in order.
void say(const std::string& text) {
    const std::string line = text + "\n";
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) {
        _exit(99);
    }
}

int sum_through_pipe(int value) {
    int ends[2];
    if (pipe(ends) != 0) {
        return -errno;
    }
    std::thread writer([&] {
        for (int i = 0; i < 10; ++i) {
            if (write(ends[1], &value, sizeof value) != sizeof value) {
                std::abort();
            }
        }
        close(ends[1]);
    });
    int sum = 0;
    for (int got; read(ends[0], &got, sizeof got) == sizeof got;) {
        sum += got;
    }
    writer.join();
    close(ends[0]);
    return sum;
}

void run_threads(int count) {
    std::vector<int> sums(static_cast<size_t>(count));
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
        threads.emplace_back([&sums, i] {
            poll(nullptr, 0, 1);
            sums[static_cast<size_t>(i)] = sum_through_pipe(i);
        });
    }
    int total = 0;
    for (int i = 0; i < count; ++i) {
        threads[static_cast<size_t>(i)].join();
        total += sums[static_cast<size_t>(i)];
    }
    say("threads " + std::to_string(count) + " sum " + std::to_string(total));
}

void run_child() {
    const pid_t child = fork();
    if (child == 0) {
        poll(nullptr, 0, 1);
        _exit(5);
    }
    int status = 0;
    const pid_t reaped = waitpid(child, &status, 0);
    say("child " + std::to_string(reaped == child) + " status " + std::to_string(status));
}

// Until the file system is full.
void fill(const char* path) {
    const int fd = open(path, O_WRONLY | O_CREAT, 0600);
    const std::string block(4096, 'f');
    while (write(fd, block.data(), block.size()) > 0) {
    }
    say("filled, errno " + std::to_string(errno));
    close(fd);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "wait") {
        say("waiting");
        const int result = poll(nullptr, 0, 20'000);
        say(result < 0 ? "interrupted, errno " + std::to_string(errno) : "not interrupted");
        return 0;
    }
    if (mode == "late") {  // the request comes while it computes
        say("computing");
        while (interrupt_pending() == 0) {
        }
        for (const clock_t start = clock();
             clock() - start < CLOCKS_PER_SEC / 10;) {  // the requester finishes meanwhile
        }
        const int result = poll(nullptr, 0, 20'000);
        say(result < 0 ? "interrupted, errno " + std::to_string(errno) : "not interrupted");
        return 0;
    }
    if (mode == "single") {
        poll(nullptr, 0, 1);
        say("holding");
        char byte;
        say("input ended " + std::to_string(read(STDIN_FILENO, &byte, 1)));
        return 7;
    }
    if (mode == "fill") {
        fill(argv[2]);
    }
    say("one " + std::to_string(sum_through_pipe(7)));
    run_threads(mode == "threads" ? std::atoi(argv[2]) : 6);
    run_child();
    if (mode == "hold") {
        say("holding");
        char byte;
        say("input ended " + std::to_string(read(STDIN_FILENO, &byte, 1)));
    }
    return 7;
}
