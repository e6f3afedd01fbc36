// interruptctl sweep: what is to be run, and what is kept of it.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

#include "control/commands.h"
#include "control/name_pattern.h"
#include "control/sweep_report.h"

namespace interrupt::control {
namespace {

constexpr uint64_t second_ns = 1'000'000'000;

volatile std::sig_atomic_t told_to_stop = 0;

// Splits at commas; empty: everything.
bool is_chosen(const std::vector<std::string>& patterns, Call call) {
    return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [call](const std::string& pattern) {
               return matches(pattern, traits(call).name);
           });
}

std::vector<std::string> split_all(const std::vector<std::string>& lists) {
    std::vector<std::string> words;
    for (const std::string& list : lists) {
        std::string_view rest = list;
        while (!rest.empty()) {
            const size_t length = std::min(rest.find(','), rest.size());
            words.emplace_back(rest.substr(0, length));
            rest.remove_prefix(std::min(length + 1, rest.size()));
        }
    }
    return words;
}

std::vector<WantedOutcome> outcomes_of(const SweepOptions& options) {
    std::vector<WantedOutcome> outcomes;
    for (const std::string& word : split_all(options.as)) {
        const WantedOutcome wanted = parse_outcome(word);
        if (wanted.signal != 0 || wanted.outcome == Outcome::exception) {
            throw Failure(Status::usage, text("a sweep cannot end calls with `", printable(word),
                                              "`; there are default, errno:NAME, timeout, eof and cancel."));
        }
        outcomes.push_back(wanted);
    }
    if (outcomes.empty()) {
        outcomes.push_back({});
    }
    return outcomes;
}

void check_calls(const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) {
        bool known = false;
        for (size_t i = 1; i < static_cast<size_t>(Call::count); ++i) {
            known = known || matches(pattern, call_traits[i].name);
        }
        if (!known) {
            parse_call(pattern);
        }
    }
}

// `until` is seconds if it is a number.
void read_until(const std::string& until, RunConditions& conditions) {
    if (until.empty()) {
        return;
    }
    if (until.find_first_not_of("0123456789.") == until.npos) {
        conditions.until_time = parse_timeout(until);
    } else {
        conditions.until_text = until;
    }
}

std::vector<SweepCase> cases_of(const std::vector<SweepPoint>& points, const std::vector<WantedOutcome>& outcomes,
                                const std::vector<std::string>& calls, uint32_t per_site) {
    std::vector<SweepCase> cases;
    for (size_t i = 0; i < points.size(); ++i) {
        for (uint32_t number = 1; number <= std::min(points[i].times, per_site); ++number) {
            for (const WantedOutcome& wanted : outcomes) {
                const bool possible = can_have(points[i].call, wanted.outcome) &&
                                      (wanted.outcome != Outcome::timeout || points[i].limited);
                if (possible && is_chosen(calls, points[i].call)) {
                    cases.push_back({i, number, wanted});
                }
            }
        }
    }
    return cases;
}

// What makes a run the same in two sweeps of one command.
std::string identity(const Sweep& sweep, const SweepCase& chosen) {
    return text(sweep.points[chosen.point].key, ' ', chosen.number, ' ',
                outcome_name(chosen.wanted.outcome, chosen.wanted.error));
}

// The results of a sweep in a directory, one line of JSON for each run, so that it can go on after it was stopped.
class Kept {
public:
    Kept(const std::string& directory, bool resume, Sweep& sweep) : path_(directory + "/results") {
        if (directory.empty()) {
            if (resume) {
                throw Failure(Status::usage, "--resume goes with --output DIR, where the results are.");
            }
            return;
        }
        ::mkdir(directory.c_str(), 0777);
        if (std::ifstream before(path_); before) {
            if (!resume) {
                throw Failure(Status::usage, text("`", printable(path_),
                                                  "` has the results of a sweep. Go on with "
                                                  "that by --resume, or remove it."));
            }
            read(before, sweep);
        }
        file_.open(path_, std::ios::app);
        if (!file_) {
            throw Failure(Status::not_permitted,
                          text("`", printable(path_), "` cannot be written: ", std::strerror(errno), "."));
        }
        if (file_.tellp() == 0) {
            write({{"command", sweep.command}});
        } else if (!ends_with_newline()) {
            file_ << '\n';
        }
    }

    void add(const Sweep& sweep, size_t index) {
        if (!file_.is_open()) {
            return;
        }
        const SweepResult& result = *sweep.results[index];
        write({{"case", identity(sweep, sweep.cases[index])},
               {"word", static_cast<int>(result.word)},
               {"detail", printable(result.detail)}});
    }

private:
    static std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

    void write(const Json& json) {
        file_ << line_of(json) << '\n' << std::flush;
        if (!file_) {
            throw Failure(Status::not_permitted, text("`", printable(path_), "` could not be written."));
        }
    }

    bool ends_with_newline() const {
        std::ifstream before(path_);
        before.seekg(-1, std::ios::end);
        return before.get() == '\n';
    }

    // A last line that was cut short is as if it were not there.
    void read(std::ifstream& before, Sweep& sweep) {
        std::map<std::string, SweepResult> known;
        std::string line;
        std::getline(before, line);
        if (line != line_of({{"command", sweep.command}})) {
            throw Failure(Status::usage,
                          text("the results in `", printable(path_), "` are those of another command, or damaged."));
        }
        while (std::getline(before, line)) {
            const Json entry = Json::parse(line, nullptr, false);
            const bool whole = entry.is_object() && entry.contains("case") && entry["case"].is_string() &&
                               entry.contains("word") && entry["word"].is_number_unsigned() &&
                               entry["word"] <= static_cast<int>(SweepResult::Word::errors) &&
                               entry.contains("detail") && entry["detail"].is_string();
            if (whole) {
                known[entry["case"]] = {static_cast<SweepResult::Word>(entry["word"].get<int>()), entry["detail"]};
            }
        }
        for (size_t i = 0; i < sweep.cases.size(); ++i) {
            if (const auto found = known.find(identity(sweep, sweep.cases[i])); found != known.end()) {
                sweep.results[i] = found->second;
            }
        }
    }

    std::string path_;
    std::ofstream file_;
};

void check_same_twice(const Comparison& comparison, const RunEnd& once, const RunEnd& again) {
    const SweepResult difference = comparison.compare(once, again);
    if (difference.is_finding()) {
        throw Failure(Status::usage,
                      text("the program does not do the same twice, even undisturbed: ", word_of(difference.word), ": ",
                           difference.detail, ". Leave out what changes by itself, by --ignore REGEX."));
    }
}

// How many points two undisturbed runs did not both come to as often.
size_t unsteady(const std::vector<SweepPoint>& once, const std::vector<SweepPoint>& again) {
    std::map<uint64_t, std::pair<uint32_t, uint32_t>> times;
    for (const SweepPoint& point : once) {
        times[point.key].first = point.times;
    }
    for (const SweepPoint& point : again) {
        times[point.key].second = point.times;
    }
    return static_cast<size_t>(std::count_if(
        times.begin(), times.end(), [](const auto& point) { return point.second.first != point.second.second; }));
}

}  // namespace

Status sweep_command(const SweepOptions& options) {
    const Comparison comparison(options.ignore);
    const std::vector<WantedOutcome> outcomes = outcomes_of(options);
    const std::vector<std::string> calls = split_all(options.in);
    check_calls(calls);
    if (options.per_site < 1) {
        throw Failure(Status::usage, "--per-site is to be a number above 0.");
    }
    if (!options.input.empty() && ::access(options.input.c_str(), R_OK) != 0) {
        throw Failure(Status::not_found,
                      text("`", printable(options.input), "` cannot be read: ", std::strerror(errno), "."));
    }
    const Launch launch = prepare_launch(options.program);
    RunConditions conditions;
    conditions.launch = &launch;
    conditions.input = options.input;
    read_until(options.until, conditions);
    conditions.limit = options.timeout.empty() ? 60 * second_ns : parse_timeout(options.timeout);

    struct sigaction stopping = {};
    stopping.sa_handler = [](int) { told_to_stop = 1; };
    ::sigaction(SIGINT, &stopping, nullptr);
    ::sigaction(SIGTERM, &stopping, nullptr);

    const Stop stop = [] { return told_to_stop != 0; };
    Sweep sweep;
    sweep.command = options.program;
    try {
        sweep.undisturbed = run_undisturbed(conditions, sweep.points, sweep.points_lost, stop);
        if (sweep.undisturbed.how == HowEnded::hung || sweep.undisturbed.how == HowEnded::spun) {
            throw Failure(
                Status::not_delivered,
                text("undisturbed, the program has not ended within ", duration_text(conditions.limit), ": ",
                     sweep.undisturbed.where, ". End it by --until TEXT|SECONDS, or give it more by --timeout S."));
        }
        std::vector<SweepPoint> again;
        uint32_t lost_again = 0;
        check_same_twice(comparison, sweep.undisturbed, run_undisturbed(conditions, again, lost_again, stop));
        sweep.unsteady_points = unsteady(sweep.points, again);
    } catch (const Stopped&) {
        throw Failure(Status::not_delivered, "stopped before the end.");
    }
    if (options.list) {
        options.json ? print_json(sweep_json(sweep)) : print_points(sweep);
        return Status::done;
    }
    if (options.timeout.empty()) {
        conditions.limit = 5 * second_ns + 5 * sweep.undisturbed.duration;
    }
    sweep.cases = cases_of(sweep.points, outcomes, calls, static_cast<uint32_t>(options.per_site));
    sweep.results.resize(sweep.cases.size());
    if (options.only != 0 && (options.only < 0 || static_cast<size_t>(options.only) > sweep.cases.size())) {
        throw Failure(Status::not_found,
                      text("there is no run ", options.only, "; there are ", sweep.cases.size(), "."));
    }
    if (!options.junit.empty() && !std::ofstream(options.junit, std::ios::app)) {
        throw Failure(Status::not_permitted,
                      text("`", printable(options.junit), "` cannot be written: ", std::strerror(errno), "."));
    }
    Kept kept(options.directory, options.resume, sweep);

    std::vector<size_t> to_run;
    for (size_t i = 0; i < sweep.cases.size(); ++i) {
        if (!sweep.results[i] && (options.only == 0 || options.only == static_cast<int>(i) + 1)) {
            to_run.push_back(i);
        }
    }
    const size_t processors = std::max(1u, std::thread::hardware_concurrency());
    const size_t jobs = options.jobs > 0 ? static_cast<size_t>(options.jobs) : processors;
    size_t done = 0;
    size_t findings = 0;
    bool stopped = false;
    {
        Progress progress(to_run.size());
        progress.show(0, 0);
        try {
            run_cases(conditions, sweep.points, sweep.cases, to_run, sweep.undisturbed, comparison, jobs, stop,
                      [&](size_t index, const SweepResult& result) {
                          sweep.results[index] = result;
                          kept.add(sweep, index);
                          findings += result.is_finding();
                          progress.show(++done, findings);
                      });
        } catch (const Stopped&) {
            stopped = true;
        }
    }
    options.json ? print_json(sweep_json(sweep)) : print_findings(sweep);
    std::cout << std::flush;
    if (!options.junit.empty()) {
        write_junit(sweep, options.junit);
    }
    if (stopped) {
        throw Failure(Status::not_delivered, options.directory.empty()
                                                 ? "stopped before the end; with --output DIR a sweep can go on later."
                                                 : text("stopped before the end. It goes on by --output ",
                                                        printable(options.directory), " --resume."));
    }
    const bool found = std::any_of(sweep.results.begin(), sweep.results.end(),
                                   [](const auto& result) { return result && result->is_finding(); });
    return found ? Status::found : Status::done;
}

}  // namespace interrupt::control
