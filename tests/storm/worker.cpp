#include "worker.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "waits_table.h"

namespace storm {

thread_local volatile uint64_t own_handler_runs = 0;

uint64_t next(uint64_t& random) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
}

namespace {

// A system call that the shim does not see.
long raw(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    long result;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                 : "rcx", "r11", "memory");
    return result;
}

}  // namespace

Worker::Worker(Job job, uint64_t seed, Counts& counts, int fd)
    : job_(job),
      random_(seed | 1),
      counts_(counts),
      fd_(fd),
      deliveries_(static_cast<size_t>(wait_count)),
      thread_([this] { run(); }) {
    while (tid_ == 0) {
        std::this_thread::yield();
    }
}

Worker::~Worker() {
    thread_.join();
}

void Worker::run() {
    static const Table table = own_table();
    const auto tid = static_cast<uint32_t>(raw(SYS_gettid));
    record_ = &table.record_of(tid);
    if (job_ == Job::waits) {
        Fixture fixture;
        tid_ = tid;
        while (!stop_) {
            const auto index = static_cast<int>(next(random_) % static_cast<uint64_t>(wait_count));
            uint64_t delivered = record_->delivered.load();
            const uint64_t handlers = own_handler_runs;
            const Came came = waits[index].wait(fixture);
            const bool was_delivered = delivered_since(delivered);
            if (came.interrupted && !was_delivered) {
                if (own_handler_runs != handlers && came.error == EINTR) {
                    ++counts_.own_eintr;
                } else {
                    ++counts_.stray_interposed;
                    std::fprintf(stderr, "stray: %s returned %ld, error %d\n", waits[index].name, came.result,
                                 came.error);
                }
            } else if (was_delivered) {
                ++deliveries_[static_cast<size_t>(index)];
                if (!came.interrupted) {
                    ++counts_.lost_outcomes;
                    std::fprintf(stderr, "outcome not seen: %s returned %ld\n", waits[index].name, came.result);
                }
            }
            if (next(random_) % 2 == 0) {
                make_raw_calls();
            }
        }
    } else {
        tid_ = tid;
        while (!stop_) {
            move_data();
            make_raw_calls();  // takes a moment, so that the other end has to wait
        }
    }
    ended_ = true;
}

bool Worker::delivered_since(uint64_t& before) const {
    const uint64_t now = record_->delivered.load();
    const bool changed = interrupt::Delivered{now}.sequence() != interrupt::Delivered{before}.sequence();
    before = now;
    return changed;
}

// The bytes of a stream are its own position: one lost, or repeated, shows at once.
void Worker::move_data() {
    static thread_local uint64_t position = 0;
    unsigned char buffer[3000];
    const bool writes = job_ == Job::pipe_writer || job_ == Job::socket_writer;
    const size_t size = 1 + next(random_) % (writes ? sizeof buffer : 2000);
    if (writes) {
        for (size_t i = 0; i < size; ++i) {
            buffer[i] = static_cast<unsigned char>((position + i) % 251);
        }
    }
    uint64_t delivered = record_->delivered.load();
    const uint64_t handlers = own_handler_runs;
    const ssize_t moved = job_ == Job::pipe_writer     ? write(fd_, buffer, size)
                          : job_ == Job::pipe_reader   ? read(fd_, buffer, size)
                          : job_ == Job::socket_writer ? send(fd_, buffer, size, MSG_NOSIGNAL)
                                                       : recv(fd_, buffer, size, 0);
    const int error = errno;
    const bool was_delivered = delivered_since(delivered);
    if (moved < 0) {
        if (was_delivered && (error == EINTR || error == ECANCELED)) {
            return;
        }
        if (error == EINTR && own_handler_runs != handlers) {
            ++counts_.own_eintr;
        } else if (!stop_) {
            ++counts_.stray_interposed;
            std::fprintf(stderr, "stray: a transfer failed with %d\n", error);
        }
        return;
    }
    if (was_delivered) {
        ++counts_.lost_outcomes;
    }
    for (ssize_t i = 0; !writes && i < moved; ++i) {
        if (buffer[i] != (position + static_cast<uint64_t>(i)) % 251) {
            ++counts_.data_errors;
            break;
        }
    }
    position += static_cast<uint64_t>(moved);
    counts_.bytes += static_cast<uint64_t>(moved);
}

void Worker::make_raw_calls() {
    const uint64_t handlers = own_handler_runs;
    struct timespec moment = {0, 20'000};
    struct pollfd nothing = {-1, 0, 0};
    long results[2];
    results[0] = raw(SYS_nanosleep, reinterpret_cast<long>(&moment));
    results[1] = next(random_) % 32 == 0 ? raw(SYS_poll, reinterpret_cast<long>(&nothing), 1, 1) : 0;
    for (const long result : results) {
        if (result == -EINTR) {
            ++(own_handler_runs != handlers ? counts_.own_eintr : counts_.stray_raw);
        }
    }
}

}  // namespace storm
