// interruptctl threads, wait and clear; and the words that several commands read.

#include <cmath>
#include <ctime>
#include <iostream>

#include "control/chosen_threads.h"
#include "control/commands.h"
#include "control/report.h"
#include "control/wait_blocked.h"

namespace interrupt::control {

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

size_t parse_count(const std::string& word, const char* what) {
    const auto number = parse_number(word);
    if (!number || *number <= 0 || *number > 1'000'000'000) {
        throw Failure(Status::usage, text("`", printable(word), "` is no number of ", what, "."));
    }
    return static_cast<size_t>(*number);
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
    WantedWait wanted;
    wanted.calls = parse_calls(options.in);
    wanted.name = options.thread;
    wanted.count = options.count.empty() ? 1 : parse_count(options.count, "threads");
    const uint64_t timeout = parse_timeout(options.timeout);
    const pid_t pid = parse_id(options.pid, "process");
    if (!options.fd.empty()) {
        const auto number = parse_number(options.fd);
        if (!number || *number < 0 || *number > INT32_MAX) {
            throw Failure(Status::usage, text("`", printable(options.fd), "` is no descriptor."));
        }
        wanted.descriptor = static_cast<int>(*number);
    }
    if (!options.tid.empty()) {
        wanted.tid = parse_id(options.tid, "thread");
    }
    check(wanted);
    const Process process(pid);
    const TableFile table(process);
    if (wanted.tid && !process.task_stat(*wanted.tid)) {
        throw Failure(Status::not_found, text("process ", pid, " has no thread ", *wanted.tid, "."));
    }
    const auto threads = wait_until_blocked(process, table, wanted, timeout);
    Json list = Json::array();
    for (const ThreadView& thread : threads) {
        if (options.json) {
            list.push_back(thread_json(thread));
        } else {
            std::cout << thread.id.here << " in " << thread.call() << '\n';
        }
    }
    if (options.json) {
        print_json(options.count.empty() ? list.front() : Json{{"pid", pid}, {"threads", std::move(list)}});
    }
    return Status::done;
}

Status clear_command(const ClearOptions& options) {
    const pid_t pid = parse_id(options.pid, "process");
    const pid_t tid = parse_id(options.tid, "thread");
    const Process process(pid);
    TableFile table(process);
    Clearing clearing(process, table, find_thread(process, table, tid));
    while (!clearing.step(monotonic_now())) {
        const timespec moment{0, 1'000'000};
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
