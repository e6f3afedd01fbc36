// The commands of interruptctl: what each needs from the command line, and the function that does it. Each returns the
// exit status, or throws Failure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/failure.h"

namespace interrupt::control {

struct ThreadsOptions {
    std::string pid;
    bool json = false;
};
Status threads_command(const ThreadsOptions& options);

struct InterruptOptions {
    std::string pid;
    std::vector<std::string> tids;
    bool main = false;
    bool all = false;
    std::string name;  // glob
    std::string in;    // calls
    std::string as = "default";
    std::string timeout = "1";
    bool this_wait = false;
    bool sticky = false;
    bool force = false;
    bool json = false;
};
Status interrupt_command(const InterruptOptions& options);

struct WaitOptions {
    std::string pid;
    std::string tid;     // empty: any
    std::string in;      // calls
    std::string fd;      // empty: whichever
    std::string thread;  // glob
    std::string count;   // empty: 1
    std::string timeout = "10";
    bool json = false;
};
Status wait_command(const WaitOptions& options);

struct ClearOptions {
    std::string pid;
    std::string tid;
    bool json = false;
};
Status clear_command(const ClearOptions& options);

struct InjectOptions {
    std::string pid;
    std::vector<std::string> rules;  // with `clear`: their numbers
    bool list = false;
    bool clear = false;
    bool json = false;
};
Status inject_command(const InjectOptions& options);

struct RecordOptions {
    std::vector<std::string> pids;
    std::string output = "trace.json";
    std::string duration;  // empty: until the processes have ended
    std::string shortest = "0.00001";
};
Status record_command(const RecordOptions& options);

struct StormOptions {
    std::string pid;
    std::string rate = "100";
    std::string duration;  // empty: until the process ends
    std::string seed;      // empty: any
    std::string as = "default";
    std::string thread;  // glob
    std::string in;      // calls
    std::string timeout = "0.1";
    bool json = false;
};
Status storm_command(const StormOptions& options);

struct WatchOptions {
    std::string pid;  // empty: the list of processes
    std::string interval = "1";
    bool once = false;
};
Status watch_command(const WatchOptions& options);

struct PsOptions {
    bool all = false;  // every user's
    bool json = false;
};
Status ps_command(const PsOptions& options);

struct RunOptions {
    bool no_follow = false;
    std::vector<std::string> on;      // SIGNAL=WHOM
    std::vector<std::string> inject;  // rules
    std::vector<std::string> program;
};
Status run_command(const RunOptions& options);

struct SweepOptions {
    std::vector<std::string> program;
    std::vector<std::string> as;      // outcomes; empty: default
    std::vector<std::string> in;      // calls, patterns; empty: all
    std::vector<std::string> ignore;  // regular expressions for parts of lines
    int per_site = 3;
    std::string timeout;    // seconds a run; empty: by the undisturbed run
    std::string until;      // text of the output, or seconds: ends the program
    std::string input;      // file for standard input; empty: none
    std::string directory;  // where the results are kept; empty: nowhere
    bool resume = false;
    int jobs = 0;  // 0: one for each processor
    int only = 0;  // a point's number; 0: all
    bool list = false;
    std::string junit;  // file
    bool json = false;
};
Status sweep_command(const SweepOptions& options);

struct DoctorOptions {
    std::string subject;  // process id, program, or empty: the system
    bool json = false;
};
Status doctor_command(const DoctorOptions& options);

struct ServeOptions {
    std::string socket;  // path; empty: where servers are looked for
    std::string max_clients = "256";
};
Status serve_command(const ServeOptions& options);

// --- what several of them read ---

// A process or thread id. Throws Failure(usage), which calls it `what`.
pid_t parse_id(const std::string& word, const char* what);

// A number from 1. Throws Failure(usage), which says of what.
size_t parse_count(const std::string& word, const char* what);

// Seconds, with fractions, as ns. Throws Failure(usage).
uint64_t parse_timeout(const std::string& word);

}  // namespace interrupt::control
