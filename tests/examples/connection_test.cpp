// How a program that cannot be changed is tested with <interrupt/gtest.h>. (PYTHON, HERE: where they are on this
// machine.)
#include <interrupt/gtest.h>

#include <csignal>
#include <fstream>
#include <memory>

namespace {

using interrupt::testing::Program;

TEST(Connection, IsToldOfAReset) {
    Program program({PYTHON, HERE "/connection.py"});
    const pid_t worker = program.wait_until_blocked("recv");
    EXPECT_TRUE(program.interrupt(worker, "errno:ECONNRESET"));
    EXPECT_TRUE(program.prints("the connection was reset\n"));
    EXPECT_TRUE(program.exits_with(0));
}

TEST(Connection, WhatIsNotDeliveredIsAFailureWithItsReason) {
    Program program({"cat"});
    const pid_t main = program.wait_until_blocked("read", 0);
    ASSERT_EQ(main, program.pid());
    program.send(SIGSTOP);
    const auto stopped = program.interrupt(main, "default", std::chrono::milliseconds(20));
    EXPECT_FALSE(stopped);
    EXPECT_NE(std::string(stopped.message()).find("it is stopped"), std::string::npos) << stopped.message();
    program.send(SIGCONT);
    EXPECT_FALSE(program.interrupt(main, "errno:NONSENSE"));
    EXPECT_FALSE(program.exits_with(0, std::chrono::milliseconds(1)));
    program.write("hello\n");
    EXPECT_TRUE(program.prints("hello\n"));
    program.close_input();
    EXPECT_FALSE(program.exits_with(1));
    EXPECT_TRUE(program.exits_with(0));
    EXPECT_FALSE(program.prints("goodbye"));
}

TEST(Connection, ReportsWhatDidNotStart) {
    try {
        Program program({"no-such-program"});
        ADD_FAILURE() << "it has started";
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find("no-such-program"), std::string::npos) << error.what();
    }
    Program brief({"true"});
    EXPECT_TRUE(brief.exits_with(0));
}

// Gone, or a zombie that is nobody's to collect.
bool runs(const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/stat");
    std::string id, name, state;
    return file >> id >> name >> state && state != "Z" && state != "X";
}

TEST(Connection, LeavesNothingBehind) {
    auto program = std::make_unique<Program>(std::vector<std::string>{"sh", "-c", "sleep 1000 & echo $!; wait"});
    ASSERT_TRUE(program->prints("\n"));
    const std::string own = std::to_string(program->pid());
    const std::string child = std::to_string(std::stoi(program->output()));
    ASSERT_TRUE(runs(own) && runs(child));
    program.reset();
    EXPECT_FALSE(runs(own));
    for (int i = 0; runs(child) && i < 30'000; ++i) {
        ::usleep(1000);
    }
    EXPECT_FALSE(runs(child));
}

}  // namespace
