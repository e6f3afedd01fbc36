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

Comparison::Comparison(const std::vector<std::string>& ignored) {
    for (const std::string& expression : ignored) {
        try {
            ignored_.emplace_back(expression, std::regex::ECMAScript | std::regex::optimize);
        } catch (const std::regex_error& error) {
            throw Failure(Status::usage,
                          text("--ignore `", printable(expression), "` is no regular expression: ", error.what(), "."));
        }
    }
}

std::vector<std::string> Comparison::lines(const std::string& output) const {
    std::vector<std::string> lines;
    std::string_view rest = output;
    while (!rest.empty()) {
        const size_t length = std::min(rest.find('\n'), rest.size());
        std::string line(rest.substr(0, length));
        rest.remove_prefix(std::min(length + 1, rest.size()));
        for (const std::regex& expression : ignored_) {
            line = std::regex_replace(line, expression, "");
        }
        lines.push_back(std::move(line));
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
    if (const std::string difference = first_difference(undisturbed.out, end.out); !difference.empty()) {
        return {SweepResult::Word::output, difference};
    }
    if (const std::string difference = first_difference(undisturbed.err, end.err); !difference.empty()) {
        return {SweepResult::Word::errors, difference};
    }
    return {};
}

RunEnd run_undisturbed(const RunConditions& conditions, std::vector<SweepPoint>& points, uint32_t& points_lost) {
    SweepRun run(conditions, 0, nullptr);
    for (;;) {
        if (std::optional<RunEnd> end = run.look()) {
            points = points_of(run.file());
            points_lost = run.file().points_lost.load(std::memory_order_relaxed);
            return std::move(*end);
        }
        pause_for_a_moment();
    }
}

void run_cases(const RunConditions& conditions, const std::vector<SweepPoint>& points,
               const std::vector<SweepCase>& cases, const std::vector<size_t>& indexes, const RunEnd& undisturbed,
               const Comparison& comparison, size_t jobs,
               const std::function<void(size_t index, const SweepResult& result)>& done) {
    struct Running {
        size_t index;
        std::unique_ptr<SweepRun> run;
    };
    std::vector<Running> running;
    size_t next = 0;
    while (next < indexes.size() || !running.empty()) {
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
            if (target.reached.load(std::memory_order_relaxed) == 0) {
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
