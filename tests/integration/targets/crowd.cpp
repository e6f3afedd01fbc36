// crowd N: N threads that wait in poll. Prints `ready`, or how many there are and why there are no more; then how many
// waits were interrupted.
#include <poll.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {
std::atomic<size_t> waiting;
std::atomic<int> interrupted;
}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    std::vector<pthread_t> threads(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    size_t count = 0;
    int error = 0;
    for (; count < threads.size() && error == 0; count += error == 0) {
        error = pthread_create(
            &threads[count], &attributes,
            [](void*) -> void* {
                ++waiting;
                interrupted += poll(nullptr, 0, 300'000) < 0 && errno == EINTR;
                return nullptr;
            },
            nullptr);
    }
    if (error != 0) {
        std::printf("%zu threads: %s\n", count, std::strerror(error));
        std::_Exit(3);
    }
    while (waiting < count) {
        std::this_thread::yield();
    }
    std::puts("ready");
    for (const pthread_t thread : threads) {
        pthread_join(thread, nullptr);
    }
    std::printf("interrupted %d\n", interrupted.load());
    return 0;
}
