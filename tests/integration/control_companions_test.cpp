// Requests to a program that has company: other preloaded libraries before and after ours, a debugger, a tracer, a
// checker of memory. The program's waits end as ever, and so does the program.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

const std::vector<std::string> calls{"recv", "poll", "nanosleep", "cond", "sem", "read"};

bool installed(const std::string& program) {
    std::istringstream places(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "");
    for (std::string place; std::getline(places, place, ':');) {
        if (::access((place + "/" + program).c_str(), X_OK) == 0) {
            return true;
        }
    }
    return false;
}

// A number of /proc/TID/status; -1 if there is none.
int status_of(const std::string& tid, const std::string& field) {
    std::ifstream status("/proc/" + tid + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(field + ":")) {
            return std::atoi(line.c_str() + field.size() + 1);
        }
    }
    return -1;
}

// targets/sleeper, started by a command of which its own is the end.
class Accompanied {
public:
    explicit Accompanied(std::vector<std::string> command, const Surroundings& surroundings = {})
        : child_(whole(std::move(command)), surroundings) {
        for (std::string line; line != "ready"; line = child_.line()) {
            std::istringstream words(line);
            std::string call;
            std::string tid;
            if (words >> call >> tid && std::find(calls.begin(), calls.end(), call) != calls.end()) {
                tids_[call] = tid;
            }
        }
        pid_ = std::to_string(status_of(tids_.begin()->second, "Tgid"));
    }

    const std::string& pid() const { return pid_; }
    // Somebody traces the thread that waits there.
    bool traced(const std::string& call) const {
        return eventually([&] { return status_of(tids_.at(call), "TracerPid") > 0; });
    }
    // A request for the thread that waits there, which says that it has ended as it should.
    void interrupt(const std::string& call) {
        const std::string in = call == "cond" ? "pthread_cond_wait" : call == "sem" ? "sem_wait" : call;
        expect_status(0, interruptctl({"wait", pid(), tids_.at(call), "--in", in, "--timeout", "60"}));
        expect_status(0, interruptctl({"interrupt", pid(), tids_.at(call), "--timeout", "60"}));
        const std::string expected = call + " " + tids_.at(call) + (call == "cond" ? " 0 0" : " -1 EINTR");
        EXPECT_EQ(child_.line_that_begins(call + " "), expected);
    }
    Finished finish() { return child_.finish(); }

private:
    static std::vector<std::string> whole(std::vector<std::string> command) {
        command.push_back(TARGETS_DIR "/sleeper");
        command.insert(command.end(), calls.begin(), calls.end());
        return command;
    }

    Child child_;
    std::string pid_;  // of the program, which need not be the command's
    std::map<std::string, std::string> tids_;
};

void interrupt_all_and_end(Accompanied& program) {
    for (const std::string& call : calls) {
        program.interrupt(call);
    }
    const Finished end = program.finish();
    EXPECT_EQ(end.exit_status, 0) << end.out << end.err;
    EXPECT_EQ(end.err, "");
}

// --- other preloaded libraries, in both orders

class OtherPreload : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(With, OtherPreload,
                         testing::Values("libeatmydata.so", "faketime/libfaketime.so.1", "faketime/libfaketimeMT.so.1",
                                         "libjemalloc.so.2"),
                         [](const auto& info) {
                             const std::string name = std::filesystem::path(info.param).filename();
                             return name.substr(0, name.find('.'));
                         });

TEST_P(OtherPreload, BeforeAndAfter) {
    const std::string other = std::string("/usr/lib/x86_64-linux-gnu/") + GetParam();
    if (!std::filesystem::exists(other)) {
        GTEST_SKIP() << other << " is not installed";
    }
    for (const std::string& order : {other + ":" LIBINTERRUPT_PATH, LIBINTERRUPT_PATH ":" + other}) {
        SCOPED_TRACE(order);
        Accompanied program({}, {.environment = {{"LD_PRELOAD", order}, {"FAKETIME", "-15d x2"}}});
        interrupt_all_and_end(program);
    }
}

// --- a program that starts ours, and watches it; what it prints itself must not get into the midst of our program's
// lines

struct Companion {
    const char* name;
    std::vector<std::string> command;
    std::map<std::string, std::string> environment;
};
void PrintTo(const Companion& companion, std::ostream* out) {
    *out << companion.name;
}

class Started : public testing::TestWithParam<Companion> {};
INSTANTIATE_TEST_SUITE_P(
    By, Started,
    testing::Values(
        Companion{"strace", {"strace", "-f", "-q", "-o", "/dev/null", "-E", "LD_PRELOAD=" LIBINTERRUPT_PATH}, {}},
        Companion{
            "gdb",
            {"gdb", "-q", "-nx", "-batch", "-ex", "set startup-with-shell off", "-ex", "set print thread-events off",
             "-ex", "set logging file /dev/null", "-ex", "set logging redirect on", "-ex", "set logging enabled on",
             "-ex", "set environment LD_PRELOAD " LIBINTERRUPT_PATH, "-ex", "run", "--args"},
            {}},
        Companion{"valgrind", {"valgrind", "-q", "--error-exitcode=9"}, {{"LD_PRELOAD", LIBINTERRUPT_PATH}}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(Started, EndsEachWait) {
    if (!installed(GetParam().name)) {
        GTEST_SKIP() << GetParam().name << " is not installed";
    }
    Accompanied program(GetParam().command, {.environment = GetParam().environment});
    interrupt_all_and_end(program);
}

// --- one that comes and goes while it runs

TEST(Attached, StracePassesNudgesOn) {
    if (!installed("strace")) {
        GTEST_SKIP() << "strace is not installed";
    }
    Accompanied program({}, {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}});
    Child strace({"strace", "-f", "-p", program.pid(), "-e", "trace=none"});
    for (const char* call : {"recv", "cond", "sem"}) {
        ASSERT_TRUE(program.traced(call));
        program.interrupt(call);
    }
    strace.send(SIGINT);
    strace.finish();
    for (const char* call : {"poll", "nanosleep", "read"}) {
        program.interrupt(call);
    }
    EXPECT_EQ(program.finish().exit_status, 0);
}

TEST(Attached, GdbPassesNudgesOn) {
    if (!installed("gdb")) {
        GTEST_SKIP() << "gdb is not installed";
    }
    Accompanied program({}, {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}});
    for (size_t i = 0; i < calls.size(); i += 3) {
        Child gdb({"gdb", "-q", "-nx", "-batch", "-p", program.pid(), "-ex", "thread apply all bt 1", "-ex", "detach"});
        ASSERT_TRUE(program.traced(calls[i]));
        program.interrupt(calls[i]);
        program.interrupt(calls[i + 1]);
        EXPECT_EQ(gdb.finish().exit_status, 0);
        program.interrupt(calls[i + 2]);
    }
    EXPECT_EQ(program.finish().exit_status, 0);
}

}  // namespace
}  // namespace interrupt_tests
