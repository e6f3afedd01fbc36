#include "control/command_line.h"

#include <algorithm>
#include <iostream>

#include "control/names.h"
#include "control/process.h"

namespace interrupt::control {
namespace {

constexpr const char* about =
    "Interrupts threads that are blocked in a system call, in programs that run under libinterrupt.so.";

constexpr const char* statuses =
    "Exit status: 0 done; 1 a sweep has found something; 2 usage; 3 no such process, thread or program; 4 not under "
    "the shim, or cannot be;\n"
    "5 not delivered in time; 6 not permitted.";

bool is_public(const CLI::Option* option) {
    return !option->get_lnames().empty();
}

// Whether an option of that command has its value in the next word.
bool takes_value(const std::string& command, const std::string& option) {
    const std::vector<std::string> options =
        command == "run"
            ? std::vector<std::string>{"--on", "--inject"}
            : std::vector<std::string>{"--as",    "--in",     "--ignore", "--per-site", "--timeout", "--until",
                                       "--input", "--output", "--jobs",   "-j",         "--only",    "--junit"};
    return std::find(options.begin(), options.end(), option) != options.end();
}

}  // namespace

CommandLine split(int argc, char** argv) {
    CommandLine line{{argv + 1, argv + argc}, {}};
    if (line.ours.empty() || (line.ours.front() != "run" && line.ours.front() != "sweep")) {
        return line;
    }
    bool is_value = false;  // of the option before it
    auto end = std::find_if(line.ours.begin() + 1, line.ours.end(), [&](const std::string& word) {
        const bool ends = !is_value && (word == "--" || !word.starts_with('-') || word == "-");
        is_value = !is_value && takes_value(line.ours.front(), word);
        return ends;
    });
    line.program.assign(end != line.ours.end() && *end == "--" ? end + 1 : end, line.ours.end());
    line.ours.erase(end, line.ours.end());
    return line;
}

Program::Program() : app_(about, "interruptctl") {
    app_.set_version_flag("--version", "interruptctl " INTERRUPT_VERSION);
    app_.set_help_flag("--help,-h", "Print this help and exit");
    app_.get_formatter()->column_width(28);
    app_.footer(statuses);
    add_run();
    add_ps();
    add_threads();
    add_interrupt();
    add_wait();
    add_clear();
    add_inject();
    add_sweep();
    add_storm();
    add_record();
    add_doctor();
    add_serve();
    add_watch();
}

Status Program::run(CommandLine line) {
    if (line.ours.empty()) {
        std::cerr << app_.help();
        return Status::usage;
    }
    if (line.ours.front() == "__complete") {  // for the shells
        for (const std::string& word : complete(known(), {line.ours.begin() + 1, line.ours.end()})) {
            std::cout << word << '\n';
        }
        return Status::done;
    }
    check_command(line.ours.front());
    (line.ours.front() == "sweep" ? sweep_.program : run_.program) = std::move(line.program);
    words_ = line.ours;
    std::reverse(line.ours.begin(), line.ours.end());  // as CLI11 wants it
    try {
        app_.parse(line.ours);
    } catch (const CLI::Success& success) {
        app_.exit(success);
        return Status::done;
    } catch (const CLI::ParseError& error) {
        throw Failure(Status::usage, complaint(error));
    }
    return chosen_();
}

std::vector<const CLI::App*> Program::commands() const {
    return app_.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<KnownCommand> Program::known() const {
    std::vector<KnownCommand> known;
    for (const CLI::App* command : commands()) {
        known.push_back({command->get_name(), {}, {}});
        for (const CLI::Option* option : command->get_options()) {
            if (option->get_positional()) {
                known.back().places.push_back(option->get_name(true));
            } else if (is_public(option)) {
                const bool takes_none = option->get_items_expected_max() == 0;
                known.back().options.push_back(
                    {"--" + option->get_lnames().front(), takes_none ? "" : option->get_type_name()});
            }
        }
    }
    return known;
}

// CLI11's own complaint about a wrong command names no other.
void Program::check_command(const std::string& word) const {
    std::vector<std::string> commands;
    for (const CLI::App* command : this->commands()) {
        commands.push_back(command->get_name());
    }
    if (word.starts_with('-') || std::find(commands.begin(), commands.end(), word) != commands.end()) {
        return;
    }
    throw Failure(Status::usage, text("there is no command `", printable(word), "`.", suggestion(word, commands),
                                      " `interruptctl --help` lists them."));
}

std::string Program::complaint(const CLI::ParseError& error) const {
    const auto parsed = app_.get_subcommands();
    const std::string help =
        parsed.empty() ? "interruptctl --help" : text("interruptctl ", parsed.front()->get_name(), " --help");
    std::string what = printable(error.what());
    while (!what.empty() && (what.back() == '.' || what.back() == ' ' || what.back() == '?')) {
        what.pop_back();
    }
    return text(what, ".", parsed.empty() ? "" : better_option(*parsed.front()), " See `", help, "`.");
}

// " Did you mean ...?" about the first option that there is none of, or "".
std::string Program::better_option(const CLI::App& command) const {
    std::vector<std::string> options;
    for (const CLI::Option* option : command.get_options(is_public)) {
        options.push_back("--" + option->get_lnames().front());
    }
    for (const std::string& word : words_) {
        const std::string name = word.substr(0, word.find('='));
        if (name.starts_with("--") && std::find(options.begin(), options.end(), name) == options.end()) {
            return suggestion(name, options);
        }
    }
    return "";
}

}  // namespace interrupt::control
