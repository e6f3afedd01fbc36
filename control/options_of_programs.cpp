// The options of the commands that start a program, or give it rules.
#include "control/command_line.h"

namespace interrupt::control {

void Program::add_run() {
    CLI::App* sub = add("run", "Start a program under the shim", run_, run_command,
                        "The first word that is no option is the program; `--` before it is optional.\n\n"
                        "Examples:\n"
                        "  interruptctl run python3 app.py\n"
                        "  interruptctl run --on SIGINT=all python3 app.py\n"
                        "  interruptctl run --inject recv:errno:ECONNRESET:when=3 ./client\n"
                        "  interruptctl run --no-follow -- ./server --port 80");
    // For the help alone: split() has taken them off.
    sub->add_option("PROGRAM", run_.program, "The program, looked up in PATH, and its arguments")->type_name("");
    sub->add_option("--on", run_.on,
                    "When SIGNAL comes, interrupt all threads, main, or those whose name matches a pattern; "
                    "may be repeated")
        ->type_name("SIGNAL=WHOM")
        ->allow_extra_args(false);
    sub->add_option("--inject", run_.inject,
                    "Make calls end otherwise, by this rule (see `inject --help`); "
                    "may be repeated")
        ->type_name("RULE")
        ->allow_extra_args(false);
    sub->add_flag("--no-follow", run_.no_follow, "The programs that it starts are not under the shim");
}

void Program::add_inject() {
    CLI::App* sub =
        add("inject", "Make calls of a running process end otherwise, by rules", inject_, inject_command,
            "RULE is CALL[,CALL...]:OUTCOME[:when=FIRST[..LAST][+STEP]][:per=thread][:thread=GLOB]\n"
            "[:fd=N][:after=SECONDS][:force]. CALL may be a pattern; outcomes are those of `interrupt`.\n"
            "Without after= the call is not made at all, ready or not; with it, it is interrupted when it has\n"
            "been blocked for so long. A rule acts only where the kernel could wait, unless it ends in force.\n"
            "when= counts the calls that the rule could act on, of all threads, or per=thread. `thread=main`\n"
            "is the main thread. The rules hold for this process, not for those that it starts.\n\n"
            "Examples:\n"
            "  interruptctl inject 4242 recv:errno:ECONNRESET:when=3\n"
            "  interruptctl inject 4242 'read,recv:default:when=1+10:thread=worker*'\n"
            "  interruptctl inject 4242 poll:timeout:after=0.5 accept:errno:EMFILE:fd=3\n"
            "  interruptctl inject 4242 --list\n"
            "  interruptctl inject 4242 --clear");
    sub->add_option("PID", inject_.pid, "Process id")->type_name("")->required();
    sub->add_option("RULE", inject_.rules, "Rules to put in force; with --clear, the numbers of those to take away")
        ->type_name("");
    sub->add_flag("--list", inject_.list, "The rules in force, and how often they were met and have acted");
    sub->add_flag("--clear", inject_.clear, "Take the rules away");
    sub->add_flag("--json", inject_.json, "As JSON");
}

void Program::add_sweep() {
    CLI::App* sub =
        add("sweep", "Run a program once for each point where it can be interrupted, interrupted there", sweep_,
            sweep_command,
            "A point is a thread, a call that can wait, and the place in the program that makes it. Each run is\n"
            "compared with an undisturbed one: exit status, output, and whether it ends at all.\n"
            "Runs at the same time share the directory, ports, files: --jobs 1 if they get into each other's way,\n"
            "or let the program look at INTERRUPT_SWEEP, the number of its run.\n"
            "Exit status 1: something was found.\n\n"
            "Examples:\n"
            "  interruptctl sweep -- ./client --fetch\n"
            "  interruptctl sweep --as default,errno:ECONNRESET --per-site 1 --junit sweep.xml -- ./client\n"
            "  interruptctl sweep --until 'ready' --ignore '[0-9:]{8}' -- ./server\n"
            "  interruptctl sweep --output results --resume -- ./client --fetch");
    // For the help alone: split() has taken them off.
    sub->add_option("PROGRAM", sweep_.program, "The program, looked up in PATH, and its arguments")->type_name("");
    sub->add_option("--as", sweep_.as, "How the interrupted call ends, several separated by commas (default)")
        ->type_name("OUTCOMES")
        ->allow_extra_args(false);
    sub->add_option("--in", sweep_.in, "Only these calls, patterns separated by commas")
        ->type_name("CALLS")
        ->allow_extra_args(false);
    sub->add_option("--per-site", sweep_.per_site, "At most so many times at each point")
        ->type_name("K")
        ->capture_default_str();
    sub->add_option("--timeout", sweep_.timeout,
                    "Time limit of a run, in seconds (5, and 5 times what the undisturbed one takes)")
        ->type_name("S");
    sub->add_option("--until", sweep_.until, "End the program (SIGTERM) when it has printed TEXT, or after SECONDS")
        ->type_name("TEXT|SECONDS");
    sub->add_option("--ignore", sweep_.ignore, "Leave out of each line of output what matches; may be repeated")
        ->type_name("REGEX")
        ->allow_extra_args(false);
    sub->add_option("--input", sweep_.input, "Standard input of the program")->type_name("FILE");
    sub->add_option("--jobs,-j", sweep_.jobs, "Runs at the same time (one for each processor)")->type_name("N");
    sub->add_option("--output", sweep_.directory, "Keep the results there")->type_name("DIR");
    sub->add_flag("--resume", sweep_.resume, "Go on with the sweep in --output");
    sub->add_option("--only", sweep_.only, "Only this run, by its number")->type_name("N");
    sub->add_flag("--list", sweep_.list, "Show the points, and interrupt nothing");
    sub->add_option("--junit", sweep_.junit, "Write the results as JUnit's XML")->type_name("FILE");
    sub->add_flag("--json", sweep_.json, "As JSON");
}

}  // namespace interrupt::control
