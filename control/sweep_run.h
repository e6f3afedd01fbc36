// One run of a program for a sweep: started under the shim in a session of its own, watched over, ended in time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "control/descriptor.h"
#include "control/launcher.h"
#include "control/run.h"

namespace interrupt::control {

// How runs are made; the same for all of a sweep.
struct RunConditions {
    const Launch* launch = nullptr;
    std::string input;                   // file for standard input; empty: none
    uint64_t limit = 0;                  // ns
    std::string until_text;              // ends the program when its output has that
    std::optional<uint64_t> until_time;  // ns after its start
};

enum class HowEnded {
    exited,  // `number` is the exit status
    killed,  // by signal `number`
    until,   // as the conditions say: it was ended by SIGTERM
    hung,    // at the limit, and used no processor any more
    spun,    // at the limit, and used one
};

struct RunEnd {
    HowEnded how = HowEnded::exited;
    int number = 0;
    std::string out;  // standard output, and error
    std::string err;
    std::string where;      // of one that hung: what its threads wait in
    uint64_t duration = 0;  // ns
};

class SweepRun {
public:
    // Starts it. `number`: in INTERRUPT_SWEEP, for programs that need ports or directories of their own. `target`: the
    // point to be interrupted; null: none. Throws Failure.
    SweepRun(const RunConditions& conditions, int number, const RunTarget* target);
    // Ends whatever still runs.
    ~SweepRun();
    SweepRun(const SweepRun&) = delete;
    SweepRun& operator=(const SweepRun&) = delete;

    // Looks once; the end, if it has come.
    std::optional<RunEnd> look();

    const RunFile& file() const { return run_.file(); }

private:
    RunEnd finish(HowEnded how, int number);
    std::optional<RunEnd> at_limit(uint64_t now);
    bool has_said(const std::string& words) const;

    const RunConditions& conditions_;
    Run run_;
    Descriptor out_;
    Descriptor err_;
    pid_t pid_ = -1;
    uint64_t started_ = 0;
    std::optional<uint64_t> told_to_end_;      // by `until`
    std::optional<uint64_t> runnable_before_;  // runnable_ns(), some while before the limit
};

}  // namespace interrupt::control
