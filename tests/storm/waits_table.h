// Every public name of the list of interposers as a wait without end, for one thread of the storm.
#pragma once

#include <aio.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/types.h>
#include <threads.h>

#include <string>

#include "tests/support/held_call.h"

namespace storm {

// What one thread's waits need; nobody else touches it, so that each wait would last for ever.
struct Fixture {
    Fixture();
    ~Fixture();
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    int empty_socket = -1;           // nothing to receive
    int full_socket = -1;            // no room to send
    int empty_pipe = -1;             // nothing to read
    int full_pipe = -1;              // no room to write
    int listener = -1;               // nobody connects
    int epoll = -1;                  // nothing ready
    int empty_counter = -1;          // an eventfd at 0
    int full_counter = -1;           // one at its greatest value
    int empty_queue = -1;            // nothing to receive
    int full_queue = -1;             // no room to send
    int empty_messages = -1;         // the same of System V's
    int full_messages = -1;          //
    int semaphores = -1;             // one of System V's, at 0
    struct aiocb asynchronous = {};  // nothing to read
    int held_device = -1;            // an ioctl on it is held
    int locked_file = -1;            // others hold locks of every kind on it
    pid_t child = -1;                // does not end
    std::string fifo;                // nobody has the other end
    std::string busy_address;        // an AF_UNIX listener whose queue is full
    sem_t semaphore;                 // never posted
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;  // never signalled
    mtx_t threads_mutex;
    cnd_t threads_condition;  // never signalled
    sigset_t no_signals;      // the mask during sigsuspend and its kin
    sigset_t never_sent;      // a signal that nobody sends, blocked in this thread

private:
    void remove_names();
    [[noreturn]] void outlive(pid_t parent);

    int others_[8];
    int asynchronous_end_ = -1;
    char asynchronous_byte_;
    interrupt_tests::HeldCall held_;
    int queue_filler_[4];
};

struct Came {
    bool interrupted;  // as a request's outcome looks to the program
    long result;
    int error;
};

struct Wait {
    const char* name;
    Came (*wait)(Fixture&);
};

extern const Wait waits[];
extern const int wait_count;

}  // namespace storm
