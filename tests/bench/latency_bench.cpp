// From the request to the blocked call having returned, beside the floor in the same run: a bare tgkill with a handler
// without SA_RESTART, and the EINTR of a raw system call.
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <thread>

#include "interrupt/interrupt.h"
#include "paired.h"
#include "tests/interposers/raw_calls.h"
#include "tests/support/under_shim.h"

namespace {

using Clock = std::chrono::steady_clock;

// Waits until the thread sleeps in the kernel.
void await_blocked(pid_t tid) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    for (;;) {
        char text[256] = {};
        FILE* file = std::fopen(path, "r");
        const size_t size = std::fread(text, 1, sizeof text - 1, file);
        std::fclose(file);
        const char* end = std::strrchr(text, ')');
        if (size > 0 && end != nullptr && end[2] == 'S') {
            return;
        }
    }
}

// One thread that blocks again and again, and says when each wait came back.
class Blocked {
public:
    explicit Blocked(bool raw) : thread_([this, raw] { run(raw); }) {
        while (tid_ == 0) {
        }
    }
    ~Blocked() {
        stop_ = true;
        if (send(ends_[1], "x", 1, 0) == 1) {
            thread_.join();
        }
    }
    double measure(auto&& interrupt) {
        const int round = rounds_;
        await_blocked(tid_);
        const auto start = Clock::now();
        interrupt(tid_.load());
        while (rounds_.load(std::memory_order_acquire) == round) {
        }
        return std::chrono::duration<double, std::micro>(returned_ - start).count();
    }

private:
    void run(bool raw) {
        socketpair(AF_UNIX, SOCK_STREAM, 0, ends_);
        tid_ = static_cast<pid_t>(syscall(SYS_gettid));
        char byte;
        while (!stop_) {
            const bool interrupted =
                raw ? interrupt_tests::raw_call(SYS_recvfrom, ends_[0], reinterpret_cast<long>(&byte), 1) == -EINTR
                    : recv(ends_[0], &byte, 1, 0) < 0 && errno == EINTR;
            returned_ = Clock::now();
            if (interrupted) {
                rounds_.fetch_add(1, std::memory_order_release);
            }
        }
    }

    int ends_[2];
    std::atomic<pid_t> tid_ = 0;
    std::atomic<int> rounds_ = 0;
    std::atomic<bool> stop_ = false;
    Clock::time_point returned_;
    std::thread thread_;
};

void recv_latency(benchmark::State& state) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, nullptr);
    Blocked floor(true);
    Blocked shim(false);
    std::vector<double> floor_times;
    std::vector<double> shim_times;
    for (auto _ : state) {
        floor_times.push_back(floor.measure([](pid_t tid) { syscall(SYS_tgkill, getpid(), tid, SIGUSR1); }));
        shim_times.push_back(shim.measure([](pid_t tid) { interrupt_thread(tid); }));
    }
    state.counters["floor_us"] = interrupt_bench::median(floor_times);
    state.counters["shim_us"] = interrupt_bench::median(shim_times);
    state.counters["ratio"] = interrupt_bench::median(shim_times) / interrupt_bench::median(floor_times);
}
BENCHMARK(recv_latency)->Iterations(3000);

}  // namespace

int main(int argc, char** argv) {
    interrupt_tests::ensure_under_shim(argv);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
