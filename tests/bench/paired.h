// Two ways of doing the same, measured in one run: batches of the one and the other in turn, and the ratio of their
// medians.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace interrupt_bench {

inline double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

inline double time_ns(auto&& batch) {
    const auto start = std::chrono::steady_clock::now();
    batch();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

// `prepare` is not timed. Counters: ns for one call of each side, what the shim adds, and the ratio.
void run_pairs(benchmark::State& state, int calls, auto&& prepare, auto&& bare, auto&& shim) {
    std::vector<double> bare_times;
    std::vector<double> shim_times;
    for (auto _ : state) {
        prepare();
        bare_times.push_back(time_ns([&] { bare(calls); }) / calls);
        prepare();
        shim_times.push_back(time_ns([&] { shim(calls); }) / calls);
    }
    const double bare_median = median(bare_times);
    const double shim_median = median(shim_times);
    state.counters["bare_ns"] = bare_median;
    state.counters["shim_ns"] = shim_median;
    state.counters["added_ns"] = shim_median - bare_median;
    state.counters["ratio"] = shim_median / bare_median;
}

}  // namespace interrupt_bench
