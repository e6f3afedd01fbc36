#include "control/record/recording.h"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <iterator>
#include <optional>

#include "control/requester.h"
#include "control/stop_signals.h"

namespace interrupt::control {
namespace {

constexpr uint64_t poll_every_ns = 10'000'000;
constexpr uint64_t check_every_ns = 100'000'000;
// How long a process that has called exec may be without a table.
constexpr uint64_t exec_patience_ns = 5'000'000'000;

class Recording {
public:
    explicit Recording(const RecordPlan& plan) : plan_(plan), trace_(plan.output) {
        for (const pid_t pid : plan.pids) {
            recorders_.push_back(std::make_unique<Recorder>(pid, plan.shortest, trace_));
        }
        for (const auto& recorder : recorders_) {
            recorder->begin();
        }
    }

    Recorded run() {
        const uint64_t start = monotonic_now();
        uint64_t next_check = start;
        Recorded recorded;
        for (uint64_t now = start;; now = monotonic_now()) {
            bool behind = false;
            std::erase_if(recorders_, [&](const auto& recorder) {
                const bool failed = !survives([&] { behind |= recorder->poll(); });
                counts_ += failed ? recorder->counts() : RecordCounts();
                return failed;
            });
            if (now >= next_check) {
                check(now);
                next_check = now + check_every_ns;
            }
            recorded.duration = now - start;
            if (StopSignals::came() != 0) {
                recorded.end = Recorded::End::signal;
                break;
            }
            if (recorders_.empty() && awaited_.empty()) {
                recorded.end = Recorded::End::processes;
                break;
            }
            if (plan_.duration != 0 && recorded.duration >= plan_.duration) {
                break;
            }
            if (!behind) {
                const timespec interval{0, poll_every_ns};
                ::nanosleep(&interval, nullptr);
            }
        }
        for (const auto& recorder : recorders_) {
            finish(*recorder);
        }
        recorded.counts = counts_;
        trace_.finish({{"recorded_by", "interruptctl " INTERRUPT_VERSION},
                       {"clock", "CLOCK_MONOTONIC"},
                       {"seconds", static_cast<double>(recorded.duration) / 1e9},
                       {"shortest_wait_us", microseconds(plan_.shortest)},
                       {"waits", counts_.waits},
                       {"shorter_waits", counts_.shorter},
                       {"requests", counts_.requests},
                       {"deliveries", counts_.deliveries},
                       {"withdrawals", counts_.withdrawals},
                       {"rules_acted", counts_.rules},
                       {"lost_events", counts_.lost},
                       {"gaps", counts_.gaps}});
        if (failure_) {
            throw Failure(*failure_);
        }
        return recorded;
    }

private:
    // What is wrong with one process costs the others nothing, and is said at the end; not so with the file.
    template <class Part>
    bool survives(Part part) {
        try {
            part();
            return true;
        } catch (const Failure& failure) {
            if (trace_.failed()) {
                throw;
            }
            if (!failure_) {
                failure_ = failure;
            }
            return false;
        }
    }

    void finish(Recorder& recorder) {
        survives([&] { recorder.finish(); });
        counts_ += recorder.counts();
    }

    // Who has ended, who has called exec and has another table now.
    void check(uint64_t now) {
        for (auto recorder = recorders_.begin(); recorder != recorders_.end();) {
            if ((*recorder)->current()) {
                ++recorder;
                continue;
            }
            finish(**recorder);
            awaited_.push_back({(*recorder)->pid(), now + exec_patience_ns});
            recorder = recorders_.erase(recorder);
        }
        for (auto awaited = awaited_.begin(); awaited != awaited_.end();) {
            awaited = now < awaited->until && may_begin_later(awaited->pid) ? awaited + 1 : awaited_.erase(awaited);
        }
    }

    // Begins with the process's new table. True if it has none so far, but may yet make one.
    bool may_begin_later(pid_t pid) {
        try {
            auto recorder = std::make_unique<Recorder>(pid, plan_.shortest, trace_);
            recorder->begin();
            recorders_.push_back(std::move(recorder));
            return false;
        } catch (const Failure& failure) {
            if (failure.status() == Status::not_found) {
                return false;  // it has ended
            }
            if (failure.status() == Status::not_under_shim) {
                return true;
            }
            return survives([] { throw; });
        }
    }

    struct Awaited {
        pid_t pid = 0;
        uint64_t until = 0;  // CLOCK_MONOTONIC, ns
    };
    const StopSignals signals_;  // first: whatever has been begun is ended
    const RecordPlan& plan_;
    std::optional<Failure> failure_;
    TraceFile trace_;
    std::vector<std::unique_ptr<Recorder>> recorders_;
    std::vector<Awaited> awaited_;
    RecordCounts counts_;
};

}  // namespace

Recorded record(const RecordPlan& plan) {
    // A reader of standard output that goes away is a file that cannot be written: recording is switched off, too.
    ::signal(SIGPIPE, SIG_IGN);
    return Recording(plan).run();
}

}  // namespace interrupt::control
