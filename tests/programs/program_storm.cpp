// Watches the processes below one process, and storms them with interrupts if it is told how many a second:
//
//     program_storm ROOT RATE SEED OUTCOME      ends when its standard input does, and prints what it saw as JSON
//
// Each request goes to a thread chosen at random of a process chosen at random. A thread that comes to no interruption
// point in time has its request withdrawn.
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "control/interruption_round.h"
#include "control/report.h"

namespace {

using namespace interrupt::control;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Of a process that is new: most of the programs' children live for a moment only.
constexpr auto look_every = milliseconds(25);
constexpr uint64_t patience = 5'000'000;  // ns; of one request

// What was seen of all processes of one name.
struct Seen {
    std::set<std::pair<pid_t, uint64_t>> processes, under;  // process id and start time
    std::map<std::pair<pid_t, uint64_t>, uint64_t> points;  // waits of the threads that there were
    size_t threads = 0;                                     // at most, at one time, in one process
    std::set<std::string> nudges;
    bool seccomp = false;
    std::string reason;  // why one could not be interrupted
    size_t delivered = 0, not_delivered = 0;
    std::map<std::string, size_t> calls;  // where they were delivered
};

class Storm {
public:
    Storm(pid_t root, uint64_t seed, WantedOutcome outcome) : root_(root), random_(seed) {
        order_.wanted = outcome;
        order_.timeout = patience;
    }

    void look() {
        ++looks_;
        under_.clear();
        visit_children(root_);
    }

    void send_one() {
        if (under_.empty()) {
            return;
        }
        const pid_t pid = under_[random_() % under_.size()];
        try {
            const Process process(pid);
            TableFile table(process);
            const std::vector<pid_t> tids = process.tasks();
            const auto thread = tids.empty() ? std::nullopt : observe(process, table, tids[random_() % tids.size()]);
            if (!thread) {
                return;
            }
            std::vector<Interruption> one;
            one.emplace_back(process, table, *thread, order_);
            interrupt_all(one, order_);
            count(seen_[process.stat().name], one.front().result());
        } catch (const Failure&) {
            // It has ended, or become another program, in the meantime.
        }
    }

    Json report() const {
        Json programs = Json::object();
        for (const auto& [name, seen] : seen_) {
            uint64_t points = 0;
            for (const auto& [process, count] : seen.points) {
                points += count;
            }
            programs[printable(name)] = {{"processes", seen.processes.size()},
                                         {"under", seen.under.size()},
                                         {"threads", seen.threads},
                                         {"points", points},
                                         {"nudges", seen.nudges},
                                         {"seccomp", seen.seccomp},
                                         {"reason", seen.reason},
                                         {"delivered", seen.delivered},
                                         {"not_delivered", seen.not_delivered},
                                         {"calls", seen.calls}};
        }
        return programs;
    }

private:
    static void count(Seen& seen, const InterruptResult& result) {
        if (result.word == InterruptResult::Word::delivered) {
            ++seen.delivered;
            ++seen.calls[result.call.substr(0, result.call.find('('))];
        } else {
            ++seen.not_delivered;
        }
    }

    void visit_children(pid_t parent) {
        const std::string directory = text("/proc/", parent, "/task/");
        std::error_code error;
        for (const auto& task : std::filesystem::directory_iterator(directory, error)) {
            std::ifstream children(task.path() / "children");
            for (pid_t child; children >> child;) {
                if (child != ::getpid()) {
                    look_at(child);
                    visit_children(child);
                }
            }
        }
    }

    void look_at(pid_t pid) {
        try {
            const Process process(pid);
            Seen& seen = seen_[process.stat().name];
            const std::pair<pid_t, uint64_t> identity(pid, process.stat().start_ticks);
            seen.processes.insert(identity);
            seen.threads = std::max(seen.threads, process.tasks().size());
            seen.seccomp = seen.seccomp || process.status().seccomp != 0;
            try {
                // Its table stays what it is, under this name; the number of its waits need not be the newest.
                if (seen.under.count(identity) == 0 || looks_ % 16 == 0) {
                    look_at_table(process, seen, identity);
                }
                under_.push_back(pid);
            } catch (const Failure& failure) {
                if (process.exists() && !process.stat().ended()) {
                    seen.reason = failure.what();
                }
            }
        } catch (const Failure&) {
            // It has ended.
        }
    }

    static void look_at_table(const Process& process, Seen& seen, std::pair<pid_t, uint64_t> identity) {
        const TableFile table(process);
        uint64_t points = 0;
        for (const ThreadView& thread : observe_all(process, table)) {
            points += thread.record ? thread.record->state.wait() : 0;
        }
        seen.under.insert(identity);
        seen.points[identity] = std::max(seen.points[identity], points);
        seen.nudges.insert(table.header().signal == SIGURG ? "SIGURG" : "SIGWINCH");
    }

    const pid_t root_;
    std::mt19937_64 random_;
    Order order_;
    size_t looks_ = 0;
    std::vector<pid_t> under_;
    std::map<std::string, Seen> seen_;
};

// Nobody writes there: readable means its end.
bool input_ended() {
    pollfd input = {STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, 0) > 0;
}

uint64_t number(const char* word) {
    const auto value = parse_number(word);
    if (!value || *value < 0) {
        throw Failure(Status::usage, text("no number: ", word));
    }
    return static_cast<uint64_t>(*value);
}

void run(pid_t root, uint64_t rate, uint64_t seed, const WantedOutcome& outcome) {
    Storm storm(root, seed, outcome);
    Clock::time_point next_look = Clock::now(), next_request = next_look;
    while (!input_ended()) {
        if (Clock::now() >= next_look) {
            storm.look();
            next_look = Clock::now() + look_every;
        }
        if (rate == 0) {
            std::this_thread::sleep_until(next_look);
        } else {
            storm.send_one();
            next_request = std::max(next_request + std::chrono::nanoseconds(1'000'000'000 / rate), Clock::now());
            std::this_thread::sleep_until(next_request);
        }
    }
    std::cout << storm.report().dump() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: program_storm ROOT RATE SEED OUTCOME\n";
        return 2;
    }
    try {
        run(static_cast<pid_t>(number(argv[1])), number(argv[2]), number(argv[3]), parse_outcome(argv[4]));
    } catch (const Failure& failure) {
        std::cerr << "program_storm: " << failure.what() << '\n';
        return static_cast<int>(failure.status());
    }
}
