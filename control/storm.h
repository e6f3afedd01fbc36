// A storm of requests: threads of one process, chosen at random, are interrupted at a given rate, and what became of
// each is counted. At its end nothing of it stays pending.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "control/interruption.h"

namespace interrupt::control {

// What is chosen, and nothing else: the 64-bit Mersenne Twister mt19937_64 with the seed, and two of its numbers for
// each request: the first modulo the number of candidates, the second modulo the number of outcomes. So a seed gives
// the same choices for the same candidates, which are in order of their thread ids.
class StormChoices {
public:
    explicit StormChoices(uint64_t seed) : random_(seed) {}
    struct Choice {
        size_t thread = 0;
        size_t outcome = 0;
    };
    // Neither may be 0.
    Choice next(size_t threads, size_t outcomes);

private:
    std::mt19937_64 random_;
};

struct StormPlan {
    double rate = 100;               // requests a second
    uint64_t duration = 0;           // ns; 0: without an end of its own
    uint64_t timeout = 100'000'000;  // ns; then a request is withdrawn
    uint64_t seed = 0;
    std::vector<std::string> outcomes;  // as the user has named them
    std::vector<WantedOutcome> wanted;  // the same
    std::string name;                   // a pattern for the threads'; empty: all
    bool anywhere = true;               // whatever they do; otherwise:
    std::vector<Call> calls;            // only those that wait in one of these, or in any of the list if there is none
};

// Sorted when asked.
struct Latencies {
    std::vector<uint64_t> ns;
    uint64_t at(double part);  // 0.5: the median; 0 if there are none
};

struct StormReport {
    enum class End { time, signal, process };

    End end = End::time;
    std::string why;  // of End::process
    Status status = Status::done;
    double seconds = 0;
    size_t chosen = 0;                       // requests that were due
    size_t requests = 0;                     // that were made
    size_t busy = 0;                         // not made: one that the thread had from here was still pending
    size_t elsewhere = 0;                    // not made: the thread had left the calls, or ended
    size_t nobody = 0;                       // not made: there was no thread to choose
    std::map<std::string, size_t> results;   // by result_name()
    std::map<std::string, size_t> outcomes;  // delivered
    std::map<std::string, size_t> reasons;   // why not delivered
    std::map<std::string, Latencies> calls;  // delivered there
    Latencies latencies;
};

// Ends by itself, by SIGINT, SIGTERM or SIGHUP, or when the process does; has withdrawn then what was pending.
StormReport storm(const Process& process, TableFile& table, const StormPlan& plan);

}  // namespace interrupt::control
