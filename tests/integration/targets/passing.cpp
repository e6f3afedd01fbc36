// passing WAY: threads that are in a call without being held up there, for whoever tells the two apart. Prints `ready`
// when they are. They go on until standard input ends.
//
//   zero    poll without a time to wait, again and again
//   data    recv of what is there, again and again
//   mutex   one that has been woken in pthread_cond_wait, and waits for the mutex
//   pair    two that wait for each other in recv, in turns: never both
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> over;
std::atomic<int> rounds;  // of each thread's first

void play(int fd, bool begins) {
    char token = 't';
    for (bool sends = begins; !over; sends = true) {
        if (sends) {
            usleep(200);  // so that there is time to see the other one
            send(fd, &token, 1, MSG_NOSIGNAL);
        }
        while (recv(fd, &token, 1, 0) < 0 && errno == EINTR) {
        }
        ++rounds;
    }
}

}  // namespace

int main(int, char** argv) {
    const std::string way = argv[1];
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    std::vector<std::thread> threads;
    if (way == "zero") {
        threads.emplace_back([&] {
            for (pollfd nothing{ends[0], POLLIN, 0}; !over; ++rounds) {
                poll(&nothing, 1, 0);
            }
        });
    } else if (way == "data") {
        send(ends[1], "x", 1, 0);
        threads.emplace_back([&] {
            for (char byte; !over; ++rounds) {
                recv(ends[0], &byte, 1, MSG_PEEK);
            }
        });
    } else if (way == "mutex") {
        threads.emplace_back([&] {
            pthread_mutex_lock(&mutex);
            ++rounds;
            pthread_cond_wait(&condition, &mutex);
            pthread_mutex_unlock(&mutex);
        });
    } else {
        threads.emplace_back(play, ends[0], true);
        threads.emplace_back(play, ends[1], false);
    }
    while (rounds == 0) {
        std::this_thread::yield();
    }
    pthread_mutex_lock(&mutex);  // had when it waits
    pthread_cond_signal(&condition);
    std::puts("ready");
    std::fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR) {
    }
    pthread_mutex_unlock(&mutex);
    over = true;
    shutdown(ends[0], SHUT_RDWR);
    for (std::thread& thread : threads) {
        thread.join();
    }
}
