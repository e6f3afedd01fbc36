// The options of the commands that are about running processes and their threads.
#include "control/command_line.h"

namespace interrupt::control {

void Program::add_ps() {
    CLI::App* sub = add("ps", "List the processes under the shim", ps_, ps_command,
                        "Also removes the thread tables that dead processes have left.\n\n"
                        "Examples:\n"
                        "  interruptctl ps\n"
                        "  interruptctl ps --json | jq '.processes[].pid'");
    sub->add_flag("--all", ps_.all, "Every user's (as root; otherwise only this user's can be seen)");
    sub->add_flag("--json", ps_.json, "As JSON");
}

void Program::add_threads() {
    CLI::App* sub = add("threads", "List the threads of a process and where each waits", threads_, threads_command,
                        "Examples:\n"
                        "  interruptctl threads 4242");
    sub->add_option("PID", threads_.pid, "Process id")->type_name("")->required();
    sub->add_flag("--json", threads_.json, "As JSON");
}

void Program::add_interrupt() {
    CLI::App* sub = add("interrupt", "Interrupt threads, and wait until it is delivered", interrupt_, interrupt_command,
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

void Program::add_wait() {
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
    sub->add_option("--timeout", wait_.timeout, "How long to wait, in seconds")->type_name("S")->capture_default_str();
    sub->add_flag("--json", wait_.json, "As JSON");
}

void Program::add_storm() {
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

void Program::add_record() {
    CLI::App* sub = add("record", "Record waits, interrupts and deliveries as a trace", record_, record_command,
                        "The file opens in ui.perfetto.dev and chrome://tracing: one track for each thread.\n"
                        "Ends with the processes, after --for, or by Ctrl-C; the file is whole then.\n\n"
                        "Examples:\n"
                        "  interruptctl record 4242\n"
                        "  interruptctl record 4242 --for 10 --output server.json\n"
                        "  interruptctl record $(pgrep nginx) --shortest 0.001");
    sub->add_option("PID", record_.pids, "Process ids")->type_name("")->required();
    sub->add_option("-o,--output", record_.output, "The file; `-` is standard output")
        ->type_name("FILE")
        ->capture_default_str();
    sub->add_option("--for", record_.duration, "How long, in seconds; as long as the processes without it")
        ->type_name("S");
    sub->add_option("--shortest", record_.shortest, "Waits shorter than this are only counted, in seconds")
        ->type_name("S")
        ->capture_default_str();
}

void Program::add_clear() {
    CLI::App* sub = add("clear", "Take back whatever is pending for a thread", clear_, clear_command,
                        "Examples:\n"
                        "  interruptctl clear 4242 4245");
    sub->add_option("PID", clear_.pid, "Process id")->type_name("")->required();
    sub->add_option("TID", clear_.tid, "Thread id")->type_name("")->required();
    sub->add_flag("--json", clear_.json, "As JSON");
}

void Program::add_doctor() {
    CLI::App* sub =
        add("doctor", "Say whether and why (not) something can be interrupted", doctor_, doctor_command,
            "A number is a process id; a program of that name is ./NUMBER. Without argument: this system.\n\n"
            "Examples:\n"
            "  interruptctl doctor 4242\n"
            "  interruptctl doctor /usr/bin/python3");
    sub->add_option("PID|PROGRAM", doctor_.subject, "Process id, or program as `run` would find it")->type_name("");
    sub->add_flag("--json", doctor_.json, "As JSON");
}

void Program::add_watch() {
    CLI::App* sub =
        add("watch", "Watch processes and threads on the screen, and interrupt them by keys", watch_, watch_command,
            "? lists the keys.\n\n"
            "Examples:\n"
            "  interruptctl watch\n"
            "  interruptctl watch 4242 --interval 0.2");
    sub->add_option("PID", watch_.pid, "Process id; the list of processes without it")->type_name("");
    sub->add_option("--interval", watch_.interval, "Seconds between two looks")->type_name("S")->capture_default_str();
    sub->add_flag("--once", watch_.once, "Print it as text, once, with no terminal");
}

void Program::add_serve() {
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

}  // namespace interrupt::control
