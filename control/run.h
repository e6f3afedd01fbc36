// A run that interruptctl watches over: the file that its processes share (run_file.h), from this side.
#pragma once

#include <string>
#include <vector>

#include "control/launcher.h"
#include "control/run_file.h"

namespace interrupt::control {

// Makes the file, in the directory of the tables, and maps it; removed by the destructor. Throws Failure.
class Run {
public:
    explicit Run(bool wants_points);
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    const std::string& path() const { return path_; }
    RunFile& file() const { return *file_; }

private:
    std::string path_;
    RunFile* file_ = nullptr;
};

// Starts the program as a child, hands on the signals that come meanwhile, waits for its end, and says on standard
// error which of the rules have never acted. Ends as the program has. Throws Failure.
[[noreturn]] void run_with_report(const Launch& launch, const std::vector<std::string>& rules);

}  // namespace interrupt::control
