// interruptctl watch, in a terminal that tmux plays: keys go in, and the screen is read.

#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

class Watching : public testing::Test {
protected:
    Watching() : place_("/tmp") {
        if (run({"tmux", "-V"}).exit_status != 0) {
            skipped_ = true;
        }
    }
    ~Watching() override {
        if (!skipped_) {
            tmux({"kill-server"});
        }
    }
    void SetUp() override {
        if (skipped_) {
            GTEST_SKIP() << "there is no tmux";
        }
    }

    Finished tmux(std::vector<std::string> words) const {
        words.insert(words.begin(), {"tmux", "-u", "-S", place_.path() + "/socket", "-f", "/dev/null"});
        return run(words, {.environment = {{"LC_ALL", "C.UTF-8"}, {"TMUX", ""}}});
    }
    // The command in a shell that says afterwards what the status was.
    void start(const std::string& words, int width = 100, int height = 20) {
        const std::string command = std::string(INTERRUPTCTL_PATH) + " watch --interval 0.05 " + words;
        const Finished done = tmux({"new-session", "-d", "-x", std::to_string(width), "-y", std::to_string(height),
                                    command + "; echo \"[status $?]\"; stty -a | grep -o -e ' echo' -e ' icanon'; "
                                              "exec cat"});
        ASSERT_EQ(done.exit_status, 0) << done.err;
    }
    void type(const std::string& keys) const { tmux({"send-keys", "-l", keys}); }
    void press(const std::string& key) const { tmux({"send-keys", key}); }
    void resize(int width, int height) const {
        tmux({"resize-window", "-x", std::to_string(width), "-y", std::to_string(height)});
    }
    std::string screen() const { return tmux({"capture-pane", "-p"}).out; }
    ::testing::AssertionResult shows(const std::string& text) const {
        std::string last;
        if (eventually([&] { return (last = screen()).find(text) != std::string::npos; })) {
            return ::testing::AssertionSuccess();
        }
        return ::testing::AssertionFailure() << "no `" << text << "` in\n" << last;
    }
    void quits_well() {
        type("q");
        EXPECT_TRUE(shows("[status 0]"));
        EXPECT_TRUE(shows(" icanon")) << "the terminal is as it was";
    }

    TemporaryDirectory place_;
    bool skipped_ = false;
};

TEST_F(Watching, InterruptsTheThreadThatIsChosen) {
    Sleeper sleeper({"recv", "sem"});
    start(sleeper.pid());
    ASSERT_TRUE(shows("recv(fd "));
    type("/sem");
    press("Enter");
    ASSERT_TRUE(shows("1 of 3 threads"));
    type("i");
    ASSERT_TRUE(shows("interrupt " + sleeper.tid("sem") + " with default? y n"));
    type("n");
    type("oerrno:EIOO");
    press("Enter");
    ASSERT_TRUE(shows("is no error name"));
    press("BSpace");
    press("Enter");
    ASSERT_TRUE(shows("interrupt (errno:EIO)"));
    EXPECT_EQ(sleeper.seen("sem").at("state"), "blocked") << "not yet";
    type("iy");
    EXPECT_TRUE(shows(sleeper.tid("sem") + " delivered in "));
    EXPECT_EQ(sleeper.result("sem"), "-1 EIO");
    quits_well();
}

TEST_F(Watching, ClearsWhatIsPending) {
    Sleeper sleeper({"masked"});
    interruptctl({"interrupt", sleeper.pid(), sleeper.tid("masked"), "--sticky", "--timeout", "0"});
    start(sleeper.pid());
    type("/masked");
    press("Enter");
    ASSERT_TRUE(shows("1 of 2 threads"));
    ASSERT_TRUE(shows(" default "));
    type("c");
    EXPECT_TRUE(shows(sleeper.tid("masked") + " cleared: default"));
    EXPECT_TRUE(sleeper.seen("masked").at("pending").is_null());
    quits_well();
}

TEST_F(Watching, LeavesNoRequestBehind) {
    Sleeper sleeper({"masked"});
    start(sleeper.pid());
    type("/masked");
    press("Enter");
    ASSERT_TRUE(shows("1 of 2 threads"));
    type("iy");
    ASSERT_TRUE(eventually([&] { return !sleeper.seen("masked").at("pending").is_null(); }));
    quits_well();
    EXPECT_TRUE(sleeper.seen("masked").at("pending").is_null());
}

TEST_F(Watching, GoesFromTheProcessesToTheThreadsAndBack) {
    Sleeper sleeper({"recv"});
    start("");
    ASSERT_TRUE(shows("processes under the shim"));
    type("/" + sleeper.pid());
    press("Enter");
    ASSERT_TRUE(shows("sleeper recv"));
    press("Enter");
    ASSERT_TRUE(shows("process " + sleeper.pid() + ": 2 threads"));
    ASSERT_TRUE(shows("recv(fd "));
    press("Left");
    ASSERT_TRUE(shows("processes under the shim"));
    type("?");
    ASSERT_TRUE(shows("any key"));
    type("x");
    quits_well();
}

TEST_F(Watching, FitsEverySize) {
    Sleeper sleeper({"recv"});
    start(sleeper.pid());
    ASSERT_TRUE(shows("DELIVERED"));
    resize(20, 5);
    ASSERT_TRUE(eventually([&] { return screen().find("DELIVERED") == std::string::npos; }));
    EXPECT_TRUE(shows("recv(fd "));
    for (const auto& [width, height] : {std::pair{1, 1}, {2, 2}, {200, 1}, {1, 50}, {30, 3}}) {
        resize(width, height);
        type("jk");
        type("?");
        type(" ");
    }
    resize(100, 20);
    EXPECT_TRUE(shows("DELIVERED"));
    EXPECT_TRUE(shows("recv(fd "));
    quits_well();
}

TEST_F(Watching, OutlivesTheProcess) {
    Sleeper sleeper({"recv"});
    start(sleeper.pid());
    ASSERT_TRUE(shows("recv(fd "));
    sleeper.child().send(SIGKILL);
    EXPECT_TRUE(shows("process " + sleeper.pid() + " has ended."));
    EXPECT_TRUE(shows("processes under the shim"));
    quits_well();
}

TEST_F(Watching, GivesTheTerminalBackWhenItIsStopped) {
    Sleeper sleeper({"recv"});
    start(sleeper.pid());
    ASSERT_TRUE(shows("recv(fd "));
    press("C-c");
    EXPECT_TRUE(shows("[status 0]"));
    EXPECT_TRUE(shows(" icanon"));
}

TEST(Watch, OnceIsText) {
    Sleeper sleeper({"recv"});
    const Finished threads = interruptctl({"watch", sleeper.pid(), "--once"});
    expect_status(0, threads);
    EXPECT_NE(threads.out.find("\n" + sleeper.tid("recv") + "  recv"), std::string::npos) << threads.out;
    EXPECT_EQ(threads.out.find('\x1b'), std::string::npos);
    const Finished processes = interruptctl({"watch", "--once"});
    expect_status(0, processes);
    EXPECT_NE(processes.out.find("\n" + sleeper.pid() + " "), std::string::npos) << processes.out;
}

TEST(Watch, SaysWhatItNeeds) {
    const Finished done = interruptctl({"watch"});
    expect_status(2, done);
    EXPECT_NE(done.err.find("terminal"), std::string::npos) << done.err;
    expect_status(2, interruptctl({"watch", "--interval", "0"}));
    expect_status(3, interruptctl({"watch", "999999999"}));
}

}  // namespace
}  // namespace interrupt_tests
