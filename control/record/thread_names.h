// The names of a process's threads, also of those that have ended since.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "control/open_process.h"

namespace interrupt::control {

class ThreadNames {
public:
    // It must outlive this.
    explicit ThreadNames(const OpenProcess& target) : target_(target) {}

    // The runtime's, or else the kernel's; of a thread that has ended the last that was seen here, "" if none was.
    const std::string& of(uint32_t inner_tid);

    // Looks at some of these that were not looked at yet: they may end before somebody asks.
    void look(const std::vector<TableFile::Found>& records);

private:
    std::string now(uint32_t inner_tid) const;
    void look_for_ids();

    const OpenProcess& target_;
    std::unordered_map<uint32_t, std::string> seen_;
    std::unordered_map<uint32_t, pid_t> outer_ids_;  // in another PID namespace: the threads' ids as seen here
    uint64_t next_ids_ = 0;                          // CLOCK_MONOTONIC, ns
};

}  // namespace interrupt::control
