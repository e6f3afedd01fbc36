// interruptctl record: what the words ask for, and the summary.

#include <algorithm>
#include <iostream>

#include "control/commands.h"
#include "control/record/recording.h"

namespace interrupt::control {
namespace {

RecordPlan plan_of(const RecordOptions& options) {
    RecordPlan plan;
    for (const std::string& word : options.pids) {
        const pid_t pid = parse_id(word, "process");
        if (std::find(plan.pids.begin(), plan.pids.end(), pid) == plan.pids.end()) {
            plan.pids.push_back(pid);
        }
    }
    plan.output = options.output;
    plan.shortest = parse_timeout(options.shortest);
    if (!options.duration.empty()) {
        plan.duration = parse_timeout(options.duration);
        if (plan.duration == 0) {
            throw Failure(Status::usage, "--for 0 records nothing.");
        }
    }
    return plan;
}

std::string count_text(uint64_t count, const char* one) {
    return text(count, ' ', one, count == 1 ? "" : "s");
}

// To standard error: the recording may go to standard output.
void print_summary(const RecordPlan& plan, const Recorded& recorded) {
    const RecordCounts& counts = recorded.counts;
    std::cerr << count_text(counts.waits, "wait") << ", " << count_text(counts.requests, "request") << ", "
              << counts.deliveries << " delivered, in " << duration_text(recorded.duration);
    if (plan.output != "-") {
        std::cerr << ": " << printable(plan.output);
    }
    std::cerr << '\n';
    if (counts.shorter != 0) {
        std::cerr << count_text(counts.shorter, "wait") << " shorter than " << latency_text(plan.shortest)
                  << (counts.shorter == 1 ? " is" : " are") << " not in it; --shortest 0 writes all\n";
    }
    if (counts.lost != 0) {
        std::cerr << count_text(counts.lost, "event") << " lost: they came faster than they could be written\n";
    }
    if (counts.gaps != 0) {
        std::cerr << count_text(counts.gaps, "gap") << ": interruptctl did not run for so long that the process "
                  << "stopped recording meanwhile\n";
    }
}

}  // namespace

Status record_command(const RecordOptions& options) {
    const RecordPlan plan = plan_of(options);
    print_summary(plan, record(plan));
    return Status::done;
}

}  // namespace interrupt::control
