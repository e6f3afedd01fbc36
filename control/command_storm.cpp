// interruptctl storm: what the words ask for, and the report.

#include <cmath>
#include <iostream>
#include <random>

#include "control/commands.h"
#include "control/report.h"
#include "control/storm.h"

namespace interrupt::control {
namespace {

double parse_rate(std::string word) {
    if (word.ends_with("/s")) {
        word.resize(word.size() - 2);
    }
    char* end = nullptr;
    const double rate = std::strtod(word.c_str(), &end);
    if (word.empty() || *end != '\0' || !std::isfinite(rate) || rate < 0.001 || rate > 1e6) {
        throw Failure(Status::usage,
                      text("`", printable(word), "` is no number of requests a second (0.001 to 1000000)."));
    }
    return rate;
}

uint64_t parse_seed(const std::string& word) {
    if (word.empty()) {
        return std::random_device()();
    }
    const auto number = parse_number(word);
    if (!number || *number < 0) {
        throw Failure(Status::usage, text("`", printable(word), "` is no seed, a number from 0 to 2^63-1."));
    }
    return static_cast<uint64_t>(*number);
}

StormPlan plan_of(const StormOptions& options) {
    StormPlan plan;
    plan.rate = parse_rate(options.rate);
    plan.seed = parse_seed(options.seed);
    plan.timeout = parse_timeout(options.timeout);
    if (plan.timeout == 0) {
        throw Failure(Status::usage, "with --timeout 0 nothing could be delivered.");
    }
    if (!options.duration.empty()) {
        plan.duration = parse_timeout(options.duration);
        if (plan.duration == 0) {
            throw Failure(Status::usage, "--for 0 is no storm.");
        }
    }
    plan.name = options.thread;
    plan.anywhere = options.in.empty();
    plan.calls = plan.anywhere ? std::vector<Call>() : parse_calls(options.in);
    std::string_view words = options.as;
    for (size_t end = 0; end != words.npos; words.remove_prefix(std::min(end + 1, words.size()))) {
        end = words.find(',');
        plan.outcomes.emplace_back(words.substr(0, end));
        plan.wanted.push_back(parse_outcome(plan.outcomes.back()));
        if (plan.wanted.back().signal != 0) {
            throw Failure(Status::usage, "a storm makes requests, and signal:NAME is none: it could not be withdrawn.");
        }
        for (const Call call : plan.calls) {
            if (!can_have(call, plan.wanted.back().outcome)) {
                throw Failure(Status::usage,
                              text("`", call_name(call), "` cannot end with `", plan.outcomes.back(), "`."));
            }
        }
    }
    return plan;
}

Json latency_json(Latencies& latencies) {
    const auto us = [&](double part) {
        return latencies.ns.empty() ? Json(nullptr) : Json(static_cast<double>(latencies.at(part)) / 1000);
    };
    return {{"median", us(0.5)}, {"p99", us(0.99)}, {"max", us(1)}};
}

size_t results(const StormReport& report, const char* word) {
    const auto found = report.results.find(word);
    return found == report.results.end() ? 0 : found->second;
}

void print_report_json(pid_t pid, const StormPlan& plan, StormReport& report) {
    static constexpr const char* ends[] = {"time", "signal", "process"};
    Json calls = Json::object();
    for (auto& [call, latencies] : report.calls) {
        calls[call] = {{"delivered", latencies.ns.size()}, {"latency_us", latency_json(latencies)}};
    }
    Json json{{"pid", pid},
              {"seed", plan.seed},
              {"end", ends[static_cast<size_t>(report.end)]},
              {"seconds", report.seconds},
              {"rate", plan.rate},
              {"due", report.chosen},
              {"requests", report.requests},
              {"busy", report.busy},
              {"elsewhere", report.elsewhere},
              {"nobody", report.nobody}};
    for (const char* word : {"delivered", "withdrawn", "refused", "ended", "cleared", "replaced"}) {
        json[word] = results(report, word);
    }
    json["on_its_way"] = results(report, "on its way");
    json["latency_us"] = latency_json(report.latencies);
    json["calls"] = std::move(calls);
    json["outcomes"] = report.outcomes;
    json["reasons"] = report.reasons;
    print_json(json);
}

void print_report(const StormPlan& plan, StormReport& report) {
    std::cout << report.requests << " requests in " << duration_text(static_cast<uint64_t>(report.seconds * 1e9))
              << ", seed " << plan.seed << '\n';
    std::string words;
    for (const auto& [word, count] : report.results) {
        words += text(words.empty() ? "" : ", ", count, " ", word);
    }
    const std::pair<size_t, const char*> not_made[] = {{report.busy, "still had one pending"},
                                                       {report.elsewhere, "had gone elsewhere"},
                                                       {report.nobody, "met no thread"}};
    for (const auto& [count, why] : not_made) {
        words += count == 0 ? "" : text(words.empty() ? "" : ", ", count, " not made (", why, ")");
    }
    print_line(words.empty() ? "nothing was due" : words);
    if (!report.latencies.ns.empty()) {
        Columns columns({"CALL", "DELIVERED", "MEDIAN", "P99", "MAX"});
        const auto row = [&](const std::string& name, Latencies& latencies) {
            columns.row({name, std::to_string(latencies.ns.size()), latency_text(latencies.at(0.5)),
                         latency_text(latencies.at(0.99)), latency_text(latencies.at(1))});
        };
        for (auto& [call, latencies] : report.calls) {
            row(call, latencies);
        }
        row("all", report.latencies);
        columns.print();
    }
    for (const auto& [reason, count] : report.reasons) {
        print_line(text(count, " not delivered: ", reason));
    }
}

}  // namespace

Status storm_command(const StormOptions& options) {
    const StormPlan plan = plan_of(options);
    const pid_t pid = parse_id(options.pid, "process");
    const Process process(pid);
    TableFile table(process);
    StormReport report = storm(process, table, plan);
    if (options.json) {
        print_report_json(pid, plan, report);
    } else {
        print_report(plan, report);
    }
    // Without a time of its own a storm lasts as long as the process.
    if (report.end == StormReport::End::process && (plan.duration != 0 || report.status != Status::not_found)) {
        throw Failure(report.status, report.why);
    }
    return Status::done;
}

}  // namespace interrupt::control
