// counted THREADS CALLS: prints `ready`. For each line of standard input each of its threads makes that many calls of
// send() and of recv(), none of which has to wait, and it prints `done`.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace {

void send_and_receive(int calls) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        std::abort();
    }
    for (int i = 0; i < calls; ++i) {
        char byte = 'x';
        if (send(ends[1], &byte, 1, 0) != 1 || recv(ends[0], &byte, 1, 0) != 1) {
            std::abort();
        }
    }
    close(ends[0]);
    close(ends[1]);
}

}  // namespace

int main(int, char** argv) {
    const int threads = std::atoi(argv[1]);
    const int calls = std::atoi(argv[2]);
    std::puts("ready");
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {
        std::vector<std::thread> running;
        for (int i = 0; i < threads; ++i) {
            running.emplace_back(send_and_receive, calls);
        }
        for (std::thread& thread : running) {
            thread.join();
        }
        std::puts("done");
        std::fflush(stdout);
    }
}
