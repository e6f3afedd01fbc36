// The command line: the commands, their options, and what is wrong with a word.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "control/commands.h"
#include "control/completion.h"

namespace interrupt::control {

// The command line of a command that starts a program ends where that program's begins: nothing after it is an option
// of ours.
struct CommandLine {
    std::vector<std::string> ours;
    std::vector<std::string> program;
};
CommandLine split(int argc, char** argv);

class Program {
public:
    Program();
    Status run(CommandLine line);

private:
    std::vector<const CLI::App*> commands() const;
    std::vector<KnownCommand> known() const;
    void check_command(const std::string& word) const;
    std::string complaint(const CLI::ParseError& error) const;
    std::string better_option(const CLI::App& command) const;

    template <class Options>
    CLI::App* add(const char* name, const char* description, Options& options, Status (*command)(const Options&),
                  const char* examples) {
        CLI::App* sub = app_.add_subcommand(name, description);
        sub->footer(examples);
        sub->callback([this, &options, command] { chosen_ = [&options, command] { return command(options); }; });
        return sub;
    }

    void add_run();
    void add_ps();
    void add_threads();
    void add_interrupt();
    void add_wait();
    void add_storm();
    void add_record();
    void add_clear();
    void add_inject();
    void add_sweep();
    void add_doctor();
    void add_watch();
    void add_serve();

    CLI::App app_;
    std::vector<std::string> words_;
    std::function<Status()> chosen_;
    RunOptions run_;
    PsOptions ps_;
    ThreadsOptions threads_;
    InterruptOptions interrupt_;
    WaitOptions wait_;
    ClearOptions clear_;
    InjectOptions inject_;
    SweepOptions sweep_;
    StormOptions storm_;
    RecordOptions record_;
    DoctorOptions doctor_;
    ServeOptions serve_;
    WatchOptions watch_;
};

}  // namespace interrupt::control
