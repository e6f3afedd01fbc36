// interruptctl ps and doctor.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "control/thread_table_abi.h"
#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

TEST(Ps, ListsProcessesUnderTheShimOnly) {
    Sleeper sleeper({"recv"});
    Child other({"sleep", "1000"});
    const Finished done = interruptctl({"ps", "--json"});
    expect_status(0, done);
    bool listed = false;
    const auto json = nlohmann::json::parse(done.out);
    for (const auto& process : json.at("processes")) {
        EXPECT_NE(process.at("pid"), other.pid());
        if (process.at("pid") == sleeper.child().pid()) {
            listed = true;
            EXPECT_EQ(process.at("threads"), 2);
            EXPECT_TRUE(process.at("runtime").is_null());
            EXPECT_TRUE(process.at("reason").is_null());
            EXPECT_NE(process.at("command").get<std::string>().find("sleeper recv"), std::string::npos);
        }
    }
    EXPECT_TRUE(listed) << done.out;
    const Finished text = interruptctl({"ps"});
    EXPECT_TRUE(text.out.starts_with("PID ")) << text.out;
    EXPECT_NE(text.out.find("\n" + sleeper.pid() + " "), std::string::npos) << text.out;
}

class PsCleans : public testing::Test {
protected:
    PsCleans() : place_("/dev/shm") {}
    std::string table(const std::string& name, bool complete) {
        const std::string path = place_.path() + "/" + name;
        std::string bytes(sizeof(interrupt::TableHeader), '\0');
        if (complete) {
            std::copy(std::begin(interrupt::table_magic), std::end(interrupt::table_magic), bytes.begin());
        }
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }
    Surroundings here() const { return {.environment = {{"INTERRUPT_DIR", place_.path()}}, .user = 0}; }
    Surroundings here_under_shim() const {
        Surroundings surroundings = here();
        surroundings.environment["LD_PRELOAD"] = LIBINTERRUPT_PATH;
        return surroundings;
    }
    size_t tables() const {
        return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(place_.path()), {}));
    }
    // It says nothing of what it removes.
    void ps() {
        const Finished done = interruptctl({"ps"}, here());
        expect_status(0, done);
        EXPECT_EQ(done.err, "");
        EXPECT_EQ(done.out.find(place_.path()), std::string::npos) << done.out;  // other tests' processes may be listed
    }
    static pid_t dead_pid() {
        Child child({"true"});
        const pid_t pid = child.pid();
        child.finish();
        return pid;
    }

    TemporaryDirectory place_;
};

TEST_F(PsCleans, TablesThatNobodyUses) {
    const std::string own = std::to_string(::getpid());
    const std::string never = "18446744073709551615";
    const std::string late = "9000000000000000000";
    const std::string dead = table(std::to_string(dead_pid()) + "-5-ab.table", true);
    const std::string dead_unfinished = table(std::to_string(dead_pid()) + "-6-ab.table", false);
    const std::string older = table(own + "-1-ab.table", true);                // made before the process started
    const std::string unmapped = table(own + "-" + late + "-ab.table", true);  // the process has called exec since
    const std::string unfinished = table(own + "-" + late + "-cd.table", false);
    const std::string foreign = table(own + "-" + never + "-ab.table", true);
    const std::string otherwise_named = table("1-2-ab.table.txt", true);
    const std::string link = place_.path() + "/" + std::to_string(dead_pid()) + "-7-ab.table";
    ASSERT_EQ(::symlink(otherwise_named.c_str(), link.c_str()), 0);
    ps();
    EXPECT_FALSE(std::filesystem::exists(dead));
    EXPECT_FALSE(std::filesystem::exists(dead_unfinished));
    EXPECT_FALSE(std::filesystem::exists(older));
    EXPECT_FALSE(std::filesystem::exists(unmapped));
    EXPECT_TRUE(std::filesystem::exists(unfinished)) << "its process may be making it now";
    EXPECT_TRUE(std::filesystem::exists(foreign)) << "no table's name";
    EXPECT_TRUE(std::filesystem::exists(otherwise_named));
    EXPECT_TRUE(std::filesystem::is_symlink(link));
}

TEST_F(PsCleans, ButNoneThatIsMapped) {
    Sleeper sleeper({"recv"}, true, {.environment = {{"INTERRUPT_DIR", place_.path()}}, .user = 0});
    ps();
    expect_status(0, interruptctl({"threads", sleeper.pid()}));
}

TEST_F(PsCleans, ButNoneOfAStoppedProcess) {
    Sleeper sleeper({"recv"}, true, here());
    sleeper.child().send(SIGSTOP);
    ASSERT_TRUE(eventually([&] { return kernel_state(sleeper.child().pid()) == 'T'; }));
    ps();
    EXPECT_EQ(tables(), 1u);
    sleeper.child().send(SIGCONT);
    expect_status(0, interruptctl({"interrupt", sleeper.pid(), sleeper.tid("recv"), "--timeout", "20"}));
}

TEST_F(PsCleans, ButNoneOfAProcessWhoseFirstThreadHasEnded) {
    Child child({TARGETS_DIR "/leaderless"}, here_under_shim());
    ASSERT_EQ(child.line(), "ready");
    ASSERT_TRUE(eventually([&] { return kernel_state(child.pid()) == 'Z'; }));
    ASSERT_EQ(tables(), 1u);
    ps();
    EXPECT_EQ(tables(), 1u);
    EXPECT_EQ(child.finish().exit_status, 0);
}

// A zombie, which has no threads left.
TEST_F(PsCleans, AfterAProcessThatNobodyHasReaped) {
    Child child({"sh", "-c", "echo $$; exec sleep 1000"});
    const pid_t pid = static_cast<pid_t>(std::stol(child.line()));
    const std::string dead = table(std::to_string(pid) + "-9000000000000000000-ab.table", true);
    child.send(SIGKILL);
    ASSERT_TRUE(eventually([&] { return kernel_state(pid) == 'Z'; }));
    ps();
    EXPECT_FALSE(std::filesystem::exists(dead));
}

// Process ids of another namespace mean other processes here, or none.
TEST_F(PsCleans, ButNoneOfAnotherNamespace) {
    const std::vector<std::string> elsewhere{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"};
    const auto in_elsewhere = [&](std::vector<std::string> command) {
        command.insert(command.begin(), elsewhere.begin(), elsewhere.end());
        return command;
    };
    if (run(in_elsewhere({"true"})).exit_status != 0) {
        GTEST_SKIP() << "may not make a PID namespace";
    }
    Child child(in_elsewhere({"env", "LD_PRELOAD=" LIBINTERRUPT_PATH, TARGETS_DIR "/sleeper", "recv"}), here());
    child.line_that_begins("ready");
    ASSERT_EQ(tables(), 1u);
    ps();
    EXPECT_EQ(tables(), 1u) << "from the outer namespace";
    expect_status(0, run(in_elsewhere({INTERRUPTCTL_PATH, "ps"}), here()));
    EXPECT_EQ(tables(), 1u) << "from a namespace that does not see the process";
    child.send(SIGKILL);
}

// It may be in another namespace: what its maker has written does not tell yet.
TEST_F(PsCleans, ButNoneThatIsJustBeingMade) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    const std::string unfinished =
        table(std::to_string(dead_pid()) + "-" + std::to_string(now.tv_sec) + "000000000-ab.table", false);
    ps();
    EXPECT_TRUE(std::filesystem::exists(unfinished));
}

TEST_F(PsCleans, OnlyInADirectoryOfOnesOwn) {
    const std::string dead = table(std::to_string(dead_pid()) + "-5-ab.table", true);
    ::chmod(place_.path().c_str(), 0755);
    ps();
    EXPECT_TRUE(std::filesystem::exists(dead));
    ::chmod(place_.path().c_str(), 0700);
    ps();
    EXPECT_FALSE(std::filesystem::exists(dead));
}

TEST_F(PsCleans, AfterAKilledProcess) {
    {
        Sleeper sleeper({"recv"}, true, {.environment = {{"INTERRUPT_DIR", place_.path()}}, .user = 0});
        EXPECT_FALSE(std::filesystem::is_empty(place_.path()));
    }
    ps();
    EXPECT_TRUE(std::filesystem::is_empty(place_.path()));
}

TEST(Doctor, KnowsAHealthyProcess) {
    Sleeper sleeper({"recv"});
    const Finished text = interruptctl({"doctor", sleeper.pid()});
    expect_status(0, text);
    EXPECT_TRUE(text.out.starts_with("process " + sleeper.pid() + " can be interrupted.\n")) << text.out;
    const auto json = nlohmann::json::parse(interruptctl({"doctor", sleeper.pid(), "--json"}).out);
    EXPECT_EQ(json.at("ok"), true);
    EXPECT_EQ(json.at("facts").at("version"), INTERRUPT_VERSION);
    EXPECT_EQ(json.at("facts").at("signal"), "SIGURG");
    EXPECT_EQ(json.at("facts").at("signal_caught"), true);
    EXPECT_EQ(json.at("facts").at("seccomp"), false);
    EXPECT_EQ(json.at("facts").at("adapter"), "none");
}

TEST(Doctor, CountsDeliveries) {
    Sleeper sleeper({"recv", "masked"});
    interruptctl({"interrupt", sleeper.pid(), sleeper.tid("recv"), "--timeout", "20"});
    interruptctl({"interrupt", sleeper.pid(), sleeper.tid("masked"), "--timeout", "0.01"});
    const auto facts = nlohmann::json::parse(interruptctl({"doctor", sleeper.pid(), "--json"}).out).at("facts");
    EXPECT_EQ(facts.at("delivered"), 1);
    EXPECT_EQ(facts.at("withdrawn"), 1);
}

TEST(Doctor, LooksAtTheSystem) {
    const TemporaryDirectory place("/dev/shm");
    const auto doctor = [&](const std::string& directory) {
        return interruptctl({"doctor"}, {.environment = {{"INTERRUPT_DIR", place.path() + directory}}, .user = 0});
    };
    ::mkdir((place.path() + "/open").c_str(), 0755);
    ::mkdir((place.path() + "/good").c_str(), 0700);
    ASSERT_EQ(::symlink("good", (place.path() + "/link").c_str()), 0);
    EXPECT_EQ(doctor("/good").exit_status, 0) << doctor("/good").out;
    EXPECT_EQ(doctor("/new").exit_status, 0);
    EXPECT_EQ(doctor("/open").exit_status, 4);
    EXPECT_NE(doctor("/open").out.find("chmod 700"), std::string::npos);
    EXPECT_EQ(doctor("/link").exit_status, 4);
    EXPECT_EQ(doctor("/missing/deep").exit_status, 4);
    EXPECT_EQ(interruptctl({"doctor"}, {.environment = {{"INTERRUPT_DISABLE", "1"}}, .user = 0}).exit_status, 4);
}

TEST(Doctor, TakesANumberForAProcess) {
    expect_status(3, interruptctl({"doctor", "999999999"}));
    const TemporaryDirectory place;
    const std::string program = place.path() + "/123";
    std::filesystem::copy_file("/bin/true", program);
    expect_status(0, interruptctl({"doctor", program}));
}

}  // namespace
}  // namespace interrupt_tests
