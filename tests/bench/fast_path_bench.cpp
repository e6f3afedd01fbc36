// What the shim adds to a call that need not wait, beside libc's own function in the same process:
//
//     fast_path_bench [--pairs=N] [--threads] [--recorded=SHORTEST] [Google Benchmark's options]
//
// --threads: with a second thread in the process, where glibc takes other paths. --recorded: while interruptctl records
// the process, each call that takes SHORTEST seconds.
#include <semaphore.h>

#include <optional>
#include <thread>

#include "paired.h"
#include "ready.h"
#include "tests/support/recording.h"
#include "tests/support/under_shim.h"

int main(int argc, char** argv) {
    interrupt_tests::ensure_under_shim(argv);
    benchmark::Initialize(&argc, argv);
    int pairs = 400;
    bool with_threads = false;
    std::optional<interrupt_tests::Recording> recording;
    for (const std::string argument : std::vector<char*>(argv + 1, argv + argc)) {
        if (argument.starts_with("--pairs=")) {
            pairs = std::stoi(argument.substr(8));
        } else if (argument == "--threads") {
            with_threads = true;
        } else if (argument.starts_with("--recorded=")) {
            recording.emplace(argument.substr(11));
        } else {
            std::fprintf(stderr, "fast_path_bench: what is %s?\n", argument.c_str());
            return 2;
        }
    }
    sem_t done;
    sem_init(&done, 0, 0);
    std::thread other;
    const auto all = interrupt_bench::all_ready(with_threads);
    if (with_threads) {
        other = std::thread([&] { sem_wait(&done); });
    }
    for (const interrupt_bench::Ready& each : all) {
        benchmark::RegisterBenchmark(each.name.c_str(), [&each](benchmark::State& state) {
            interrupt_bench::run_pairs(state, each.calls, each.prepare, each.bare, each.shim);
        })->Iterations(pairs);
    }
    benchmark::RunSpecifiedBenchmarks();
    if (with_threads) {
        sem_post(&done);
        other.join();
    }
}
