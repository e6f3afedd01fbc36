// What can stand at a place of the command line. The commands and options come from its definition; calls, outcomes,
// processes and threads from where they are.
#pragma once

#include <string>
#include <vector>

namespace interrupt::control {

struct KnownOption {
    std::string name;   // "--in"
    std::string value;  // "CALL"; empty: it takes none
};

struct KnownCommand {
    std::string name;
    std::vector<KnownOption> options;
    std::vector<std::string> places;  // "PID", "TID": what its other words are; the last one may be repeated
};

// The words that may be at the end of `words`, of which the last one has been begun; in order, none twice.
std::vector<std::string> complete(const std::vector<KnownCommand>& commands, const std::vector<std::string>& words);

}  // namespace interrupt::control
