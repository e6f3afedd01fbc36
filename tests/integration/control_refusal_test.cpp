// Whom interruptctl refuses, with which status, and that nothing reaches them.

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

constexpr uid_t nobody = 65534;

TEST(Usage, IsCheckedBeforeAnythingElse) {
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{},
                                               {"threds"},
                                               {"threads"},
                                               {"threads", "abc"},
                                               {"threads", "0"},
                                               {"threads", "-1"},
                                               {"threads", "99999999999999999999"},
                                               {"threads", "1", "2", "3"},
                                               {"interrupt", "1", "1", "--as", "nothing"},
                                               {"interrupt", "1", "1", "--as", "errno:"},
                                               {"interrupt", "1", "1", "--as", "errno:EINTERN"},
                                               {"interrupt", "1", "1", "--as", "canceled"},
                                               {"interrupt", "1", "1", "--timeout", "soon"},
                                               {"interrupt", "1", "1", "--timeout", "-1"},
                                               {"interrupt", "1", "1", "--timeout", "nan"},
                                               {"interrupt", "1", "1", "--timeout", "0"},
                                               {"interrupt", "1", "1", "--this-wait", "--sticky"},
                                               {"interrupt", "1", "1", "--all"},
                                               {"interrupt", "1", "--in", "__recv_chk"},
                                               {"interrupt", "1", "1x"},
                                               {"wait", "1"},
                                               {"clear", "1"},
                                               {"run"},
                                               {"run", "--"},
                                               {"run", "--no-such-option", "true"},
                                               {"--no-such-option"}}) {
        const Finished done = interruptctl(command);
        EXPECT_EQ(done.exit_status, 2) << testing::PrintToString(command) << done.err;
        EXPECT_FALSE(done.err.empty());
        EXPECT_TRUE(done.out.empty()) << done.out;
    }
}

TEST(Usage, SuggestsNearNames) {
    EXPECT_NE(interruptctl({"threds", "1"}).err.find("`threads`"), std::string::npos);
    EXPECT_NE(interruptctl({"interrupt", "1", "1", "--as", "errno:ECONRESET"}).err.find("`ECONNRESET`"),
              std::string::npos);
    EXPECT_NE(interruptctl({"interrupt", "1", "1", "--as", "timout"}).err.find("`timeout`"), std::string::npos);
    EXPECT_NE(interruptctl({"interrupt", "1", "--in", "recvform"}).err.find("`recvfrom`"), std::string::npos);
    EXPECT_NE(interruptctl({"interrupt", "1", "--in", "__read_chk"}).err.find("`read`"), std::string::npos);
}

TEST(Usage, HelpAndVersionSucceed) {
    const Finished version = interruptctl({"--version"});
    expect_status(0, version);
    EXPECT_EQ(version.out, "interruptctl " INTERRUPT_VERSION "\n");
    const Finished help = interruptctl({"--help"});
    expect_status(0, help);
    for (const std::string command : {"run", "ps", "threads", "interrupt", "wait", "clear", "doctor"}) {
        EXPECT_NE(help.out.find("\n  " + command + " "), std::string::npos) << command;
        const Finished own = interruptctl({command, "--help"});
        expect_status(0, own);
        EXPECT_NE(own.out.find("Example"), std::string::npos) << command;
    }
}

TEST(Refuses, ProcessesThatAreNotThere) {
    Child child({"true"});
    const pid_t dead = child.pid();
    child.finish();
    for (const std::string command : {"threads", "interrupt", "doctor"}) {
        expect_status(3, interruptctl({command, std::to_string(dead)}));
    }
}

TEST(Refuses, AZombie) {
    Child child({"true"});
    ASSERT_TRUE(eventually([&] { return kernel_state(child.pid()) == 'Z'; }));
    const Finished done = interruptctl({"threads", std::to_string(child.pid())});
    expect_status(3, done);
    EXPECT_NE(done.err.find("ended"), std::string::npos) << done.err;
}

TEST(Refuses, AKernelThread) {
    if (kernel_state(2) == '\0' || !contents("/proc/2/cmdline").empty()) {
        GTEST_SKIP() << "no kernel thread can be seen from this PID namespace";
    }
    const Finished done = interruptctl({"threads", "2"});
    expect_status(::geteuid() == 0 ? 4 : done.exit_status, done);
    EXPECT_NE(done.err.find("kernel thread"), std::string::npos) << done.err;
}

TEST(Refuses, AProcessWithoutTheShim) {
    Child child({"sleep", "1000"});
    for (const std::string command : {"threads", "interrupt"}) {
        const Finished done = interruptctl({command, std::to_string(child.pid())});
        expect_status(4, done);
        EXPECT_NE(done.err.find("interruptctl run"), std::string::npos) << done.err;
    }
    EXPECT_EQ(interruptctl({"doctor", std::to_string(child.pid())}).exit_status, 4);
}

TEST(Refuses, AThreadOfAnotherProcess) {
    Sleeper one({"recv"});
    Sleeper other({"recv"});
    const Finished done = interruptctl({"interrupt", one.pid(), other.tid("recv")});
    expect_status(3, done);
    EXPECT_NE(done.err.find("process " + other.pid()), std::string::npos) << done.err;
    expect_status(3, interruptctl({"clear", one.pid(), other.tid("recv")}));
    // As a process id, a thread's id is refused as well.
    expect_status(3, interruptctl({"threads", one.tid("recv")}));
    EXPECT_EQ(one.seen("recv").at("state"), "blocked");
    EXPECT_EQ(other.seen("recv").at("state"), "blocked");
}

TEST(Refuses, AThreadThatHasEnded) {
    Sleeper sleeper({"recv"});
    expect_status(0, interruptctl({"interrupt", sleeper.pid(), sleeper.tid("recv"), "--timeout", "20"}));
    ASSERT_TRUE(eventually([&] { return kernel_state(std::stoi(sleeper.tid("recv"))) == '\0'; }));
    expect_status(3, interruptctl({"interrupt", sleeper.pid(), sleeper.tid("recv")}));
}

TEST(Refuses, AProcessThatHasCalledExec) {
    Sleeper sleeper({"recv"});
    const std::string thread = sleeper.tid("recv");
    sleeper.child().write("exec");
    ASSERT_TRUE(eventually([&] { return contents("/proc/" + sleeper.pid() + "/comm") == "sleep\n"; }));
    expect_status(4, interruptctl({"interrupt", sleeper.pid(), sleeper.pid()}));
    expect_status(4, interruptctl({"interrupt", sleeper.pid(), thread}));
    EXPECT_EQ(kernel_state(sleeper.child().pid()), 'S');
}

TEST(Refuses, AProcessThatCallsExecMeanwhile) {
    Sleeper sleeper({"masked"});
    Child command({INTERRUPTCTL_PATH, "interrupt", sleeper.pid(), sleeper.tid("masked"), "--timeout", "1000"});
    ASSERT_TRUE(eventually([&] { return sleeper.seen("masked").at("pending") == "default"; }));
    sleeper.child().write("exec");
    const Finished done = command.finish();
    EXPECT_EQ(done.exit_status, 5) << done.out << done.err;
    EXPECT_NE(done.out.find("not delivered"), std::string::npos) << done.out;
    EXPECT_EQ(kernel_state(sleeper.child().pid()), 'S');
}

TEST(Refuses, AProcessThatEndsMeanwhile) {
    Sleeper sleeper({"masked"});
    Child command({INTERRUPTCTL_PATH, "interrupt", sleeper.pid(), sleeper.tid("masked"), "--timeout", "1000"});
    ASSERT_TRUE(eventually([&] { return sleeper.seen("masked").at("pending") == "default"; }));
    sleeper.child().finish();
    const Finished done = command.finish();
    EXPECT_EQ(done.exit_status, 5) << done.out << done.err;
    EXPECT_NE(done.out.find("ended"), std::string::npos) << done.out;
}

TEST(Refuses, AThreadUnderASeccompFilter) {
    Sleeper sleeper({"seccomp"});
    const Finished done = interruptctl({"interrupt", sleeper.pid(), sleeper.tid("seccomp")});
    EXPECT_EQ(done.exit_status, 4);
    EXPECT_NE(done.out.find("seccomp"), std::string::npos) << done.out << done.err;
    EXPECT_TRUE(sleeper.seen("seccomp").at("pending").is_null());
    const Finished doctor = interruptctl({"doctor", sleeper.pid()});
    EXPECT_EQ(doctor.exit_status, 4);
    EXPECT_NE(doctor.out.find("seccomp"), std::string::npos);
}

// interruptctl as another user than the process's, in a place where that user can execute it.
class OtherUser : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "only root can become another user";
        }
        ::chmod(place_.path().c_str(), 0755);
        std::filesystem::copy_file(INTERRUPTCTL_PATH, command());
    }
    std::string command() const { return place_.path() + "/interruptctl"; }

    TemporaryDirectory place_;
};

TEST_F(OtherUser, IsRefused) {
    Sleeper sleeper({"recv"});
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"threads", sleeper.pid()},
                                               {"interrupt", sleeper.pid(), sleeper.tid("recv")},
                                               {"clear", sleeper.pid(), sleeper.tid("recv")},
                                               {"wait", sleeper.pid(), "--in", "recv"},
                                               {"doctor", sleeper.pid()}}) {
        std::vector<std::string> whole{command()};
        whole.insert(whole.end(), arguments.begin(), arguments.end());
        const Finished done = run(whole, {.environment = {}, .user = nobody});
        expect_status(6, done);
        EXPECT_NE(done.err.find("root"), std::string::npos) << done.err;
    }
    EXPECT_EQ(sleeper.seen("recv").at("state"), "blocked");
}

TEST_F(OtherUser, IsInterruptedByRoot) {
    const TemporaryDirectory tables("/dev/shm");
    ASSERT_EQ(::chown(tables.path().c_str(), nobody, nobody), 0);
    const std::string library = place_.path() + "/libinterrupt.so";
    const std::string program = place_.path() + "/sleeper";
    std::filesystem::copy_file(LIBINTERRUPT_PATH, library);
    std::filesystem::copy_file(TARGETS_DIR "/sleeper", program);
    Child sleeper({program, "recv"},
                  {.environment = {{"LD_PRELOAD", library}, {"INTERRUPT_DIR", tables.path()}}, .user = nobody});
    sleeper.line_that_begins("ready");
    const std::string pid = std::to_string(sleeper.pid());
    expect_status(0, interruptctl({"wait", pid, "--in", "recv"}));
    const Finished listed = run({command(), "ps"}, {.environment = {}, .user = nobody});
    EXPECT_NE(listed.out.find(pid), std::string::npos) << listed.out;
    EXPECT_EQ(interruptctl({"ps"}).out.find("\n" + pid + " "), std::string::npos);
    EXPECT_NE(interruptctl({"ps", "--all"}).out.find("\n" + pid + " "), std::string::npos);
    expect_status(0, interruptctl({"interrupt", pid, "--in", "recv", "--timeout", "20"}));
}

// Another PID namespace: the process and its threads have other numbers there than here.
TEST(Reaches, AProcessInAnotherPidNamespace) {
    Child container({"unshare", "--pid", "--fork", "--mount-proc", "--kill-child", TARGETS_DIR "/sleeper", "recv"},
                    {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}, .user = 0});
    std::string pid;
    const std::string children =
        "/proc/" + std::to_string(container.pid()) + "/task/" + std::to_string(container.pid()) + "/children";
    eventually([&] {
        pid = contents(children);
        return !pid.empty() || kernel_state(container.pid()) == 'Z';
    });
    if (pid.empty()) {
        GTEST_SKIP() << "no PID namespace can be made here";
    }
    pid.pop_back();  // the space behind it
    container.line_that_begins("ready");
    const Finished waited = interruptctl({"wait", pid, "--in", "recv", "--json"});
    expect_status(0, waited);
    const auto thread = nlohmann::json::parse(waited.out);
    EXPECT_NE(thread.at("tid"), thread.at("inner_tid"));
    expect_status(0, interruptctl({"interrupt", pid, thread.at("tid").dump(), "--timeout", "20"}));
    EXPECT_TRUE(container.line_that_begins("recv ").ends_with(" -1 EINTR"));
}

// Why a process has no table, told from outside.
struct NoTableCase {
    const char* name;
    std::map<std::string, std::string> environment;
    const char* words;
};

class NoTableReason : public testing::TestWithParam<NoTableCase> {};

TEST_P(NoTableReason, IsSaid) {
    const TemporaryDirectory place("/dev/shm");
    ::mkdir((place.path() + "/open").c_str(), 0755);
    ::mkdir((place.path() + "/good").c_str(), 0700);
    ASSERT_EQ(::symlink("good", (place.path() + "/link").c_str()), 0);
    Surroundings surroundings;
    for (auto [name, value] : GetParam().environment) {
        if (value.starts_with("@")) {
            value.replace(0, 1, place.path());
        }
        surroundings.environment[name] = value;
    }
    Sleeper sleeper({"recv"}, true, surroundings);
    const Finished threads = interruptctl({"threads", sleeper.pid()});
    expect_status(4, threads);
    EXPECT_NE(threads.err.find(GetParam().words), std::string::npos) << threads.err;
    const Finished doctor = interruptctl({"doctor", sleeper.pid()});
    EXPECT_EQ(doctor.exit_status, 4);
    EXPECT_NE(doctor.out.find(GetParam().words), std::string::npos) << doctor.out;
    const Finished ps = interruptctl({"ps"});
    EXPECT_NE(ps.out.find(GetParam().words), std::string::npos) << ps.out;
}

INSTANTIATE_TEST_SUITE_P(
    Refuses, NoTableReason,
    testing::Values(NoTableCase{"Disabled", {{"INTERRUPT_DISABLE", "1"}}, "INTERRUPT_DISABLE is set"},
                    NoTableCase{"BadSignal", {{"INTERRUPT_SIGNAL", "TERM"}}, "INTERRUPT_SIGNAL"},
                    NoTableCase{"NoDirectory", {{"INTERRUPT_DIR", "@/missing/deep"}}, "could not be made"},
                    NoTableCase{"OpenDirectory", {{"INTERRUPT_DIR", "@/open"}}, "open to others"},
                    NoTableCase{"Link", {{"INTERRUPT_DIR", "@/link"}}, "symbolic link"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace interrupt_tests
