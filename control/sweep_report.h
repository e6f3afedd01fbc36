// What a sweep has found, for people, programs and test harnesses.
#pragma once

#include <string>
#include <vector>

#include "control/sweep.h"

namespace interrupt::control {

// All of a sweep.
struct Sweep {
    std::vector<std::string> command;
    RunEnd undisturbed;
    std::vector<SweepPoint> points;
    std::vector<SweepCase> cases;
    std::vector<std::optional<SweepResult>> results;  // of each case; none: not run
    uint32_t points_lost = 0;
    size_t unsteady_points = 0;  // not the same in two undisturbed runs
};

// "recv(fd 3), the 2nd time".
std::string case_text(const Sweep& sweep, const SweepCase& chosen);

void print_points(const Sweep& sweep);
void print_findings(const Sweep& sweep);
Json sweep_json(const Sweep& sweep);

// One test case for each run, as JUnit's XML has it. Throws Failure if it cannot be written.
void write_junit(const Sweep& sweep, const std::string& path);

// One line, on a terminal alone: how far it is, how many findings, how much longer.
class Progress {
public:
    explicit Progress(size_t runs);
    ~Progress();
    void show(size_t done, size_t findings);

private:
    const size_t runs_;
    const bool shown_;
    const uint64_t started_;
};

}  // namespace interrupt::control
