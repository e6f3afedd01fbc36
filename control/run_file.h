// What the processes of one run share with the interruptctl that has started it: a file that each of them maps
// (INTERRUPT_RUN). How often each rule of the environment was met, in all of them together; and, for a sweep, the
// points that the run came through, and the one that is to be interrupted. Written with atomics alone; read when the
// run is over.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "control/injection_table.h"

namespace interrupt {

inline constexpr char run_magic[8] = {'i', 'n', 't', 'r', 'r', 'u', 'n', '\n'};
inline constexpr uint32_t run_version = 1;

inline constexpr uint32_t most_points = 8192;
inline constexpr uint32_t most_images = 64;
inline constexpr uint32_t most_modules = 256;

// Which thread of a process: the first is the empty path; a step down for each thread, or forked process, on the way to
// it, as the number of its start by the one above. So it is the same at every run, however the threads take turns.
struct ThreadPath {
    static constexpr uint16_t fork_bit = 0x8000;

    uint16_t steps[7] = {};
    uint16_t depth = 0;  // may be more than there are steps here; the rest is not told apart

    constexpr ThreadPath below(uint16_t step) const {
        ThreadPath path = *this;
        if (depth < sizeof steps / sizeof steps[0]) {
            path.steps[depth] = step;
        }
        path.depth = static_cast<uint16_t>(depth + 1);
        return path;
    }
};

// A program, or a shared object: its path, ends with 0. Written once, by whoever claims it.
struct RunName {
    static constexpr uint32_t free = 0;
    static constexpr uint32_t being_written = 1;
    static constexpr uint32_t ready = 2;

    std::atomic<uint32_t> state;
    std::atomic<uint32_t> starts;  // of a program: how often it was started in this run
    char text[248];
};

// Where calls begin: a thread, a call, and the place in the program that makes it.
struct alignas(64) RunPoint {
    std::atomic<uint64_t> key;    // 0: free
    std::atomic<uint32_t> times;  // calls that began here and could wait
    std::atomic<uint32_t> ready;  // the rest is written
    uint64_t offset;              // of the return address in its module, bytes; without one, the address itself
    uint16_t module;              // into RunFile::modules; most_modules: in none
    uint16_t image;               // into RunFile::images
    uint16_t start;               // which start of that program, from 0 on
    uint16_t call;                // Call
    ThreadPath thread;
    uint32_t limited;  // the first call here had a time limit
    int32_t fd;        // of the first call here; -1: it has none
};
static_assert(sizeof(RunPoint) == 64);

// The point to be interrupted.
struct RunTarget {
    uint64_t key;     // 0: none
    uint32_t number;  // the how manieth call there, from 1 on
    uint16_t error;   // as in Request
    Outcome outcome;
    std::atomic<uint32_t> reached;  // 1: it was
    std::atomic<uint32_t> acted;    // 1: and the call ended so
};

struct alignas(4096) RunFile {
    uint64_t magic;
    uint32_t version;
    uint32_t wants_points;
    std::atomic<uint64_t> rules_met[most_injection_rules];
    std::atomic<uint64_t> rules_acted[most_injection_rules];
    RunTarget target;
    std::atomic<uint32_t> points_lost;  // found no place in the table
    RunName images[most_images];
    RunName modules[most_modules];
    RunPoint points[most_points];
};

constexpr uint64_t run_magic_word() {
    uint64_t word = 0;
    for (int i = 7; i >= 0; --i) {
        word = word << 8 | static_cast<unsigned char>(run_magic[i]);
    }
    return word;
}

}  // namespace interrupt
