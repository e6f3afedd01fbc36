// interruptctl threads, wait and clear; and the words that several commands read.

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iostream>

#include "control/chosen_threads.h"
#include "control/commands.h"
#include "control/report.h"

namespace interrupt::control {
namespace {

constexpr uint64_t millisecond = 1'000'000;

// Whether the thread really waits in the call: the same wait before and after the kernel showed it asleep.
std::optional<ThreadView> waits_in(const Process& process, const TableFile& table, pid_t tid, Call call) {
    const auto thread = observe(process, table, tid);
    if (!thread || !thread->blocked() || thread->record->state.call() != call || !thread->kernel.sleeping()) {
        return std::nullopt;
    }
    const auto again = observe(process, table, tid);
    if (!again || !again->record || again->record->state.word != thread->record->state.word) {
        return std::nullopt;
    }
    return thread;
}

}  // namespace

pid_t parse_id(const std::string& word, const char* what) {
    const auto number = parse_number(word);
    if (!number || *number <= 0 || *number > INT32_MAX) {
        throw Failure(Status::usage, text("`", printable(word), "` is no ", what, " id."));
    }
    return static_cast<pid_t>(*number);
}

uint64_t parse_timeout(const std::string& word) {
    constexpr double most = 1e9;  // seconds; some 30 years
    char* end = nullptr;
    const double seconds = std::strtod(word.c_str(), &end);
    if (word.empty() || *end != '\0' || !std::isfinite(seconds) || seconds < 0 || seconds > most) {
        throw Failure(Status::usage, text("`", printable(word), "` is no number of seconds."));
    }
    return static_cast<uint64_t>(seconds * 1e9);
}

Status threads_command(const ThreadsOptions& options) {
    const Process process(parse_id(options.pid, "process"));
    const TableFile table(process);
    const auto threads = observe_all(process, table);
    if (options.json) {
        print_json(threads_json(process, table, threads));
    } else {
        print_threads(threads);
    }
    return Status::done;
}

Status wait_command(const WaitOptions& options) {
    const Call call = parse_call(options.in);
    const uint64_t timeout = parse_timeout(options.timeout);
    const pid_t pid = parse_id(options.pid, "process");
    const std::optional<pid_t> tid =
        options.tid.empty() ? std::nullopt : std::optional(parse_id(options.tid, "thread"));
    const Process process(pid);
    const TableFile table(process);
    if (tid && !process.task_stat(*tid)) {
        throw Failure(Status::not_found, text("process ", pid, " has no thread ", *tid, "."));
    }
    const uint64_t start = monotonic_now();
    for (uint64_t pause = millisecond / 10;; pause = std::min(pause * 2, 5 * millisecond)) {
        for (const pid_t candidate : tid ? std::vector{*tid} : process.tasks()) {
            if (const auto thread = waits_in(process, table, candidate, call)) {
                if (options.json) {
                    print_json(thread_json(*thread));
                } else {
                    std::cout << candidate << " in " << thread->call() << '\n';
                }
                return Status::done;
            }
        }
        if (!process.exists() || (tid && !process.task_stat(*tid))) {
            throw Failure(Status::not_found, text(tid ? text("thread ", *tid) : text("process ", pid), " has ended."));
        }
        if (!table.still_mapped()) {
            throw Failure(Status::not_under_shim, text("process ", pid, " has called exec since."));
        }
        if (monotonic_now() - start >= timeout) {
            throw Failure(Status::not_delivered,
                          text(tid ? text("thread ", *tid, " was not") : "no thread was", " blocked in ",
                               call_name(call), " within ", options.timeout, " s."));
        }
        const timespec moment{0, static_cast<long>(pause)};
        ::nanosleep(&moment, nullptr);
    }
}

Status clear_command(const ClearOptions& options) {
    const pid_t pid = parse_id(options.pid, "process");
    const pid_t tid = parse_id(options.tid, "thread");
    const Process process(pid);
    TableFile table(process);
    Clearing clearing(process, table, find_thread(process, table, tid));
    while (!clearing.step(monotonic_now())) {
        const timespec moment{0, static_cast<long>(millisecond)};
        ::nanosleep(&moment, nullptr);
    }
    const std::string& cleared = clearing.cleared();
    if (options.json) {
        print_json({{"pid", pid}, {"tid", tid}, {"cleared", cleared.empty() ? Json(nullptr) : Json(cleared)}});
    } else if (cleared.empty()) {
        std::cout << tid << " had nothing pending\n";
    } else {
        std::cout << tid << " cleared: " << cleared << '\n';
    }
    return Status::done;
}

}  // namespace interrupt::control
