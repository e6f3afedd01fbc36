// Watches the processes below one process, and storms them with interrupts if it is told how many a second:
//
//     program_storm ROOT [--rate N] [--seed S]      ends when its standard input does, and prints what it saw as JSON
//
// Each request goes to a thread chosen at random of a process chosen at random, with the default outcome. A thread that
// comes to no interruption point in time has its request withdrawn.
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

#include "control/interruption.h"
#include "control/report.h"

namespace {

using namespace interrupt::control;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

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
    Storm(pid_t root, uint64_t seed) : root_(root), random_(seed) {}

    void look() {
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
            Order order;
            order.timeout = patience;
            std::vector<Interruption> one;
            one.emplace_back(process, table, *thread, order);
            interrupt_all(one, order);
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
                look_at_table(process, seen, identity);
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
    std::vector<pid_t> under_;
    std::map<std::string, Seen> seen_;
};

// Nobody writes there: readable means its end.
bool input_ended() {
    pollfd input = {STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, 0) > 0;
}

std::optional<uint64_t> number(const char* word) {
    const auto value = parse_number(word);
    return value && *value >= 0 ? std::optional<uint64_t>(*value) : std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
    std::map<std::string, uint64_t> options{{"--rate", 0}, {"--seed", 1}};
    std::optional<uint64_t> root;
    bool understood = argc > 1 && (root = number(argv[1])) && argc % 2 == 0;
    for (int i = 2; understood && i + 1 < argc; i += 2) {
        const auto value = number(argv[i + 1]);
        understood = value && options.count(argv[i]) != 0;
        options[argv[i]] = value.value_or(0);
    }
    if (!understood) {
        std::cerr << "usage: program_storm ROOT [--rate N] [--seed S]\n";
        return 2;
    }
    const uint64_t rate = options["--rate"];
    Storm storm(static_cast<pid_t>(*root), options["--seed"]);
    Clock::time_point next_look = Clock::now();
    while (!input_ended()) {
        if (Clock::now() >= next_look) {
            storm.look();
            next_look = Clock::now() + look_every;
        }
        if (rate == 0) {
            std::this_thread::sleep_until(next_look);
        } else {
            storm.send_one();
            std::this_thread::sleep_for(std::chrono::nanoseconds(1'000'000'000 / rate));
        }
    }
    std::cout << storm.report().dump() << '\n';
}
