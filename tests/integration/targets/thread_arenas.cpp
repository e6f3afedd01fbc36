// Threads that allocate nothing, and in how many arenas malloc has memory then.
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <threads.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

pthread_barrier_t barrier;

void meet_twice() {
    poll(nullptr, 0, 0);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
}

int arenas() {
    char* text = nullptr;
    size_t size = 0;
    FILE* const out = open_memstream(&text, &size);
    malloc_info(0, out);
    std::fclose(out);
    int count = 0;
    for (const char* at = text; (at = std::strstr(at, "<heap nr")) != nullptr; ++at) {
        ++count;
    }
    std::free(text);
    return count;
}

}  // namespace

int main() {
    constexpr int each = 3;
    pthread_t posix[each];
    thrd_t threads[each];
    pthread_barrier_init(&barrier, nullptr, 2 * each + 1);
    for (int i = 0; i < each; ++i) {
        pthread_create(
            &posix[i], nullptr,
            [](void*) -> void* {
                meet_twice();
                return nullptr;
            },
            nullptr);
        thrd_create(
            &threads[i],
            [](void*) {
                meet_twice();
                return 0;
            },
            nullptr);
    }
    pthread_barrier_wait(&barrier);
    std::printf("arenas: %d\n", arenas());
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < each; ++i) {
        pthread_join(posix[i], nullptr);
        thrd_join(threads[i], nullptr);
    }
    return 0;
}
