// interruptctl doctor: which of the three examinations is meant, the one of a program, and how findings are told.
#include "control/doctor.h"

#include <algorithm>
#include <iostream>

#include "control/commands.h"
#include "control/launcher.h"
#include "control/program_file.h"

namespace interrupt::control {
namespace {

std::string plain(const Json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (value.is_null() || (value.is_array() && value.empty())) {
        return "-";
    }
    if (value.is_boolean()) {
        return value.get<bool>() ? "yes" : "no";
    }
    if (value.is_array() || value.is_object()) {
        std::string list;
        for (const auto& [key, element] : value.items()) {
            list += (list.empty() ? "" : ", ") + (value.is_object() ? key + " " : std::string()) + plain(element);
        }
        return list;
    }
    return value.dump();
}

bool all_digits(const std::string& word) {
    return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

void Findings::fact(const std::string& name, const std::string& title, const Json& value) {
    facts_.push_back({name, title, value});
}

void Findings::problem(const std::string& sentence) {
    problems_.push_back(sentence);
}

void Findings::note(const std::string& sentence) {
    notes_.push_back(sentence);
}

Status Findings::report(const std::string& subject, const std::string& good, const std::string& bad, bool json) const {
    const Status status = problems_.empty() ? Status::done : Status::not_under_shim;
    const std::string verdict =
        problems_.empty() ? text(subject, " ", good, ".") : text(subject, " ", bad, ": ", problems_.front());
    if (json) {
        Json facts = Json::object();
        for (const Fact& fact : facts_) {
            facts[fact.name] = fact.value;
        }
        print_json({{"verdict", verdict},
                    {"ok", problems_.empty()},
                    {"problems", problems_},
                    {"notes", notes_},
                    {"facts", std::move(facts)}});
        return status;
    }
    print_line(verdict);
    for (size_t i = 1; i < problems_.size(); ++i) {
        print_line(text("Also: ", problems_[i]));
    }
    for (const std::string& note : notes_) {
        print_line(text("Note: ", note));
    }
    size_t width = 0;
    for (const Fact& fact : facts_) {
        width = std::max(width, fact.title.size());
    }
    for (const Fact& fact : facts_) {
        print_line(text("  ", fact.title, std::string(width - fact.title.size() + 2, ' '), plain(fact.value)));
    }
    return status;
}

void examine_program(const std::string& name, Findings& findings) {
    const std::string library = find_library();
    ProgramFile program;
    try {
        check_preloadable(library);
        program = check_program(name);
    } catch (const Failure& failure) {
        if (failure.status() != Status::not_under_shim) {
            throw;
        }
        findings.problem(failure.what());
        return;
    }
    findings.fact("program", "program", program.path);
    findings.fact("interpreters", "interpreters", program.interpreters);
    findings.fact("made_for", "made for", program.elf.made_for);
    findings.fact("dynamic_linker", "dynamic linker", program.elf.interpreter);
    findings.fact("python", "CPython", program.elf.python);
    findings.fact("library", "library", library);
    if (program.elf.python) {
        findings.note(
            "it is or embeds CPython: once it has started, `interruptctl doctor PID` says whether its threads "
            "raise ThreadInterrupted, or whether their calls end with an errno as in any other program.");
    } else {
        findings.note(
            "interrupted calls return what a libc call may return, EINTR unless asked otherwise; system calls that "
            "it makes without libc cannot be interrupted.");
    }
}

Status doctor_command(const DoctorOptions& options) {
    Findings findings;
    if (options.subject.empty()) {
        examine_system(findings);
        return findings.report("a program that is started here", "can be interrupted", "cannot be interrupted",
                               options.json);
    }
    if (all_digits(options.subject)) {
        const pid_t pid = parse_id(options.subject, "process");
        examine_process(pid, findings);
        return findings.report(text("process ", pid), "can be interrupted", "cannot be interrupted", options.json);
    }
    examine_program(options.subject, findings);
    return findings.report(text("`", printable(options.subject), "`"), "can be started under the shim",
                           "cannot be started under the shim", options.json);
}

}  // namespace interrupt::control
