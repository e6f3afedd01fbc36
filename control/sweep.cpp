#include "control/sweep.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>
#include <memory>

#include "control/failure.h"
#include "control/process.h"
#include "control/signal_name.h"

namespace interrupt::control {
namespace {

void pause_for_a_moment() {
    const timespec moment{0, 2'000'000};
    ::nanosleep(&moment, nullptr);
}

std::string quoted_line(const std::vector<std::string>& lines, size_t index) {
    constexpr size_t longest = 80;
    if (index >= lines.size()) {
        return "nothing";
    }
    const std::string line = printable(lines[index]);
    return text('`', line.substr(0, longest), line.size() > longest ? "...`" : "`");
}

SweepResult by_status(const RunEnd& undisturbed, const RunEnd& end) {
    using Word = SweepResult::Word;
    switch (end.how) {
        case HowEnded::hung:
            return {Word::hung, end.where};
        case HowEnded::spun:
            return {Word::spun, end.where};
        case HowEnded::killed:
            if (undisturbed.how != HowEnded::killed || undisturbed.number != end.number) {
                return {Word::crashed, text("ended by ", signal_name(end.number))};
            }
            break;
        case HowEnded::exited:
            if (undisturbed.how == HowEnded::until) {
                return {Word::status, text("ended by itself, with status ", end.number)};
            }
            if (undisturbed.how == HowEnded::killed) {
                return {Word::status,
                        text("ended with status ", end.number, ", undisturbed by ", signal_name(undisturbed.number))};
            }
            if (undisturbed.number != end.number) {
                return {Word::status,
                        text("ended with status ", end.number, ", undisturbed with ", undisturbed.number)};
            }
            break;
        case HowEnded::until:
            break;
    }
    return {};
}

}  // namespace

const char* word_of(SweepResult::Word word) {
    switch (word) {
        case SweepResult::Word::same:
            return "same";
        case SweepResult::Word::not_reached:
            return "not reached";
        case SweepResult::Word::not_acted:
            return "not acted";
        case SweepResult::Word::hung:
            return "hung";
        case SweepResult::Word::spun:
            return "spun";
        case SweepResult::Word::crashed:
            return "crashed";
        case SweepResult::Word::status:
            return "status";
        case SweepResult::Word::output:
            return "output";
        case SweepResult::Word::errors:
            return "errors";
    }
    return "";
}

void Comparison::Free::operator()(regex_t* expression) const {
    ::regfree(expression);
    delete expression;
}

Comparison::Comparison(const std::vector<std::string>& ignored) {
    for (const std::string& expression : ignored) {
        auto compiled = std::make_unique<regex_t>();
        if (const int error = ::regcomp(compiled.get(), expression.c_str(), REG_EXTENDED); error != 0) {
            char reason[128];
            ::regerror(error, compiled.get(), reason, sizeof reason);
            throw Failure(Status::usage,
                          text("--ignore `", printable(expression), "` is no regular expression: ", reason, "."));
        }
        ignored_.emplace_back(compiled.release());
    }
}

std::string Comparison::without_ignored(std::string line) const {
    for (const auto& expression : ignored_) {
        std::string kept;
        size_t at = 0;
        while (at < line.size()) {
            regmatch_t match{static_cast<regoff_t>(at), static_cast<regoff_t>(line.size())};
            if (::regexec(expression.get(), line.c_str(), 1, &match, REG_STARTEND | (at > 0 ? REG_NOTBOL : 0)) != 0) {
                break;
            }
            const auto begin = static_cast<size_t>(match.rm_so);
            const auto end = static_cast<size_t>(match.rm_eo);
            kept.append(line, at, begin - at);
            if (begin == end && begin < line.size()) {
                kept += line[begin];
            }
            at = begin == end ? end + 1 : end;
        }
        line = at < line.size() ? kept + line.substr(at) : kept;
    }
    return line;
}

std::vector<std::string> Comparison::lines(const std::string& output) const {
    std::vector<std::string> lines;
    std::string_view rest = output;
    while (!rest.empty()) {
        const size_t length = std::min(rest.find('\n'), rest.size());
        std::string line(rest.substr(0, length));
        rest.remove_prefix(std::min(length + 1, rest.size()));
        lines.push_back(without_ignored(std::move(line)));
    }
    if (!output.empty() && output.back() != '\n') {
        lines.emplace_back("(no newline at the end)");
    }
    return lines;
}

std::string Comparison::first_difference(const std::string& expected, const std::string& found) const {
    if (expected == found) {
        return "";
    }
    const std::vector<std::string> before = lines(expected);
    const std::vector<std::string> after = lines(found);
    const auto difference = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
    const auto line = static_cast<size_t>(difference.first - before.begin());
    if (line == before.size() && line == after.size()) {
        return "";
    }
    return text("line ", line + 1, ": ", quoted_line(after, line), ", undisturbed ", quoted_line(before, line));
}

SweepResult Comparison::compare(const RunEnd& undisturbed, const RunEnd& end) const {
    if (SweepResult result = by_status(undisturbed, end); result.is_finding()) {
        if (!end.err.empty() && (end.how == HowEnded::exited || end.how == HowEnded::killed)) {
            const std::string said = first_difference(undisturbed.err, end.err);
            result.detail += said.empty() ? "" : "; errors " + said;
        }
        return result;
    }
    const std::string errors = first_difference(undisturbed.err, end.err);
    if (const std::string difference = first_difference(undisturbed.out, end.out); !difference.empty()) {
        // Whether it said that something is missing is what a reader asks first.
        return {SweepResult::Word::output, errors.empty() ? difference : text(difference, "; errors ", errors)};
    }
    if (!errors.empty()) {
        return {SweepResult::Word::errors, errors};
    }
    return {};
}

RunEnd run_undisturbed(const RunConditions& conditions, std::vector<SweepPoint>& points, uint32_t& points_lost,
                       const Stop& stop) {
    SweepRun run(conditions, 0, nullptr);
    for (;;) {
        if (stop()) {
            throw Stopped();
        }
        if (std::optional<RunEnd> end = run.look()) {
            if (run.file().images[0].state.load() != RunName::ready) {
                throw Failure(Status::not_under_shim,
                              text("nothing of the program was under the shim. `interruptctl doctor ",
                                   printable(conditions.launch->words.front()), "` may say why."));
            }
            points = points_of(run.file());
            points_lost = run.file().points_lost.load(std::memory_order_relaxed);
            return std::move(*end);
        }
        pause_for_a_moment();
    }
}

void run_cases(const RunConditions& conditions, const std::vector<SweepPoint>& points,
               const std::vector<SweepCase>& cases, const std::vector<size_t>& indexes, const RunEnd& undisturbed,
               const Comparison& comparison, size_t jobs, const Stop& stop,
               const std::function<void(size_t index, const SweepResult& result)>& done) {
    struct Running {
        size_t index;
        std::unique_ptr<SweepRun> run;
    };
    std::vector<Running> running;
    size_t next = 0;
    while (next < indexes.size() || !running.empty()) {
        if (stop()) {
            throw Stopped();
        }
        while (next < indexes.size() && running.size() < jobs) {
            const size_t index = indexes[next++];
            const SweepCase& chosen = cases[index];
            RunTarget target{};
            target.key = points[chosen.point].key;
            target.number = chosen.number;
            target.outcome = chosen.wanted.outcome;
            target.error = chosen.wanted.error;
            running.push_back({index, std::make_unique<SweepRun>(conditions, static_cast<int>(index) + 1, &target)});
        }
        for (auto at = running.begin(); at != running.end();) {
            const std::optional<RunEnd> end = at->run->look();
            if (!end) {
                ++at;
                continue;
            }
            const RunTarget& target = at->run->file().target;
            SweepResult result = comparison.compare(undisturbed, *end);
            const bool reached = target.reached.load(std::memory_order_relaxed) != 0;
            const bool ended_badly = result.word == SweepResult::Word::hung || result.word == SweepResult::Word::spun ||
                                     result.word == SweepResult::Word::crashed;
            if (!reached && ended_badly) {
                result.detail += ", before it came to the point";
            } else if (!reached) {
                result.word = SweepResult::Word::not_reached;
            } else if (target.acted.load(std::memory_order_relaxed) == 0) {
                result.word = SweepResult::Word::not_acted;
            }
            done(at->index, result);
            at = running.erase(at);
        }
        pause_for_a_moment();
    }
}

}  // namespace interrupt::control
