// interruptctl wait: a thread that waits is found, one that passes through is not.

#include <csignal>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

Finished wait(const std::string& pid, std::vector<std::string> words) {
    words.insert(words.begin(), {"wait", pid});
    return interruptctl(words);
}

// targets/passing
class Passing {
public:
    explicit Passing(const std::string& way)
        : child_({TARGETS_DIR "/passing", way}, {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}}) {
        child_.line_that_begins("ready");
    }
    // Looks for a while.
    Finished wait(std::vector<std::string> words) {
        words.insert(words.end(), {"--timeout", "0.5"});
        return interrupt_tests::wait(std::to_string(child_.pid()), words);
    }
    Finished finish() { return child_.finish(); }

private:
    Child child_;
};

void expect_says(const Finished& finished, const std::string& words) {
    EXPECT_NE(finished.err.find(words), std::string::npos) << finished.err;
}

TEST(WaitFor, OneOfSeveralCalls) {
    Sleeper sleeper({"recv", "sem"});
    const Finished both = wait(sleeper.pid(), {"--in", "accept,sem_wait"});
    expect_status(0, both);
    EXPECT_TRUE(both.out.starts_with(sleeper.tid("sem") + " in sem_wait(")) << both.out;
    expect_status(0, wait(sleeper.pid(), {sleeper.tid("recv"), "--in", "any"}));
    expect_status(2, wait(sleeper.pid(), {"--in", "recv,"}));
    expect_says(wait(sleeper.pid(), {"--in", "recv,acept"}), "`accept`");
}

TEST(WaitFor, ThreadsByNameAndDescriptor) {
    Sleeper sleeper({"recv", "read"});
    const std::string fd = std::to_string(sleeper.seen("recv").at("target").get<int>());
    const Finished named = wait(sleeper.pid(), {"--in", "any", "--thread", "rec*"});
    EXPECT_TRUE(named.out.starts_with(sleeper.tid("recv") + " in recv(fd " + fd)) << named.out << named.err;
    const Finished there = wait(sleeper.pid(), {"--in", "recv,read", "--fd", fd});
    EXPECT_TRUE(there.out.starts_with(sleeper.tid("recv") + " in recv(fd " + fd)) << there.out << there.err;
    const Finished elsewhere = wait(sleeper.pid(), {"--in", "recv", "--fd", "999", "--timeout", "0"});
    expect_status(5, elsewhere);
    expect_says(elsewhere, "of fd 999");
    expect_says(elsewhere, "1 in recv(fd " + fd + ")");
    const Finished nobody = wait(sleeper.pid(), {"--in", "recv", "--thread", "worker*", "--timeout", "0"});
    expect_status(5, nobody);
    expect_says(nobody, "is named like `worker*`");
}

TEST(WaitFor, SeveralThreadsAtTheSameTime) {
    Sleeper sleeper({"recv", "read", "spin"});
    const Finished two = wait(sleeper.pid(), {"--in", "recv,read", "--count", "2", "--thread", "re*"});
    expect_status(0, two);
    EXPECT_NE(two.out.find(sleeper.tid("recv") + " in recv("), std::string::npos) << two.out;
    EXPECT_NE(two.out.find(sleeper.tid("read") + " in read("), std::string::npos) << two.out;
    const auto json =
        nlohmann::json::parse(wait(sleeper.pid(), {"--in", "any", "--count", "2", "--thread", "re*", "--json"}).out);
    EXPECT_EQ(json.at("pid"), sleeper.child().pid());
    EXPECT_EQ(json.at("threads").size(), 2u);
    const Finished more = wait(sleeper.pid(), {"--in", "recv", "--count", "2", "--timeout", "0.01"});
    expect_status(5, more);
    expect_says(more, "1 of 2 threads are blocked in recv");
    expect_says(more, "1 running");
}

TEST(WaitFor, WhatCannotBeIsUsage) {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"--in", "sem_wait", "--fd", "1"},
             {"--in", "recv,poll", "--fd", "1"},
             {"--in", "recv", "--fd", "-1"},
             {"--in", "recv", "--fd", "x"},
             {"--in", "recv", "--count", "0"},
             {"--in", "recv", "--count", "many"},
             {"1", "--in", "recv", "--count", "2"},
             {"1", "--in", "recv", "--thread", "x"},
             {"--in", "recv,nothing"},
             {"--in", ""},
         }) {
        expect_status(2, wait("1", words));
    }
}

TEST(WaitFor, NoneThatOnlyPassesThrough) {
    for (const auto& [way, call] : {std::pair{"zero", "poll"}, {"data", "recv"}}) {
        Passing passing(way);
        expect_status(5, passing.wait({"--in", call}));
        EXPECT_EQ(passing.finish().exit_status, 0);
    }
}

// It sleeps in the call, and nothing could interrupt it there.
TEST(WaitFor, NoneThatHasBeenWokenAndWaitsForTheMutex) {
    Passing passing("mutex");
    const Finished done = passing.wait({"--in", "pthread_cond_wait"});
    expect_status(5, done);
    expect_says(done, "only passing through pthread_cond_wait");
    EXPECT_EQ(passing.finish().exit_status, 0);
}

// Each is seen waiting, one after the other.
TEST(WaitFor, NoneThatHasGoneOnWhenTheNextOneComes) {
    Passing passing("pair");
    expect_status(0, passing.wait({"--in", "recv"}));
    expect_status(5, passing.wait({"--in", "recv", "--count", "2"}));
    EXPECT_EQ(passing.finish().exit_status, 0);
}

TEST(WaitFor, NoneThatIsStopped) {
    Sleeper sleeper({"recv"});
    sleeper.child().send(SIGSTOP);
    ASSERT_TRUE(eventually([&] { return kernel_state(sleeper.child().pid()) == 'T'; }));
    const Finished stopped = wait(sleeper.pid(), {sleeper.tid("recv"), "--in", "recv", "--timeout", "0"});
    expect_status(5, stopped);
    expect_says(stopped, "it is stopped");
    Child command({INTERRUPTCTL_PATH, "wait", sleeper.pid(), "--in", "recv", "--timeout", "60"});
    sleeper.child().send(SIGCONT);
    EXPECT_EQ(command.finish().exit_status, 0);
}

TEST(WaitFor, NobodyOfAnotherProgram) {
    Sleeper sleeper({"spin"});
    Child command({INTERRUPTCTL_PATH, "wait", sleeper.pid(), "--in", "nanosleep", "--timeout", "60"});
    ASSERT_TRUE(eventually([&] { return kernel_state(command.pid()) == 'S'; }));
    sleeper.child().write("exec");  // another program under no shim: it can never be
    const Finished done = command.finish();
    expect_status(4, done);
    expect_says(done, "has called exec");
}

TEST(WaitFor, NobodyOfAProcessThatEnds) {
    Sleeper sleeper({"recv"});
    Child command({INTERRUPTCTL_PATH, "wait", sleeper.pid(), sleeper.tid("recv"), "--in", "accept", "--timeout", "60"});
    ASSERT_TRUE(eventually([&] { return kernel_state(command.pid()) == 'S'; }));
    sleeper.child().send(SIGKILL);
    const Finished done = command.finish();
    expect_status(3, done);
    expect_says(done, "has ended");
}

TEST(InterruptIn, AnyCallThatCanEndSo) {
    Sleeper sleeper({"recv", "sem", "join"});
    const Finished eof = interruptctl({"interrupt", sleeper.pid(), "--in", "any", "--as", "eof", "--name", "[!s]*"});
    expect_status(0, eof);
    EXPECT_TRUE(eof.out.starts_with(sleeper.tid("recv") + " delivered")) << eof.out;
    EXPECT_EQ(std::count(eof.out.begin(), eof.out.end(), '\n'), 1) << eof.out;
    const Finished any =
        interruptctl({"interrupt", sleeper.pid(), "--in", "any", "--name", "[!r]*", "--timeout", "20"});
    expect_status(0, any);
    EXPECT_NE(any.out.find(sleeper.tid("sem") + " delivered"), std::string::npos) << any.out;
    EXPECT_EQ(any.out.find(sleeper.tid("join")), std::string::npos) << any.out;
}

TEST(InterruptIn, SeveralCalls) {
    Sleeper sleeper({"recv", "sem", "nanosleep"});
    const Finished done = interruptctl({"interrupt", sleeper.pid(), "--in", "recv,sem_wait", "--timeout", "20"});
    expect_status(0, done);
    EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 2);
    EXPECT_NE(done.out.find(sleeper.tid("recv") + " delivered"), std::string::npos) << done.out;
    EXPECT_NE(done.out.find(sleeper.tid("sem") + " delivered"), std::string::npos) << done.out;
    EXPECT_EQ(sleeper.seen("nanosleep").at("state"), "blocked");
    expect_status(2, interruptctl({"interrupt", sleeper.pid(), "--in", "recv,poll", "--as", "eof"}));
    expect_says(interruptctl({"interrupt", sleeper.pid(), "--in", "accept,recv"}), "waits in accept or recv");
}

}  // namespace
}  // namespace interrupt_tests
