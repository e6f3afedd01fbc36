// What the tests of the command line share: the command, and the programs that it is tried on.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/child_process.h"

namespace interrupt_tests {

inline Finished interruptctl(std::vector<std::string> arguments, const Surroundings& surroundings = {}) {
    arguments.insert(arguments.begin(), INTERRUPTCTL_PATH);
    return run(arguments, surroundings);
}

// It ended by itself with this status, and a failure said one sentence about it.
inline void expect_status(int status, const Finished& finished) {
    EXPECT_EQ(finished.signal, 0);
    EXPECT_EQ(finished.exit_status, status) << finished.out << finished.err;
    if (finished.exit_status != 0 && finished.out.empty()) {
        EXPECT_TRUE(finished.err.starts_with("interruptctl: ")) << finished.err;
        EXPECT_TRUE(finished.err.ends_with(".\n") || finished.err.ends_with("?\n") || finished.err.ends_with("`\n"))
            << finished.err;
    }
}

// targets/sleeper, with a thread for each call that is named, all of them waiting.
class Sleeper {
public:
    explicit Sleeper(const std::vector<std::string>& calls, bool under_shim = true, Surroundings surroundings = {})
        : child_(command(calls), under_shim ? with_shim(std::move(surroundings)) : surroundings) {
        std::string line;
        while ((line = child_.line()) != "ready") {
            std::istringstream words(line);
            std::string name;
            words >> name >> tids_[name];
        }
        for (const auto& [name, tid] : tids_) {
            const char wanted = name == "spin" ? 'R' : 'S';
            if (!eventually([tid = tid, wanted] { return kernel_state(tid) == wanted; })) {
                throw std::runtime_error("the sleeper's " + name + " never waits");
            }
        }
    }

    Child& child() { return child_; }
    std::string pid() const { return std::to_string(child_.pid()); }
    std::string tid(const std::string& call) const { return std::to_string(tids_.at(call)); }
    // Waits for that thread's wait to end, and says how: "-1 EINTR".
    std::string result(const std::string& call) {
        const std::string start = call + " " + tid(call) + " ";
        return child_.line_that_begins(start).substr(start.size());
    }

    // What `threads --json` says about the thread.
    nlohmann::json seen(const std::string& call) const {
        const auto threads = nlohmann::json::parse(interruptctl({"threads", pid(), "--json"}).out).at("threads");
        for (const auto& thread : threads) {
            if (thread.at("tid") == tids_.at(call)) {
                return thread;
            }
        }
        return nullptr;
    }

private:
    static std::vector<std::string> command(std::vector<std::string> calls) {
        calls.insert(calls.begin(), TARGETS_DIR "/sleeper");
        return calls;
    }
    static Surroundings with_shim(Surroundings surroundings) {
        surroundings.environment["LD_PRELOAD"] = LIBINTERRUPT_PATH;
        return surroundings;
    }

    Child child_;
    std::map<std::string, pid_t> tids_;
};

}  // namespace interrupt_tests
