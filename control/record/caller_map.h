// From return addresses in a process to its modules.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/process.h"

namespace interrupt::control {

struct CallSite {
    std::string module;   // path; empty: in none that is known
    uint64_t offset = 0;  // in the module, as its symbols have it; without a module the address itself
    bool ours = false;    // what we find by that path is this very file, and no stranger's: its symbols may be read
};

class CallerMap {
public:
    // It must outlive this. What of it cannot be read is not known here.
    explicit CallerMap(const Process& process);

    // Looks again where an address is new: the program may have loaded a library.
    const CallSite& at(uint64_t address);

private:
    struct Module {
        std::string path;
        uint64_t start = 0;  // of the mapping
        uint64_t end = 0;
        uint64_t base = 0;  // what its offsets are counted from
        bool ours = false;
    };
    void load();
    const Module* find(uint64_t address) const;
    bool is_fixed(const std::string& path) const;
    bool is_ours(const Mapping& mapping) const;

    const Process& process_;
    std::vector<Module> modules_;
    std::unordered_map<uint64_t, CallSite> known_;
};

}  // namespace interrupt::control
