// What the shim adds to a call that need not wait, beside libc's own function in the same process.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "paired.h"
#include "tests/support/under_shim.h"

namespace {

using interrupt_bench::run_pairs;

// libc's function itself, past every interposer; called through a pointer, as the interposer is through the PLT.
template <class Function>
Function* libc_function(const char* name) {
    static void* const libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    return reinterpret_cast<Function*>(dlsym(libc, name));
}

constexpr int calls = 2000;

void recv_ready(benchmark::State& state) {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    char buffer[calls];
    auto* const bare = libc_function<decltype(::recv)>("recv");
    decltype(::recv)* volatile shim = ::recv;
    auto all = [&](auto* function) {
        return [&, function](int n) {
            char byte;
            for (int i = 0; i < n; ++i) {
                if (function(ends[0], &byte, 1, 0) != 1) {
                    std::abort();
                }
            }
        };
    };
    run_pairs(
        state, calls,
        [&] {
            if (send(ends[1], buffer, sizeof buffer, 0) != calls)
                std::abort();
        },
        all(bare), all(shim));
    close(ends[0]);
    close(ends[1]);
}

void read_ready(benchmark::State& state) {
    int ends[2];
    if (pipe(ends) != 0) {
        std::abort();
    }
    char buffer[calls];
    auto* const bare = libc_function<decltype(::read)>("read");
    decltype(::read)* volatile shim = ::read;
    auto all = [&](auto* function) {
        return [&, function](int n) {
            char byte;
            for (int i = 0; i < n; ++i) {
                if (function(ends[0], &byte, 1) != 1) {
                    std::abort();
                }
            }
        };
    };
    run_pairs(
        state, calls,
        [&] {
            if (write(ends[1], buffer, sizeof buffer) != calls)
                std::abort();
        },
        all(bare), all(shim));
    close(ends[0]);
    close(ends[1]);
}

void poll_ready(benchmark::State& state) {
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1) {
        std::abort();
    }
    auto* const bare = libc_function<decltype(::poll)>("poll");
    decltype(::poll)* volatile shim = ::poll;
    auto all = [&](auto* function) {
        return [&, function](int n) {
            struct pollfd fd = {ends[0], POLLIN, 0};
            for (int i = 0; i < n; ++i) {
                if (function(&fd, 1, 1000) != 1) {
                    std::abort();
                }
            }
        };
    };
    run_pairs(
        state, calls, [] {}, all(bare), all(shim));
    close(ends[0]);
    close(ends[1]);
}

void sem_wait_free(benchmark::State& state) {
    sem_t semaphore;
    auto* const bare = libc_function<decltype(::sem_wait)>("sem_wait");
    decltype(::sem_wait)* volatile shim = ::sem_wait;
    auto all = [&](auto* function) {
        return [&, function](int n) {
            for (int i = 0; i < n; ++i) {
                function(&semaphore);
            }
        };
    };
    run_pairs(
        state, calls, [&] { sem_init(&semaphore, 0, calls); }, all(bare), all(shim));
}

// With a second thread in the process glibc takes other paths.
template <void (*Benchmark)(benchmark::State&)>
void with_a_thread(benchmark::State& state) {
    sem_t done;
    sem_init(&done, 0, 0);
    std::thread other([&] { sem_wait(&done); });
    Benchmark(state);
    sem_post(&done);
    other.join();
}

BENCHMARK(recv_ready)->Iterations(1000);
BENCHMARK(read_ready)->Iterations(1000);
BENCHMARK(poll_ready)->Iterations(1000);
BENCHMARK(sem_wait_free)->Iterations(3000);
BENCHMARK(with_a_thread<recv_ready>)->Iterations(1000);
BENCHMARK(with_a_thread<read_ready>)->Iterations(1000);
BENCHMARK(with_a_thread<poll_ready>)->Iterations(1000);
BENCHMARK(with_a_thread<sem_wait_free>)->Iterations(3000);

}  // namespace

int main(int argc, char** argv) {
    interrupt_tests::ensure_under_shim(argv);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
