// A run that interruptctl watches over: the file that its processes share (run_file.h), from this side.
#pragma once

#include <string>
#include <vector>

#include "control/run_file.h"

namespace interrupt::control {

// Makes the file, in the directory of the tables, and maps it; removed by remove() or the destructor. Throws Failure.
class Run {
public:
    explicit Run(bool wants_points);
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    const std::string& path() const { return path_; }
    RunFile& file() const { return *file_; }

    // The file stays for others.
    void keep() { keeps_ = true; }

private:
    std::string path_;
    RunFile* file_ = nullptr;
    bool keeps_ = false;
};

// Starts a process of nobody's, which waits for the calling process, whatever that will be running, to end, says on
// standard error which of the rules have never acted, and removes the file. Throws Failure.
void report_rules_at_end(Run& run, const std::vector<std::string>& rules);

}  // namespace interrupt::control
