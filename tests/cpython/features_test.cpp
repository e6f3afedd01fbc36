// The systems whose work this project does, row by row: each row of the table `rows` is a program in features/, run
// under the shim in every CPython of this machine, and where that shows something also without it, where it must fail.
// The results make a table, which is printed at the end:
//
//     features_test                 runs them all, and prints the table
//     features_test --table FILE    prints the table of the results that runs have left in FILE, by FEATURES_RESULTS
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <tuple>

#include "python_process.h"
#include "tests/support/terminal.h"

namespace cpython_test {
namespace {

using namespace std::chrono_literals;

// --- how a row is shown; each answers what is wrong, "" if nothing is

struct Run {
    const Interpreter& interpreter;
    std::string program;  // its path
    bool under_shim;
    std::string preload() const { return under_shim ? LIBINTERRUPT_PATH : ""; }
};

constexpr const char not_there[] = "not on this version";

std::string ended_wrongly(const Finished& finished) {
    return (finished.in_time ? "status " + std::to_string(finished.status) : "it does not end") + ":\n" +
           finished.output;
}

// The program checks it itself, and may ask for requests from the command line (support.py).
std::string checks_itself(const Run& row) {
    const std::string script = row.program.substr(strlen(SOURCE_DIR "/tests/cpython/"));
    const Finished finished = run_script(row.interpreter, script, "", row.under_shim);
    if (finished.ended_with(77)) {
        return not_there;
    }
    return finished.ended_with(0) ? "" : ended_wrongly(finished);
}

// It prints what it prints without the shim.
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

// --- at a terminal

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

// --- the table

struct Row {
    const char* name;
    std::string (*show)(const Run&);
    bool fails_without = false;
};

constexpr Row rows[] = {
    {"A1", is_as_without},
    {"A2", is_as_without},
    {"A3", checks_itself, true},
    {"A4", checks_itself},
    {"A5", checks_itself, true},
    {"A6", checks_itself},
    {"B1", is_as_without},
    {"B2", is_as_without},
    {"B3", is_as_without},
    {"B4", is_as_without},
    {"B5", workers_are_interrupted, true},
    {"B6", download_is_cancelled, true},
    {"C1", checks_itself},
    {"C2", checks_itself},
    {"C3", checks_itself},
    {"C4", checks_itself},
    {"C5", checks_itself},
    {"C6", checks_itself},
    {"C7", checks_itself},
    {"C8", checks_itself},
    {"C9", checks_itself},
    {"C10", checks_itself},
    {"C11", checks_itself, true},
    {"C12", checks_itself, true},
    {"C13", checks_itself, true},
    {"C14", checks_itself, true},
    {"C15", checks_itself, true},
    {"C16", checks_itself, true},
    {"C17", unchanged_program_is_interrupted},
    {"C18", checks_itself},
    {"D1", ctrl_c_is_as_without},
    {"D2", ctrl_c_ends_threads, true},
    {"D3", ctrl_c_ends_threads, true},
};

std::string program_of(const Row& row) {
    std::string name = row.name;
    name[0] = static_cast<char>(tolower(name[0]));
    return SOURCE_DIR "/tests/cpython/features/" + name + ".py";
}

// "yes", "no", or "-" where the row does not apply, by row, interpreter and whether under the shim.
using Results = std::map<std::tuple<std::string, std::string, bool>, std::string>;

// By version, and the system's own last.
std::vector<Interpreter> columns() {
    std::vector<Interpreter> interpreters = find_interpreters();
    std::stable_sort(interpreters.begin(), interpreters.end(), [](const Interpreter& a, const Interpreter& b) {
        const auto key = [](const Interpreter& each) {
            return std::tuple(each.name == "system", each.name.size(), each.name);
        };
        return key(a) < key(b);
    });
    return interpreters;
}

void print_table(const Results& results) {
    const std::vector<Interpreter> interpreters = columns();
    std::printf("\n%-18s", "");
    for (const Interpreter& interpreter : interpreters) {
        std::printf(" %10s", interpreter.name.c_str());
    }
    for (const bool under_shim : {true, false}) {
        std::printf("\n");
        for (const Row& row : rows) {
            if (!under_shim && !row.fails_without) {
                continue;
            }
            std::printf("\n%-18s", (std::string(row.name) + (under_shim ? "" : " without it")).c_str());
            for (const Interpreter& interpreter : interpreters) {
                const auto result = results.find({row.name, interpreter.name, under_shim});
                std::printf(" %10s", result == results.end() ? "not run" : result->second.c_str());
            }
        }
    }
    std::printf("\n");
}

Results results;

// A run that is a part of several leaves its results in a file, a line each.
void keep_results() {
    if (const char* const path = getenv("FEATURES_RESULTS")) {
        std::ofstream file(path, std::ios::app);
        for (const auto& [key, result] : results) {
            file << std::get<0>(key) << ' ' << std::get<1>(key) << ' ' << std::get<2>(key) << ' ' << result << '\n';
        }
    } else if (results.size() > 1) {
        print_table(results);
    }
}

int print_table_of(const char* path) {
    std::ifstream file(path);
    std::string row, interpreter, result;
    bool under_shim = false;
    bool right = true;
    while (file >> row >> interpreter >> under_shim >> result) {
        results[{row, interpreter, under_shim}] = result;
        right &= result == "-" || result == (under_shim ? "yes" : "no");
    }
    print_table(results);
    return results.empty() || !right;
}

// --- the tests

using Parameters = std::tuple<Row, Interpreter>;

class Feature : public testing::TestWithParam<Parameters> {
protected:
    static std::string show(bool under_shim) {
        const auto& [row, interpreter] = GetParam();
        const std::string wrong = row.show({interpreter, program_of(row), under_shim});
        results[{row.name, interpreter.name, under_shim}] = wrong.empty() ? "yes" : wrong == not_there ? "-" : "no";
        return wrong;
    }
};

TEST_P(Feature, Works) {
    const std::string wrong = show(true);
    if (wrong == not_there) {
        GTEST_SKIP() << not_there;
    }
    EXPECT_EQ(wrong, "");
}

class FeatureOfTheShim : public Feature {};

TEST_P(FeatureOfTheShim, FailsWithout) {
    const std::string wrong = show(false);
    EXPECT_NE(wrong, "") << "it works without the shim";
    EXPECT_NE(wrong, not_there);
    EXPECT_FALSE(contains(wrong, "it does not end")) << wrong;  // it is to be seen to fail
    std::cout << wrong << '\n';
}

std::vector<Row> rows_that(bool (*are)(const Row&)) {
    std::vector<Row> found;
    for (const Row& row : rows) {
        if (access(program_of(row).c_str(), R_OK) == 0 || row.show == workers_are_interrupted) {
            if (are(row)) {
                found.push_back(row);
            }
        }
    }
    return found;
}

std::string test_name(const testing::TestParamInfo<Parameters>& info) {
    return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param).name;
}

void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name;
}

INSTANTIATE_TEST_SUITE_P(Python, Feature,
                         testing::Combine(testing::ValuesIn(rows_that([](const Row&) { return true; })),
                                          testing::ValuesIn(find_interpreters())),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Python, FeatureOfTheShim,
                         testing::Combine(testing::ValuesIn(rows_that([](const Row& row) {
                                              return row.fails_without;
                                          })),
                                          testing::ValuesIn(find_interpreters())),
                         test_name);

}  // namespace
}  // namespace cpython_test

int main(int argc, char** argv) {
    if (argc == 3 && strcmp(argv[1], "--table") == 0) {
        return cpython_test::print_table_of(argv[2]);
    }
    signal(SIGPIPE, SIG_IGN);
    testing::InitGoogleTest(&argc, argv);
    const int failed = RUN_ALL_TESTS();
    cpython_test::keep_results();
    return failed;
}
