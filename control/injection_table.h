// Injection rules as they lie in a process's table file, behind its records: written by the shim when it makes the
// table (INTERRUPT_INJECT) and by `interruptctl inject`, one writer at a time (flock on the file); read by the
// process's threads, which take no lock. tests/unit/thread_table_abi_test.cpp asserts every offset.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "control/thread_table_abi.h"

namespace interrupt {

inline constexpr uint32_t most_injection_rules = 32;
inline constexpr size_t longest_injection_rule = 255;
inline constexpr size_t longest_thread_pattern = 63;

// A set of calls, one bit for each.
struct CallSet {
    uint64_t words[2] = {};

    constexpr bool has(Call call) const { return words[index(call)] >> bit(call) & 1; }
    constexpr void add(Call call) { words[index(call)] |= uint64_t{1} << bit(call); }
    constexpr void add(const CallSet& other) {
        words[0] |= other.words[0];
        words[1] |= other.words[1];
    }
    constexpr bool empty() const { return (words[0] | words[1]) == 0; }

private:
    static constexpr size_t index(Call call) { return static_cast<size_t>(call) / 64; }
    static constexpr unsigned bit(Call call) { return static_cast<unsigned>(call) % 64; }
};
static_assert(static_cast<size_t>(Call::count) <= 128);

// What a rule asks for.
struct Injection {
    // Which calls.
    CallSet calls;
    int32_t fd = -1;                               // of the call; -1: any
    char thread[longest_thread_pattern + 1] = {};  // pattern for the thread's name, or `main`; empty: any
    // Which of these: the first, the one `step` further, and so on to the last; numbered from 1.
    uint32_t first = 1;
    uint32_t last = UINT32_MAX;
    uint32_t step = 1;
    // How they end.
    int32_t signal = 0;  // of `signal:NAME`; then `outcome` is none
    uint64_t after = 0;  // when the call has been blocked for so long, ns; 0: at once, not made at all
    uint16_t error = 0;  // as in Request
    Outcome outcome = Outcome::default_;
    bool per_thread = false;  // each thread counts for itself
    bool force = false;       // also where the kernel could not wait

    constexpr bool is_due(uint32_t number) const {
        return number >= first && number <= last && (number - first) % step == 0;
    }
};

// Counts, together with the generation of the rule that they are about.
//
//   63          32 31      0
//   [ generation  ][ count ]
struct RuleCount {
    uint64_t word = 0;

    static constexpr RuleCount make(uint32_t generation, uint32_t count) {
        return {uint64_t{generation} << 32 | count};
    }
    constexpr uint32_t generation() const { return static_cast<uint32_t>(word >> 32); }
    constexpr uint32_t count() const { return static_cast<uint32_t>(word); }
};

struct alignas(64) InjectionRule {
    // Odd: in force. Grows by one when a rule is put here, after the rest has been written, and when it is taken away,
    // before anything else is; whoever reads the rest looks again afterwards.
    std::atomic<uint32_t> generation;
    std::atomic<uint64_t> met;    // RuleCount: calls that the rule is about and could act on
    std::atomic<uint64_t> acted;  // RuleCount
    Injection injection;
    char text[longest_injection_rule + 1];  // as the user wrote it; ends with 0

    static constexpr bool in_force(uint32_t generation) { return generation % 2 != 0; }
};

struct alignas(4096) InjectionRules {
    InjectionRule rules[most_injection_rules];
    // The calls that a rule in force may be about, as in CallSet: no other call looks further. A bit is there before
    // its rule is in force.
    std::atomic<uint64_t> calls[2];

    bool may_be_about(Call call) const {
        const auto number = static_cast<size_t>(call);
        return (calls[number / 64].load(std::memory_order_acquire) >> number % 64 & 1) != 0;
    }
    // Before a rule that is about these comes into force.
    void add_calls(const CallSet& more) {
        for (size_t i = 0; i < 2; ++i) {
            calls[i].fetch_or(more.words[i], std::memory_order_release);
        }
    }
    // After rules were taken away.
    void set_calls(const CallSet& all) {
        for (size_t i = 0; i < 2; ++i) {
            calls[i].store(all.words[i], std::memory_order_release);
        }
    }
};

}  // namespace interrupt
