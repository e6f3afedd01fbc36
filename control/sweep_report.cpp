#include "control/sweep_report.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>

#include "control/call_site.h"
#include "control/failure.h"
#include "control/process.h"

namespace interrupt::control {
namespace {

std::string ordinal(uint32_t number) {
    const uint32_t last = number % 10;
    const bool teen = number / 10 % 10 == 1;
    return text(number, !teen && last == 1 ? "st" : !teen && last == 2 ? "nd" : !teen && last == 3 ? "rd" : "th");
}

std::string place_text(const SweepPoint& point) {
    const std::string symbol = symbol_of(point.module, point.offset);
    return symbol.empty() ? site_text(point.module, point.offset)
                          : text(site_text(point.module, point.offset), " (", symbol, ')');
}

std::string call_of(const SweepPoint& point) {
    return point.fd >= 0 ? call_text(point.call, static_cast<uint64_t>(point.fd)) : call_name(point.call);
}

Json point_json(const SweepPoint& point) {
    return {{"program", point.program},
            {"thread", point.thread},
            {"call", call_name(point.call)},
            {"fd", point.fd >= 0 ? Json(point.fd) : Json(nullptr)},
            {"module", point.module.empty() ? Json(nullptr) : Json(point.module)},
            {"offset", point.offset},
            {"site", site_text(point.module, point.offset)},
            {"symbol", symbol_of(point.module, point.offset)},
            {"times", point.times}};
}

std::string xml(std::string_view words) {
    std::string escaped;
    for (const char letter : words) {
        switch (letter) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            default:
                escaped += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
        }
    }
    return escaped;
}

size_t count(const Sweep& sweep, SweepResult::Word word) {
    return static_cast<size_t>(std::count_if(sweep.results.begin(), sweep.results.end(),
                                             [&](const auto& result) { return result && result->word == word; }));
}

size_t count_findings(const Sweep& sweep) {
    return static_cast<size_t>(std::count_if(sweep.results.begin(), sweep.results.end(),
                                             [](const auto& result) { return result && result->is_finding(); }));
}

}  // namespace

std::string case_text(const Sweep& sweep, const SweepCase& chosen) {
    const SweepPoint& point = sweep.points[chosen.point];
    return text(call_of(point), ", the ", ordinal(chosen.number), " time, ", point.program, " thread ", point.thread);
}

void print_points(const Sweep& sweep) {
    Columns columns({"POINT", "PROGRAM", "THREAD", "CALL", "TIMES", "SITE"});
    for (size_t i = 0; i < sweep.points.size(); ++i) {
        const SweepPoint& point = sweep.points[i];
        columns.row({text(i + 1), point.program, point.thread, call_of(point), text(point.times), place_text(point)});
    }
    columns.print();
}

void print_findings(const Sweep& sweep) {
    for (size_t i = 0; i < sweep.cases.size(); ++i) {
        if (!sweep.results[i] || !sweep.results[i]->is_finding()) {
            continue;
        }
        const SweepCase& chosen = sweep.cases[i];
        print_line(text(word_of(sweep.results[i]->word), "  run ", i + 1, ": ", case_text(sweep, chosen), ", as ",
                        outcome_name(chosen.wanted.outcome, chosen.wanted.error)));
        print_line(text("    at ", place_text(sweep.points[chosen.point])));
        if (!sweep.results[i]->detail.empty()) {
            print_line("    " + sweep.results[i]->detail);
        }
    }
    const size_t findings = count_findings(sweep);
    const size_t not_reached = count(sweep, SweepResult::Word::not_reached);
    const size_t not_acted = count(sweep, SweepResult::Word::not_acted);
    print_line(text(sweep.points.size(), " points, ", sweep.cases.size(), " runs: ", findings, " findings, ",
                    count(sweep, SweepResult::Word::same), " the same",
                    not_reached != 0 ? text(", ", not_reached, " not reached") : "",
                    not_acted != 0 ? text(", ", not_acted, " where it could not act") : "", '.'));
    if (sweep.points.empty()) {
        print_line("The program came to no call that can wait.");
    }
    if (sweep.unsteady_points != 0) {
        print_line(text(sweep.unsteady_points, sweep.unsteady_points == 1 ? " point was" : " points were",
                        " not the same in two undisturbed runs: what happens there depends on the time."));
    }
    if (sweep.points_lost != 0) {
        print_line(text("The table of points was full: ", sweep.points_lost, " calls were not looked at."));
    }
}

Json sweep_json(const Sweep& sweep) {
    Json points = Json::array();
    for (const SweepPoint& point : sweep.points) {
        points.push_back(point_json(point));
    }
    Json runs = Json::array();
    for (size_t i = 0; i < sweep.cases.size(); ++i) {
        const SweepCase& chosen = sweep.cases[i];
        const auto& result = sweep.results[i];
        runs.push_back({{"run", i + 1},
                        {"point", chosen.point + 1},
                        {"time", chosen.number},
                        {"outcome", outcome_name(chosen.wanted.outcome, chosen.wanted.error)},
                        {"result", result ? Json(word_of(result->word)) : Json(nullptr)},
                        {"finding", result && result->is_finding()},
                        {"detail", result ? Json(printable(result->detail)) : Json(nullptr)}});
    }
    return {{"command", sweep.command},         {"points", std::move(points)},
            {"points_lost", sweep.points_lost}, {"unsteady_points", sweep.unsteady_points},
            {"runs", std::move(runs)},          {"findings", count_findings(sweep)}};
}

void write_junit(const Sweep& sweep, const std::string& path) {
    std::ofstream file(path);
    file << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"sweep of "
         << xml(printable(sweep.command.front())) << "\" tests=\"" << sweep.cases.size() << "\" failures=\""
         << count_findings(sweep) << "\" skipped=\""
         << count(sweep, SweepResult::Word::not_reached) + count(sweep, SweepResult::Word::not_acted) +
                static_cast<size_t>(std::count_if(sweep.results.begin(), sweep.results.end(),
                                                  [](const auto& result) { return !result; }))
         << "\">\n";
    for (size_t i = 0; i < sweep.cases.size(); ++i) {
        const SweepCase& chosen = sweep.cases[i];
        const SweepPoint& point = sweep.points[chosen.point];
        const auto& result = sweep.results[i];
        file << "    <testcase classname=\"" << xml(site_text(point.module, point.offset)) << "\" name=\""
             << xml(case_text(sweep, chosen)) << ", as "
             << xml(outcome_name(chosen.wanted.outcome, chosen.wanted.error)) << '"';
        if (!result) {
            file << ">\n      <skipped message=\"not run\"/>\n    </testcase>\n";
            continue;
        }
        if (result->word == SweepResult::Word::same) {
            file << "/>\n";
            continue;
        }
        const char* const element = result->is_finding() ? "failure" : "skipped";
        file << ">\n      <" << element << " message=\"" << word_of(result->word) << "\">"
             << xml(printable(result->detail)) << "</" << element << ">\n    </testcase>\n";
    }
    file << "  </testsuite>\n</testsuites>\n";
    file.close();
    if (!file) {
        throw Failure(Status::not_permitted,
                      text("`", printable(path), "` could not be written: ", std::strerror(errno), "."));
    }
}

Progress::Progress(size_t runs) : runs_(runs), shown_(::isatty(STDERR_FILENO) == 1), started_(monotonic_now()) {}

Progress::~Progress() {
    if (shown_) {
        std::cerr << "\r\033[K" << std::flush;
    }
}

void Progress::show(size_t done, size_t findings) {
    if (!shown_ || runs_ == 0) {
        return;
    }
    winsize window{};
    const size_t columns = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
    const uint64_t passed = monotonic_now() - started_;
    const std::string left = done == 0 ? "" : text(", ", duration_text(passed / done * (runs_ - done)), " left");
    const std::string words =
        text(' ', done, '/', runs_, ", ", findings, findings == 1 ? " finding" : " findings", left);
    const size_t room = columns > words.size() + 4 ? std::min<size_t>(columns - words.size() - 4, 40) : 0;
    const size_t full = room * done / runs_;
    const std::string bar = room == 0 ? "" : text('[', std::string(full, '#'), std::string(room - full, '.'), ']');
    std::cerr << '\r' << (bar + words).substr(0, columns - 1) << "\033[K" << std::flush;
}

}  // namespace interrupt::control
