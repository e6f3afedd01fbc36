// A process whose first thread has ended: another one says "ready" and waits until standard input ends.
#include <pthread.h>
#include <unistd.h>

#include <iostream>
#include <string>

int main() {
    pthread_t thread;
    const auto wait = [](void*) -> void* {
        std::cout << "ready" << std::endl;
        for (std::string line; std::getline(std::cin, line);) {
        }
        _exit(0);
    };
    if (pthread_create(&thread, nullptr, wait, nullptr) != 0) {
        return 1;
    }
    pthread_exit(nullptr);
}
