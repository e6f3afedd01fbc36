// interruptctl: the command line, and nothing else.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "control/commands.h"
#include "control/completion.h"
#include "control/names.h"
#include "control/process.h"

namespace interrupt::control {
namespace {

constexpr const char* about =
    "Interrupts threads that are blocked in a system call, in programs that run under libinterrupt.so.";

constexpr const char* statuses =
    "Exit status: 0 done; 2 usage; 3 no such process, thread or program; 4 not under the shim, or cannot be;\n"
    "5 not delivered in time; 6 not permitted.";

// The command line of `run` ends where the program's begins: nothing after that is an option of ours.
struct CommandLine {
    std::vector<std::string> ours;
    std::vector<std::string> program;
};

CommandLine split(int argc, char** argv) {
    CommandLine line{{argv + 1, argv + argc}, {}};
    if (line.ours.empty() || line.ours.front() != "run") {
        return line;
    }
    bool is_value = false;  // of the option before it
    auto end = std::find_if(line.ours.begin() + 1, line.ours.end(), [&is_value](const std::string& word) {
        const bool ends = !is_value && (word == "--" || !word.starts_with('-') || word == "-");
        is_value = !is_value && word == "--on";
        return ends;
    });
    line.program.assign(end != line.ours.end() && *end == "--" ? end + 1 : end, line.ours.end());
    line.ours.erase(end, line.ours.end());
    return line;
}

class Program {
public:
    Program() : app_(about, "interruptctl") {
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
        add_storm();
        add_doctor();
        add_serve();
        add_watch();
    }

    Status run(CommandLine line) {
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
        words_ = line.ours;
        run_.program = std::move(line.program);
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

private:
    std::vector<const CLI::App*> commands() const {
        return app_.get_subcommands([](const CLI::App*) { return true; });
    }

    static bool is_public(const CLI::Option* option) { return !option->get_lnames().empty(); }

    std::vector<KnownCommand> known() const {
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
    void check_command(const std::string& word) const {
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

    std::string complaint(const CLI::ParseError& error) const {
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
    std::string better_option(const CLI::App& command) const {
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

    template <class Options>
    CLI::App* add(const char* name, const char* description, Options& options, Status (*command)(const Options&),
                  const char* examples) {
        CLI::App* sub = app_.add_subcommand(name, description);
        sub->footer(examples);
        sub->callback([this, &options, command] { chosen_ = [&options, command] { return command(options); }; });
        return sub;
    }

    void add_run() {
        CLI::App* sub = add("run", "Start a program under the shim", run_, run_command,
                            "The first word that is no option is the program; `--` before it is optional.\n\n"
                            "Examples:\n"
                            "  interruptctl run python3 app.py\n"
                            "  interruptctl run --on SIGINT=all python3 app.py\n"
                            "  interruptctl run --no-follow -- ./server --port 80");
        // For the help alone: split() has taken them off.
        sub->add_option("PROGRAM", run_.program, "The program, looked up in PATH, and its arguments")->type_name("");
        sub->add_option("--on", run_.on,
                        "When SIGNAL comes, interrupt all threads, main, or those whose name matches a pattern; "
                        "may be repeated")
            ->type_name("SIGNAL=WHOM")
            ->allow_extra_args(false);
        sub->add_flag("--no-follow", run_.no_follow, "The programs that it starts are not under the shim");
    }

    void add_ps() {
        CLI::App* sub = add("ps", "List the processes under the shim", ps_, ps_command,
                            "Also removes the thread tables that dead processes have left.\n\n"
                            "Examples:\n"
                            "  interruptctl ps\n"
                            "  interruptctl ps --json | jq '.processes[].pid'");
        sub->add_flag("--all", ps_.all, "Every user's (as root; otherwise only this user's can be seen)");
        sub->add_flag("--json", ps_.json, "As JSON");
    }

    void add_threads() {
        CLI::App* sub = add("threads", "List the threads of a process and where each waits", threads_, threads_command,
                            "Examples:\n"
                            "  interruptctl threads 4242");
        sub->add_option("PID", threads_.pid, "Process id")->type_name("")->required();
        sub->add_flag("--json", threads_.json, "As JSON");
    }

    void add_interrupt() {
        CLI::App* sub =
            add("interrupt", "Interrupt threads, and wait until it is delivered", interrupt_, interrupt_command,
                "Outcomes: default (EINTR; in CPython ThreadInterrupted), errno:NAME, timeout, eof,\n"
                "cancel (the thread ends, as by pthread_cancel), exception:CLASS (CPython),\n"
                "signal:NAME (the plain signal, to that thread).\n"
                "What is not delivered in time is withdrawn, unless --sticky.\n\n"
                "Examples:\n"
                "  interruptctl interrupt 4242 4245\n"
                "  interruptctl interrupt 4242 --in recv --as errno:ECONNRESET\n"
                "  interruptctl interrupt 4242 --name 'worker*' --timeout 0.2\n"
                "  interruptctl interrupt 4242 --main --as signal:SIGINT\n"
                "  interruptctl interrupt 4242 4245 --force");
        sub->add_option("PID", interrupt_.pid, "Process id")->type_name("")->required();
        sub->add_option("TID", interrupt_.tids, "Thread ids")->type_name("");
        sub->add_flag("--main", interrupt_.main, "The main thread");
        sub->add_flag("--all", interrupt_.all, "Every thread");
        sub->add_option("--name", interrupt_.name, "The threads whose name matches GLOB")->type_name("GLOB");
        sub->add_option("--in", interrupt_.in, "The threads that wait in CALL, one of several (with commas), or `any`")
            ->type_name("CALL");
        sub->add_option("--as", interrupt_.as, "What the interrupted call returns")
            ->type_name("OUTCOME")
            ->capture_default_str();
        sub->add_option("--timeout", interrupt_.timeout, "How long to wait for delivery, in seconds")
            ->type_name("S")
            ->capture_default_str();
        CLI::Option* this_wait =
            sub->add_flag("--this-wait", interrupt_.this_wait, "Only the wait that the thread is in now, no later one");
        sub->add_flag("--sticky", interrupt_.sticky, "Leave it pending if it is not delivered in time")
            ->excludes(this_wait);
        sub->add_flag("--force", interrupt_.force,
                      "Nudge threads that wait outside the list, in a call of libc's own: no request, one EINTR");
        sub->add_flag("--json", interrupt_.json, "As JSON");
    }

    void add_wait() {
        CLI::App* sub = add("wait", "Wait until a thread is blocked in a call", wait_, wait_command,
                            "It is there when it really waits: a call that it only passes through does not count.\n\n"
                            "Examples:\n"
                            "  interruptctl wait 4242 --in accept --timeout 5\n"
                            "  interruptctl wait 4242 4245 --in recv,read --fd 7\n"
                            "  interruptctl wait 4242 --in any --thread 'worker*' --count 8");
        sub->add_option("PID", wait_.pid, "Process id")->type_name("")->required();
        sub->add_option("TID", wait_.tid, "Thread id; any thread without it")->type_name("");
        sub->add_option("--in", wait_.in, "The call, or one of several with commas between them, or `any`")
            ->type_name("CALL")
            ->required();
        sub->add_option("--fd", wait_.fd, "Only where the call waits for descriptor N")->type_name("N");
        sub->add_option("--thread", wait_.thread, "Only threads whose name matches GLOB")->type_name("GLOB");
        sub->add_option("--count", wait_.count, "Until N threads are there at the same time")->type_name("N");
        sub->add_option("--timeout", wait_.timeout, "How long to wait, in seconds")
            ->type_name("S")
            ->capture_default_str();
        sub->add_flag("--json", wait_.json, "As JSON");
    }

    void add_storm() {
        CLI::App* sub = add("storm", "Interrupt threads at random, at a given rate", storm_, storm_command,
                            "Ends after --for, with the process, or by Ctrl-C, and reports. Nothing stays pending.\n"
                            "The same seed makes the same choices among the same threads.\n\n"
                            "Examples:\n"
                            "  interruptctl storm 4242 --rate 200 --for 60\n"
                            "  interruptctl storm 4242 --seed 7 --as default,errno:EIO,eof --in recv,read\n"
                            "  interruptctl storm 4242 --thread 'worker*' --json");
        sub->add_option("PID", storm_.pid, "Process id")->type_name("")->required();
        sub->add_option("--rate", storm_.rate, "Requests a second")->type_name("N")->capture_default_str();
        sub->add_option("--for", storm_.duration, "How long, in seconds; as long as the process without it")
            ->type_name("S");
        sub->add_option("--seed", storm_.seed, "Of the random choices")->type_name("N");
        sub->add_option("--as", storm_.as, "The outcomes to choose from, with commas")
            ->type_name("LIST")
            ->capture_default_str();
        sub->add_option("--thread", storm_.thread, "Only threads whose name matches GLOB")->type_name("GLOB");
        sub->add_option("--in", storm_.in, "Only threads that wait in CALL, one of several (with commas), or `any`")
            ->type_name("CALL");
        sub->add_option("--timeout", storm_.timeout, "When a request is withdrawn, in seconds")
            ->type_name("S")
            ->capture_default_str();
        sub->add_flag("--json", storm_.json, "As JSON");
    }

    void add_clear() {
        CLI::App* sub = add("clear", "Take back whatever is pending for a thread", clear_, clear_command,
                            "Examples:\n"
                            "  interruptctl clear 4242 4245");
        sub->add_option("PID", clear_.pid, "Process id")->type_name("")->required();
        sub->add_option("TID", clear_.tid, "Thread id")->type_name("")->required();
        sub->add_flag("--json", clear_.json, "As JSON");
    }

    void add_doctor() {
        CLI::App* sub =
            add("doctor", "Say whether and why (not) something can be interrupted", doctor_, doctor_command,
                "A number is a process id; a program of that name is ./NUMBER. Without argument: this system.\n\n"
                "Examples:\n"
                "  interruptctl doctor 4242\n"
                "  interruptctl doctor /usr/bin/python3");
        sub->add_option("PID|PROGRAM", doctor_.subject, "Process id, or program as `run` would find it")->type_name("");
        sub->add_flag("--json", doctor_.json, "As JSON");
    }

    void add_watch() {
        CLI::App* sub =
            add("watch", "Watch processes and threads on the screen, and interrupt them by keys", watch_, watch_command,
                "? lists the keys.\n\n"
                "Examples:\n"
                "  interruptctl watch\n"
                "  interruptctl watch 4242 --interval 0.2");
        sub->add_option("PID", watch_.pid, "Process id; the list of processes without it")->type_name("");
        sub->add_option("--interval", watch_.interval, "Seconds between two looks")
            ->type_name("S")
            ->capture_default_str();
        sub->add_flag("--once", watch_.once, "Print it as text, once, with no terminal");
    }

    void add_serve() {
        CLI::App* sub = add("serve", "Do the same for other programs, by JSON on a Unix socket", serve_, serve_command,
                            "Prints the socket's path, and serves this user and root until SIGTERM or SIGINT.\n\n"
                            "Examples:\n"
                            "  interruptctl serve --socket ~/.interruptctl.socket\n"
                            "  echo '{\"op\":\"list\"}' | nc -NU /dev/shm/interrupt-$UID/serve.socket");
        sub->add_option("--socket", serve_.socket, "Where, in a directory of mode 0700")->type_name("PATH");
        sub->add_option("--max-clients", serve_.max_clients, "How many clients it has at the same time")
            ->type_name("N")
            ->capture_default_str();
    }

    CLI::App app_;
    std::vector<std::string> words_;
    std::function<Status()> chosen_;
    RunOptions run_;
    PsOptions ps_;
    ThreadsOptions threads_;
    InterruptOptions interrupt_;
    WaitOptions wait_;
    ClearOptions clear_;
    StormOptions storm_;
    DoctorOptions doctor_;
    ServeOptions serve_;
    WatchOptions watch_;
};

}  // namespace
}  // namespace interrupt::control

int main(int argc, char** argv) {
    using namespace interrupt::control;
    try {
        Program program;
        const Status status = program.run(split(argc, argv));
        if (!std::cout.flush()) {
            throw Failure(Status::not_permitted, "the output could not be written.");
        }
        return static_cast<int>(status);
    } catch (const Failure& failure) {
        std::cout.flush();
        std::cerr << "interruptctl: " << failure.what() << '\n';
        return static_cast<int>(failure.status());
    } catch (const std::exception& error) {
        std::cerr << "interruptctl: " << error.what() << ".\n";
        return 1;
    }
}
