// What the command line of the storm says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace storm {

struct Options {
    uint64_t requests = 100'000;
    std::string library = LIBINTERRUPT_PATH;
    int requesters = 1;
    int outside = 0;
    bool stop_and_kill = false;
    bool own_signals = false;
    bool recorded = false;
    uint64_t seed = 1;
    uint64_t at_least = 1;
    bool windows = false;
    bool must_fail = false;
    // how an outside requester is started again
    int target = 0;
    std::string table;
    std::vector<uint32_t> tids;
};

// Ends the process if it says something else.
Options parse(int argc, char** argv);

}  // namespace storm
