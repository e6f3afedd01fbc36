// The processes under the shim.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/report.h"

namespace interrupt::control {

struct ProcessEntry {
    pid_t pid = 0;
    uid_t user = 0;
    size_t threads = 0;
    std::string runtime;
    std::string command;
    std::string reason;  // why it cannot be interrupted; empty if it can
};

Json process_json(const ProcessEntry& entry);

// Looks for them, some at a time.
class ProcessScan {
public:
    // `all`: every user's.
    explicit ProcessScan(bool all) : pids_(all_processes()), all_(all) {}
    // Looks at `most` more. True when all have been looked at. Never waits.
    bool step(size_t most);
    const std::vector<ProcessEntry>& entries() const { return entries_; }
    // The device and inode of every table that a process has mapped.
    const std::set<std::pair<dev_t, ino_t>>& mapped() const { return mapped_; }

private:
    std::vector<pid_t> pids_;
    bool all_;
    size_t next_ = 0;
    std::vector<ProcessEntry> entries_;
    std::set<std::pair<dev_t, ino_t>> mapped_;
};

}  // namespace interrupt::control
