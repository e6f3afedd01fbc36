// From the request to the blocked call having returned, and how many requests a second can be made:
//
//     latency_bench [--rounds=N] [--serve=SOCKET] [--crowd=N] [Google Benchmark's options]
//
// --crowd: beside so many threads that wait for something else.
//
// Each kind of wait with each who asks, and the floors, take turns, so that what the machine does besides meets all of
// them. The floors: a bare tgkill with a handler without SA_RESTART and the EINTR of a raw system call, which nobody
// who interrupts by signals can be below, from this process and from the other; an eventfd and a futex that somebody
// waits for, which are no interrupts but what programs use in their place.
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>
#include <memory>
#include <random>

#include "interrupt/interrupt.h"
#include "tests/bench/paired.h"
#include "tests/bench/requester.h"
#include "tests/support/under_shim.h"

namespace {

using namespace interrupt_bench;

int rounds = 1000;
std::string serve_socket;
int crowd_size = 0;

struct Sockets {
    int ends[2];
    Sockets() {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
            std::abort();
        }
    }
};

std::unique_ptr<Blocked> in_recv(bool raw) {
    const auto sockets = std::make_shared<Sockets>();
    return std::make_unique<Blocked>(
        [=] {
            char byte;
            return raw ? raw_call(SYS_recvfrom, sockets->ends[0], reinterpret_cast<long>(&byte), 1) == -EINTR
                       : recv(sockets->ends[0], &byte, 1, 0) < 0 && errno == EINTR;
        },
        [=] { send(sockets->ends[1], "x", 1, 0); });
}

std::unique_ptr<Blocked> in_poll() {
    const auto sockets = std::make_shared<Sockets>();
    return std::make_unique<Blocked>(
        [=] {
            struct pollfd it = {sockets->ends[0], POLLIN, 0};
            return poll(&it, 1, -1) < 0 && errno == EINTR;
        },
        [=] { send(sockets->ends[1], "x", 1, 0); });
}

std::unique_ptr<Blocked> in_semaphore() {
    const auto semaphore = std::make_shared<sem_t>();
    sem_init(semaphore.get(), 0, 0);
    return std::make_unique<Blocked>([=] { return sem_wait(semaphore.get()) < 0 && errno == EINTR; },
                                     [=] { sem_post(semaphore.get()); });
}

struct Condition {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    bool ended = false;
};

std::unique_ptr<Blocked> in_condition() {
    const auto it = std::make_shared<Condition>();
    return std::make_unique<Blocked>(
        [=] {
            pthread_mutex_lock(&it->mutex);
            if (!it->ended) {
                pthread_cond_wait(&it->condition, &it->mutex);
            }
            pthread_mutex_unlock(&it->mutex);
            return !it->ended;
        },
        [=] {
            pthread_mutex_lock(&it->mutex);
            it->ended = true;
            pthread_cond_signal(&it->condition);
            pthread_mutex_unlock(&it->mutex);
        });
}

// A sleep ends by a request of its own, since nothing else ends it soon.
std::unique_ptr<Blocked> in_sleep() {
    const auto tid = std::make_shared<std::atomic<pid_t>>(0);
    return std::make_unique<Blocked>(
        [=] {
            *tid = own_tid();
            const struct timespec time = {1000, 0};
            return nanosleep(&time, nullptr) < 0 && errno == EINTR;
        },
        [=] { interrupt_thread(*tid); });
}

// The floors without a signal: the wait returns since what it waits for comes.
std::unique_ptr<Blocked> on_eventfd(int fd) {
    return std::make_unique<Blocked>(
        [=] {
            uint64_t value;
            return raw_call(SYS_read, fd, reinterpret_cast<long>(&value), sizeof value) == sizeof value;
        },
        [=] { eventfd_write(fd, 1); });
}

void wake(std::atomic<int>& word) {
    word = 1;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

std::unique_ptr<Blocked> on_futex(std::atomic<int>& word) {
    return std::make_unique<Blocked>(
        [&word] {
            while (word == 0) {
                raw_call(SYS_futex, reinterpret_cast<long>(&word), FUTEX_WAIT_PRIVATE, 0);
            }
            word = 0;
            return true;
        },
        [&word] { wake(word); });
}

// Threads that wait all the time.
class Crowd {
public:
    explicit Crowd(int count) {
        sem_init(&end_, 0, 0);
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 64 << 10);
        for (int i = 0; i < count; ++i) {
            pthread_t thread;
            const auto wait = [](void* end) -> void* {
                sem_wait(static_cast<sem_t*>(end));
                return nullptr;
            };
            if (pthread_create(&thread, &attributes, wait, &end_) != 0) {
                std::fprintf(stderr, "latency_bench: there can be no more than %d threads\n", i);
                std::exit(1);
            }
            threads_.push_back(thread);
        }
        pthread_attr_destroy(&attributes);
    }
    Crowd(const Crowd&) = delete;
    ~Crowd() {
        for (size_t i = 0; i < threads_.size(); ++i) {
            sem_post(&end_);
        }
        for (const pthread_t thread : threads_) {
            pthread_join(thread, nullptr);
        }
    }

private:
    sem_t end_;
    std::vector<pthread_t> threads_;
};

template <class Function>
auto timed(Function function) {
    return [function](pid_t tid) {
        const uint64_t began = now_ns();
        function(tid);
        return began;
    };
}

struct Measured {
    std::string name;
    Blocked* thread;
    std::function<uint64_t(pid_t)> request;
    std::vector<double> times = {};
};

void latency(benchmark::State& state) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, nullptr);
    const Crowd crowd(crowd_size);
    static std::atomic<int> word = 0;
    static const int event = eventfd(0, 0);
    const auto bare = in_recv(true);
    const auto on_event = on_eventfd(event);
    const auto on_word = on_futex(word);
    std::map<std::string, std::unique_ptr<Blocked>> kinds;
    kinds["recv"] = in_recv(false);
    kinds["poll"] = in_poll();
    kinds["sem_wait"] = in_semaphore();
    kinds["pthread_cond_wait"] = in_condition();
    kinds["nanosleep"] = in_sleep();
    const OtherProcess other(serve_socket);

    std::vector<Measured> all;
    all.push_back(
        {"floor tgkill/thread", bare.get(), timed([](pid_t tid) { syscall(SYS_tgkill, getpid(), tid, SIGUSR1); })});
    all.push_back({"floor tgkill/process", bare.get(), [&](pid_t tid) { return other.request(Way::tgkill, tid); }});
    all.push_back({"floor eventfd/thread", on_event.get(), timed([](pid_t) { eventfd_write(event, 1); })});
    all.push_back({"floor futex/thread", on_word.get(), timed([](pid_t) { wake(word); })});
    for (const auto& [name, thread] : kinds) {
        all.push_back({name + "/thread", thread.get(), timed([](pid_t tid) { interrupt_thread(tid); })});
        all.push_back({name + "/process", thread.get(), [&](pid_t tid) { return other.request(Way::library, tid); }});
        if (!serve_socket.empty()) {
            all.push_back({name + "/serve", thread.get(), [&](pid_t tid) { return other.request(Way::serve, tid); }});
        }
    }
    std::vector<Measured*> order;
    for (Measured& each : all) {
        order.push_back(&each);
    }
    std::mt19937 random;  // whoever comes first wakes the processors
    for (auto _ : state) {
        std::shuffle(order.begin(), order.end(), random);
        for (Measured* const each : order) {
            each->times.push_back(each->thread->measure(each->request));
        }
    }
    for (Measured& each : all) {
        report(state, each.name, each.times);
        state.counters[each.name + ".p99"] = quantile(each.times, 0.99);
        state.counters[each.name + ".max"] = quantile(each.times, 1);
    }
}

// As many requests as can be made, to one thread or to several in turn: the next one when the last was delivered.
template <size_t count>
void requests_a_second(benchmark::State& state) {
    std::vector<std::unique_ptr<Blocked>> threads;
    std::vector<int> asked(count, 0);
    for (size_t i = 0; i < count; ++i) {
        threads.push_back(in_recv(false));
    }
    const uint64_t until = now_ns() + static_cast<uint64_t>(rounds) * 1'000'000;
    for (auto _ : state) {
        const uint64_t began = now_ns();
        for (size_t i = 0; now_ns() < until; i = (i + 1) % count) {
            while (threads[i]->rounds() < asked[i]) {
                raw_call(SYS_sched_yield);
            }
            interrupt_thread(threads[i]->tid());
            ++asked[i];
        }
        int delivered = 0;
        for (size_t i = 0; i < count; ++i) {
            while (threads[i]->rounds() < asked[i]) {
                raw_call(SYS_sched_yield);
            }
            delivered += threads[i]->rounds();
        }
        state.counters["requests_a_second"] = delivered * 1e9 / static_cast<double>(now_ns() - began);
    }
}

}  // namespace

int main(int argc, char** argv) {
    interrupt_tests::ensure_under_shim(argv);
    benchmark::Initialize(&argc, argv);
    for (const std::string argument : std::vector<char*>(argv + 1, argv + argc)) {
        if (argument.starts_with("--rounds=")) {
            rounds = std::stoi(argument.substr(9));
        } else if (argument.starts_with("--serve=")) {
            serve_socket = argument.substr(8);
        } else if (argument.starts_with("--crowd=")) {
            crowd_size = std::stoi(argument.substr(8));
        } else {
            std::fprintf(stderr, "latency_bench: what is %s?\n", argument.c_str());
            return 2;
        }
    }
    benchmark::RegisterBenchmark("latency", latency)->Iterations(rounds);
    benchmark::RegisterBenchmark("rate, 1 thread", requests_a_second<1>)->Iterations(1);
    benchmark::RegisterBenchmark("rate, 64 threads", requests_a_second<64>)->Iterations(1);
    benchmark::RunSpecifiedBenchmarks();
}
