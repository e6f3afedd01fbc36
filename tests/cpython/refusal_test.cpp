// Which Pythons the adapter moves into, by what they say of themselves. A stand-in says it (stand_in_python.cpp): it
// has every name that the adapter looks for, so that the version alone decides.
#include <gtest/gtest.h>

#include "python_process.h"

namespace cpython_test {
namespace {

struct Said {
    std::string doctor;
    Finished interrupted;
};

// What is said of a `sleep` with such a Python in it, asleep.
Said said_of(const std::string& version) {
    setenv("STAND_IN_VERSION", version.c_str(), 1);
    Child sleep({"/bin/sleep", "100"}, LIBINTERRUPT_PATH ":" STAND_IN_PATH);
    unsetenv("STAND_IN_VERSION");
    const std::string pid = std::to_string(sleep.pid());
    for (int i = 0; i < 1000 && !run({INTERRUPTCTL_PATH, "threads", pid}).ended_with(0); ++i) {
        usleep(10'000);  // until it has a table
    }
    EXPECT_EQ(answer("await " + pid + " nanosleep default"), "done");
    Said said;
    said.doctor = run({INTERRUPTCTL_PATH, "doctor", pid}).output;
    said.interrupted = run({INTERRUPTCTL_PATH, "interrupt", pid, pid, "--timeout", "30"});
    return said;
}

void expect_refused(const std::string& version, const std::string& reason) {
    const Said said = said_of(version);
    EXPECT_NE(said.doctor.find("(" + reason + ")"), std::string::npos) << version << '\n' << said.doctor;
    EXPECT_TRUE(said.interrupted.ended_with(0)) << said.interrupted.output;
}

// As 3.13t says it, and as 3.14t does.
TEST(Refusal, OfFreeThreadedBuilds) {
    const char* const reason = "a free-threaded build is not known";
    expect_refused("3.13.0 experimental free-threading build (main, Oct  8 2024, 01:04:00) [GCC 12.2.0]", reason);
    expect_refused("3.13.0 free-threading build (main, Oct  8 2024, 01:04:00) [GCC 12.2.0]", reason);
}

TEST(Refusal, OfVersionsThatAreNotKnown) {
    const char* const reason = "only CPython 3.6 to 3.13 is known";
    for (const char* version : {"3.5.10 (default) [GCC]", "3.14.0 free-threading build (main) [GCC]", "4.0.0 (main)",
                                "2.7.18 (default) [GCC]", ""}) {
        expect_refused(version, reason);
    }
}

// The same stand-in with a version that is known: the adapter waits for a moment at which it can move in.
TEST(Refusal, OfNothingElse) {
    for (const char* version : {"3.6.15 (default) [GCC]", "3.13.0 (main, Oct  8 2024, 01:04:00) [GCC 12.2.0]"}) {
        const Said said = said_of(version);
        EXPECT_EQ(said.doctor.find("is not known"), std::string::npos) << said.doctor;
        EXPECT_NE(said.doctor.find("waiting"), std::string::npos) << said.doctor;
        EXPECT_TRUE(said.interrupted.ended_with(0)) << said.interrupted.output;
    }
}

// Another library may stand before one function of Python's, in a program without Python as well.
TEST(Refusal, NotForTheSakeOfAWrapper) {
    const std::string preload = LIBINTERRUPT_PATH ":" VERSION_WRAPPER_PATH;
    EXPECT_TRUE(run({"/bin/true"}, preload).ended_with(0));
    for (const Interpreter& interpreter : find_interpreters()) {
        const Finished finished = run({interpreter.path, "-c", "import libinterrupt"}, preload);
        EXPECT_TRUE(finished.ended_with(0)) << interpreter.path << '\n' << finished.output;
    }
}

}  // namespace
}  // namespace cpython_test
