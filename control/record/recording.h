// Records processes for a time.
#pragma once

#include <string>
#include <vector>

#include "control/record/recorder.h"

namespace interrupt::control {

struct RecordPlan {
    std::vector<pid_t> pids;
    std::string output;     // path; "-": standard output
    uint64_t duration = 0;  // ns; 0: until they have all ended
    uint64_t shortest = 0;  // of the waits that are written, ns
};

struct Recorded {
    RecordCounts counts;
    uint64_t duration = 0;  // ns
    enum class End { time, signal, processes } end = End::time;
};

// Ends by SIGINT, SIGTERM and SIGHUP, too; the file is whole then. Throws Failure.
Recorded record(const RecordPlan& plan);

}  // namespace interrupt::control
