// Two ways of doing the same, measured in one run: batches of the one and the other in turn, and what each pair says of
// their ratio.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace interrupt_bench {

// The value below which so many of them are; puts them into another order.
inline double quantile(std::vector<double>& values, double part) {
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

inline void report(benchmark::State& state, const std::string& name, std::vector<double> values) {
    state.counters[name + ".q1"] = quantile(values, 0.25);
    state.counters[name + ".median"] = quantile(values, 0.5);
    state.counters[name + ".q3"] = quantile(values, 0.75);
}

inline double time_ns(auto&& batch) {
    const auto start = std::chrono::steady_clock::now();
    batch();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

// `prepare` is not timed. Counters: ns for one call of each side, and the ratio. Which side comes first changes from
// pair to pair, since the second finds the caches as the first has left them.
void run_pairs(benchmark::State& state, int calls, auto&& prepare, auto&& bare, auto&& shim) {
    std::vector<double> bare_times;
    std::vector<double> shim_times;
    std::vector<double> ratios;
    const auto measure = [&](auto& side, std::vector<double>& times) {
        prepare(calls);
        times.push_back(time_ns([&] { side(calls); }) / calls);
    };
    bool bare_first = true;
    for (auto _ : state) {
        if (bare_first) {
            measure(bare, bare_times);
            measure(shim, shim_times);
        } else {
            measure(shim, shim_times);
            measure(bare, bare_times);
        }
        bare_first = !bare_first;
        ratios.push_back(shim_times.back() / bare_times.back());
    }
    report(state, "bare", bare_times);
    report(state, "shim", shim_times);
    report(state, "ratio", ratios);
}

}  // namespace interrupt_bench
