// The interruption points that a run of a program came through, as a sweep names them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/run.h"

namespace interrupt::control {

struct SweepPoint {
    uint64_t key = 0;    // the same at every run
    uint32_t times = 0;  // calls that began there and could wait
    Call call = Call::running;
    bool limited = false;
    int32_t fd = -1;      // of the first of them; -1: it has none
    std::string program;  // "redis-cli"; of its second start "redis-cli#2"
    std::string thread;   // "main", "1" (the first that main has started), "1.2", "f1" (a forked process)
    std::string module;   // path; empty: in none
    uint64_t offset = 0;  // of the return address in the module, bytes
};

// In an order that is the same at every run.
std::vector<SweepPoint> points_of(const RunFile& file);

}  // namespace interrupt::control
