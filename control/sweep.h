// A sweep: a program is run once for each of its interruption points, interrupted at that one, and compared with what
// it does undisturbed.
#pragma once

#include <regex.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/names.h"
#include "control/report.h"
#include "control/sweep_points.h"
#include "control/sweep_run.h"

namespace interrupt::control {

// One run to be made: the how manieth call at which point, and how it is to end.
struct SweepCase {
    size_t point = 0;  // index
    uint32_t number = 1;
    WantedOutcome wanted;
};

// What came of it.
struct SweepResult {
    enum class Word { same, not_reached, not_acted, hung, spun, crashed, status, output, errors };
    Word word = Word::same;
    std::string detail;

    bool is_finding() const { return word >= Word::hung; }
};

// "hung", "spun", ...: as in reports.
const char* word_of(SweepResult::Word word);

// What is compared: the output, line by line, without the parts that change by themselves.
class Comparison {
public:
    // POSIX extended regular expressions. Throws Failure(usage) for what is none.
    explicit Comparison(const std::vector<std::string>& ignored);
    // What is different in a run that was interrupted.
    SweepResult compare(const RunEnd& undisturbed, const RunEnd& interrupted) const;

private:
    std::vector<std::string> lines(const std::string& output) const;
    std::string first_difference(const std::string& expected, const std::string& found) const;

    struct Free {
        void operator()(regex_t* expression) const;
    };
    std::string without_ignored(std::string line) const;

    std::vector<std::unique_ptr<regex_t, Free>> ignored_;
};

// Somebody has had enough: thrown where runs are waited for, once `stop` says so.
struct Stopped {};
using Stop = std::function<bool()>;

// Runs them, `jobs` at a time, and calls `done` with the index of each when it has ended, in the order in which they
// end. Throws Failure and Stopped.
void run_cases(const RunConditions& conditions, const std::vector<SweepPoint>& points,
               const std::vector<SweepCase>& cases, const std::vector<size_t>& indexes, const RunEnd& undisturbed,
               const Comparison& comparison, size_t jobs, const Stop& stop,
               const std::function<void(size_t index, const SweepResult& result)>& done);

// Runs the program to its end. Throws Failure, if nothing of it was under the shim, and Stopped.
RunEnd run_undisturbed(const RunConditions& conditions, std::vector<SweepPoint>& points, uint32_t& points_lost,
                       const Stop& stop);

}  // namespace interrupt::control
