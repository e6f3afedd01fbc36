#include "tests/cpython/feature_shows.h"

#include <cstring>
#include <functional>

#include "tests/support/terminal.h"

namespace cpython_test {
namespace {

using namespace std::chrono_literals;

std::string ended_wrongly(const Finished& finished) {
    return (finished.in_time ? "status " + std::to_string(finished.status) : "it does not end") + ":\n" +
           finished.output;
}

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = Child::Clock::now() + std::chrono::seconds(60);
    while (!condition()) {
        if (Child::Clock::now() > deadline) {
            return false;
        }
        usleep(2000);
    }
    return true;
}

std::vector<std::string> threads_of(pid_t pid) {
    std::vector<std::string> found;
    glob_t matches;
    if (glob(("/proc/" + std::to_string(pid) + "/task/*").c_str(), 0, nullptr, &matches) == 0) {
        for (size_t i = 0; i < matches.gl_pathc; ++i) {
            found.push_back(strrchr(matches.gl_pathv[i], '/') + 1);
        }
        globfree(&matches);
    }
    return found;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Which call each thread is blocked in, from what `interruptctl threads` lists: its TID, once one of `calls` is among
// them. Asked of the command line, since that is what a user has.
std::string thread_in(pid_t pid, const std::vector<std::string>& calls, std::string& call, std::string& problem) {
    std::string found;
    const bool in_time = eventually([&] {
        const Finished listed = run({INTERRUPTCTL_PATH, "threads", std::to_string(pid)});
        if (!listed.ended_with(0)) {
            problem = listed.output;
            return !contains(listed.output, "no thread table yet");
        }
        problem.clear();
        std::istringstream lines(listed.output);
        for (std::string line; std::getline(lines, line);) {
            for (const std::string& each : calls) {
                if (line.rfind(std::to_string(pid) + ' ', 0) != 0 &&
                    (contains(line, ' ' + each + ' ') || contains(line, ' ' + each + '('))) {
                    call = each;
                    found = line.substr(0, line.find(' '));
                    return true;
                }
            }
        }
        return false;
    });
    if (!in_time && problem.empty()) {
        problem = "no worker came to wait";
    }
    return found;
}

// A worker that waits in one of `calls`, once the program has printed `first`, is interrupted there from the command
// line. It cleans up and is gone, having come to no natural end, and the program goes on to its own.
std::string worker_is_interrupted(const Run& row, const std::vector<std::string>& calls, const std::string& cleaned_up,
                                  const std::string& first = "") {
    Child child({row.interpreter.path, row.program}, row.preload());
    std::string call, problem, line;
    if (!first.empty() && (!child.read_line(line, Child::Clock::now() + std::chrono::seconds(60)) || line != first)) {
        return "it has printed " + line;
    }
    const auto threads = [&] { return threads_of(child.pid()).size(); };
    if (!eventually([&] { return threads() > 1; })) {
        return "it has started no worker";
    }
    const std::string tid = thread_in(child.pid(), calls, call, problem);
    if (tid.empty()) {
        return problem;
    }
    const Finished sent = run({INTERRUPTCTL_PATH, "interrupt", std::to_string(child.pid()), tid});
    if (!sent.ended_with(0) || !contains(sent.output, ", in " + call)) {
        return sent.output;
    }
    const std::string task = "/proc/" + std::to_string(child.pid()) + "/task/" + tid;
    if (!eventually([&] { return access(task.c_str(), F_OK) != 0; })) {
        return "the worker is still there";
    }
    std::string output;
    while (child.read_line(line, Child::Clock::now() + std::chrono::seconds(60))) {
        output += line + "\n";
    }
    Finished finished = child.finish();
    finished.output = output;
    if (!finished.ended_with(0)) {
        return ended_wrongly(finished);
    }
    const bool right = contains(output, cleaned_up + "\n") && contains(output, "ThreadInterrupted") &&
                       contains(output, "main: done\n") && !contains(output, "worker: stopped") &&
                       !contains(output, "worker: complete");
    return right ? "" : output;
}

const std::vector<std::string> sleeps = {"clock_nanosleep", "select"};

struct Session {
    std::string output;
    std::string errors;
    int status = 0;
    bool ended = false;
    std::string all() const { return output + "--- stderr\n" + errors; }
};

// Runs a command on a terminal of its own, types Ctrl-C once it has printed "ready", and lets it go on for at most
// `limit` more.
Session type_ctrl_c(const std::vector<std::string>& command, const std::string& preload, std::chrono::seconds limit) {
    interrupt_tests::Terminal terminal(command, {.environment = {{"LD_PRELOAD", preload},
                                                                 {"PYTHONHOME", ""},
                                                                 {"PYTHONPATH", ""},
                                                                 {"PYTHONDONTWRITEBYTECODE", "1"}},
                                                 .user = 0});
    if (terminal.says("ready")) {
        terminal.interrupt();
    }
    const bool ended = terminal.ends(limit);
    return {terminal.out(), terminal.err(), terminal.status(), ended};
}

}  // namespace

std::string checks_itself(const Run& row) {
    const std::string script = row.program.substr(strlen(SOURCE_DIR "/tests/cpython/"));
    const Finished finished = run_script(row.interpreter, script, "", row.under_shim);
    if (finished.ended_with(77)) {
        return not_there;
    }
    return finished.ended_with(0) ? "" : ended_wrongly(finished);
}

std::string is_as_without(const Run& row) {
    const Finished bare = run({row.interpreter.path, row.program});
    const Finished finished = run({row.interpreter.path, row.program}, row.preload());
    if (!bare.ended_with(0) || bare.output.empty()) {
        return "without the shim, " + ended_wrongly(bare);
    }
    if (!finished.ended_with(0)) {
        return ended_wrongly(finished);
    }
    return finished.output == bare.output ? "" : finished.output + "instead of\n" + bare.output;
}

std::string workers_are_interrupted(const Run& row) {
    for (const char* const name : {"b1", "b2", "b3", "b4"}) {
        const Run worker{row.interpreter, SOURCE_DIR "/tests/cpython/features/" + std::string(name) + ".py",
                         row.under_shim};
        if (const std::string wrong = worker_is_interrupted(worker, sleeps, "worker: cleaned up"); !wrong.empty()) {
            return std::string(name) + ": " + wrong;
        }
    }
    return "";
}

std::string download_is_cancelled(const Run& row) {
    return worker_is_interrupted(row, {"recv"}, "worker: removed what there was", "worker: downloading");
}

std::string unchanged_program_is_interrupted(const Run& row) {
    return worker_is_interrupted(row, {"sem_wait"}, "worker: cleaned up");
}

std::string ctrl_c_is_as_without(const Run& row) {
    const Session bare = type_ctrl_c({row.interpreter.path, row.program}, "", 60s);
    const Session session = type_ctrl_c({row.interpreter.path, row.program}, row.preload(), 60s);
    if (!bare.ended || !contains(bare.output, "ready")) {
        return "without the shim it does not end:\n" + bare.all();
    }
    return session.ended && session.all() == bare.all() && session.status == bare.status
               ? ""
               : session.all() + "instead of\n" + bare.all();
}

// One Ctrl-C: the thread cleans up, and the program ends. Without the shim the thread goes on, or is lost.
std::string ctrl_c_ends_threads(const Run& row) {
    std::vector<std::string> command = {row.interpreter.path, row.program};
    if (row.under_shim) {
        command.insert(command.begin(), {INTERRUPTCTL_PATH, "run", "--on", "SIGINT=all"});
    }
    const Session session = type_ctrl_c(command, "", row.under_shim ? 60s : 3s);
    if (!contains(session.errors, "KeyboardInterrupt")) {
        return "main got no KeyboardInterrupt:\n" + session.all();
    }
    if (!contains(session.output, "worker: cleaned up")) {
        return "the thread did not clean up:\n" + session.all();
    }
    return session.ended ? "" : "it does not end:\n" + session.all();
}

}  // namespace cpython_test
