// Loads a library whose constructor waits until another thread has started one more thread. loads_library LIBRARY
#include <dlfcn.h>
#include <semaphore.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

extern "C" {
sem_t constructor_runs;
sem_t thread_was_started;
}

int main(int, char** argv) {
    sem_init(&constructor_runs, 0, 0);
    sem_init(&thread_was_started, 0, 0);
    std::thread starter([] {
        sem_wait(&constructor_runs);
        std::thread([] {}).join();
        sem_post(&thread_was_started);
    });
    alarm(30);
    std::puts(dlopen(argv[1], RTLD_NOW) != nullptr ? "loaded" : dlerror());
    starter.join();
    return 0;
}
