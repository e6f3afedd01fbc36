// INTERRUPT_ON: what a signal does to a native program (targets/on_signal.cpp).
#include "contract_programs.h"

namespace interrupt_tests {
namespace {

class OnSignal : public testing::Test {
protected:
    Start start(const std::string& rules, std::vector<std::string> modes = {}, const std::string& grace = "20") {
        return {.target = "on_signal",
                .arguments = std::move(modes),
                .environment = {{"INTERRUPT_ON", rules}, {"INTERRUPT_GRACE", grace}},
                .before_exec = [] {
                    signal(SIGINT, SIG_DFL);
                    signal(SIGTERM, SIG_DFL);
                }};
    }
    // Sends the signal when main waits; the whole output.
    std::string after(const Start& how, int signal = SIGINT) {
        Program program(how);
        EXPECT_TRUE(program.says("main waits")) << program.output();
        await_pause(program.pid());
        kill(program.pid(), signal);
        return program.finish();
    }
    static void await_pause(pid_t pid) {
        EXPECT_TRUE(eventually([pid] { return state_of(pid) == 'S'; }));
    }
    static char state_of(pid_t pid) {
        std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
        std::string id, name, state;
        stat >> id >> name >> state;
        return state.empty() ? '?' : state[0];
    }
    static int id_after(const std::string& output, const std::string& words) {
        return std::stoi(output.substr(output.find(words) + words.size()));
    }
    static void expect_interrupted(const std::string& output, std::vector<std::string> names, bool cleaned_up = true) {
        for (const std::string name : {"main", "worker-1", "worker-2", "other", "unknown", "child"}) {
            const bool wanted = std::find(names.begin(), names.end(), name) != names.end();
            EXPECT_EQ(output.find(name + " interrupted") != std::string::npos, wanted) << name << ":\n" << output;
            if (name != "main" && name != "child") {
                EXPECT_EQ(output.find(name + " cleaned up") != std::string::npos, wanted && cleaned_up) << output;
            }
        }
    }
    static int count(const std::string& output, const std::string& words) {
        int found = 0;
        for (size_t at = 0; (at = output.find(words, at)) != std::string::npos; at += words.size()) {
            ++found;
        }
        return found;
    }
    // As the kernel has it.
    static bool catches(pid_t pid, int signal) {
        std::ifstream status("/proc/" + std::to_string(pid) + "/status");
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("SigCgt:")) {
                return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
            }
        }
        return false;
    }
    static bool ends(const std::string& output, const std::string& how) { return output.ends_with(how); }
    // Its main thread is about to wait, and the requests have not taken the default action's place yet.
    static void expect_all_interrupted_by_next_signal(Program& program) {
        await_pause(program.pid());
        kill(program.pid(), SIGINT);
        const std::string output = program.finish();
        expect_interrupted(output, {"main", "worker-1", "worker-2", "other"});
        EXPECT_TRUE(ends(output, "[exit 3]")) << output;
    }
};

// A program that asks so whether there are filters is not under one.
TEST_F(OnSignal, AFilterThatCannotBeSetChangesNothing) {
    const std::string output = after(start("SIGINT=all", {"no-filter"}));
    expect_interrupted(output, {"main", "worker-1", "worker-2", "other"});
    EXPECT_TRUE(ends(output, "[exit 3]")) << output;
}

// Otherwise the rest shows nothing.
TEST_F(OnSignal, WithoutARuleTheProgramEnds) {
    const std::string output = after(start(""));
    expect_interrupted(output, {});
    EXPECT_TRUE(ends(output, "[signal 2]")) << output;
}

TEST_F(OnSignal, RequestsTakeTheDefaultActionsPlace) {
    for (const char* nudge : {"URG", "WINCH"}) {
        for (const int number : {SIGINT, SIGTERM, SIGRTMIN + 3}) {
            Start how = start("SIGINT=all,SIGTERM=all,SIGRTMIN+3=all");
            how.environment.emplace_back("INTERRUPT_SIGNAL", nudge);
            const std::string output = after(how, number);
            expect_interrupted(output, {"main", "worker-1", "worker-2", "other"});
            EXPECT_TRUE(ends(output, "[exit 3]")) << output;
        }
    }
}

TEST_F(OnSignal, ButOnce) {
    Program program(start("SIGINT=all", {"stubborn"}));
    ASSERT_TRUE(program.says("main waits"));
    await_pause(program.pid());
    kill(program.pid(), SIGINT);
    for (const char* who : {"main", "worker-1", "worker-2", "other"}) {
        EXPECT_TRUE(program.says(std::string(who) + " interrupted")) << program.output();
    }
    kill(program.pid(), SIGINT);
    EXPECT_TRUE(ends(program.finish(), "[signal 2]")) << program.output();
}

TEST_F(OnSignal, OnlyTheChosenThreads) {
    Program program(start("SIGTERM=worker*"));
    ASSERT_TRUE(program.says("main waits"));
    await_pause(program.pid());
    kill(program.pid(), SIGTERM);
    EXPECT_TRUE(program.says("worker-1 cleaned up"));
    EXPECT_TRUE(program.says("worker-2 cleaned up"));
    kill(program.pid(), SIGTERM);
    const std::string output = program.finish();
    expect_interrupted(output, {"worker-1", "worker-2"});
    EXPECT_TRUE(ends(output, "[signal 15]")) << output;
}

TEST_F(OnSignal, ThreadsAreChosenByPatternsAndByMain) {
    const std::vector<std::pair<const char*, std::vector<std::string>>> cases = {
        {"SIGINT=main", {"main"}},
        {"SIGINT=main,SIGINT=worker-[!1]", {"main", "worker-2"}},
        {"SIGINT=main,INT=worker?1", {"main", "worker-1"}},
        {"SIGINT=main,SIGTERM=all,SIGINT=*e*", {"main", "worker-1", "worker-2", "other"}},
        {"SIGINT=main,SIGINT=\\other", {"main", "other"}},
        {"SIGINT=main,SIGINT=wor*-[0-1]", {"main", "worker-1"}},
        {"SIGINT=main,SIGINT=worker", {"main"}},
    };
    for (const auto& [rules, chosen] : cases) {
        SCOPED_TRACE(rules);
        const std::string output = after(start(rules));
        expect_interrupted(output, chosen);
        EXPECT_TRUE(ends(output, "[exit 3]")) << output;
    }
}

TEST_F(OnSignal, WithNobodyToInterruptTheDefaultActs) {
    const std::string output = after(start("SIGINT=nobody*"));
    expect_interrupted(output, {});
    EXPECT_TRUE(ends(output, "[signal 2]")) << output;
}

TEST_F(OnSignal, AThreadThatTheShimDoesNotKnow) {
    const std::string output = after(start("SIGINT=all", {"unknown"}));
    expect_interrupted(output, {"main", "worker-1", "worker-2", "other", "unknown"});
    EXPECT_TRUE(ends(output, "[exit 3]")) << output;
}

TEST_F(OnSignal, BesideTheProgramsHandler) {
    for (const std::vector<std::string>& modes :
         std::vector<std::vector<std::string>>{{"handler"}, {"handler", "jumps"}}) {
        const std::string output = after(start("SIGINT=all", modes));
        EXPECT_NE(output.find("handler\n"), std::string::npos) << output;
        EXPECT_EQ(output.find("main still has a request"), std::string::npos) << output;
        expect_interrupted(output, modes.size() == 1 ? std::vector<std::string>{"main", "worker-1", "worker-2", "other"}
                                                     : std::vector<std::string>{"worker-1", "worker-2", "other"});
        EXPECT_TRUE(ends(output, "[exit 3]")) << output;
    }
}

// Its handler tells it about the signal: the rest of its call goes on by SA_RESTART, unless it is named.
TEST_F(OnSignal, TheThreadThatHandlesItIsInterruptedIfItIsNamedMain) {
    for (const bool named : {true, false}) {
        Program program(start(named ? "SIGINT=main" : "SIGINT=all", {"handler", "flag"}));
        ASSERT_TRUE(program.says("main waits"));
        await_pause(program.pid());
        kill(program.pid(), SIGINT);
        EXPECT_TRUE(program.says("handler"));
        EXPECT_TRUE(program.says(named ? "main interrupted" : "worker-1 interrupted"));
        program.tell('x');
        const std::string output = program.finish();
        EXPECT_EQ(output.find("main read 1") != std::string::npos, !named) << output;
    }
}

TEST_F(OnSignal, EachTimeForAProgramThatGoesOn) {
    Program program(start("SIGINT=all", {"handler", "stubborn", "survivors"}));
    for (int round = 1; round <= 5; ++round) {
        for (int waits = 0; waits < round;) {
            ASSERT_TRUE(program.says("main waits"));
            waits = count(program.output(), "main waits");
            if (waits < round) {
                ASSERT_TRUE(program.says_more());
            }
        }
        await_pause(program.pid());
        kill(program.pid(), SIGINT);
        for (const char* who : {"handler", "worker-1 interrupted", "worker-2 interrupted", "other interrupted"}) {
            while (count(program.output(), who) < round) {
                ASSERT_TRUE(program.says_more()) << program.output();
            }
        }
    }
    EXPECT_EQ(count(program.output(), "worker-1 interrupted"), 5);
    EXPECT_EQ(count(program.output(), "handler"), 5);
}

TEST_F(OnSignal, IgnoredStaysIgnored) {
    Start how = start("SIGINT=all,SIGTERM=main");
    how.before_exec = [] {
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_DFL);
    };
    Program program(how);
    ASSERT_TRUE(program.says("main waits"));
    await_pause(program.pid());
    kill(program.pid(), SIGINT);
    kill(program.pid(), SIGTERM);
    const std::string output = program.finish();
    expect_interrupted(output, {"main"});
    EXPECT_TRUE(ends(output, "[exit 3]")) << output;
}

TEST_F(OnSignal, WhatTheProcessSendsToItselfActsAsAlways) {
    Start how = start("SIGTERM=all,SIGINT=all", {"raise"});
    EXPECT_EQ(outcome_of(how, true), "[signal 15]");
    // After the handler has run, the default action is no more replaced: programs end themselves so.
    const std::string output = after(start("SIGINT=all", {"reset"}, "0"));
    EXPECT_EQ(output.find("main outlived it"), std::string::npos) << output;
    EXPECT_TRUE(ends(output, "[signal 2]")) << output;
}

TEST_F(OnSignal, TheProgramReadsBackWhatItSet) {
    for (const char* nudge : {"URG", "WINCH"}) {
        expect_invisible({.target = "signal_actions",
                          .environment = {{"INTERRUPT_SIGNAL", nudge}, {"INTERRUPT_ON", "SIGUSR1=all"}}});
    }
}

class OnSignalInherited : public testing::TestWithParam<const char*> {};
TEST_P(OnSignalInherited, AsWithoutTheShim) {
    for (const char* state : {"d", "i", "h", "b", "bp"}) {
        for (const char* child : {"bare", "shim"}) {
            SCOPED_TRACE(std::string(state) + " " + child);
            expect_invisible({.target = "signal_heir",
                              .arguments = {state, GetParam(), child},
                              .environment = {{"INTERRUPT_ON", "SIGUSR1=all"}}});
        }
    }
}
INSTANTIATE_TEST_SUITE_P(By, OnSignalInherited, testing::Values("execv", "posix_spawn", "fork"));

TEST_F(OnSignal, AForkedChildIsInterruptedForItself) {
    Program program(start("SIGINT=all", {"fork"}));
    ASSERT_TRUE(program.says("child waits "));
    ASSERT_TRUE(program.says("\n"));
    const pid_t child = id_after(program.output(), "child waits ");
    await_pause(child);
    kill(child, SIGINT);
    ASSERT_TRUE(program.says("child status 1280")) << program.output();
    ASSERT_TRUE(program.says("main waits"));
    expect_interrupted(program.output(), {"child"});
    await_pause(program.pid());
    kill(program.pid(), SIGINT);
    EXPECT_TRUE(ends(program.finish(), "[exit 3]")) << program.output();
}

TEST_F(OnSignal, AVforkChildEndsAsAlways) {
    Program program(start("SIGINT=all", {"vfork"}));
    ASSERT_TRUE(program.says("child waits "));
    ASSERT_TRUE(program.says("\n"));
    const pid_t child = id_after(program.output(), "child waits ");
    await_pause(child);
    kill(child, SIGINT);
    ASSERT_TRUE(program.says("child status 2\n")) << program.output();
    ASSERT_TRUE(program.says("main waits"));
    expect_interrupted(program.output(), {});
    expect_all_interrupted_by_next_signal(program);
}

// libc ignores SIGINT for so long, and gives the child the default action.
TEST_F(OnSignal, AroundSystemAllIsAsAlways) {
    Program program(start("SIGINT=all", {"system"}));
    ASSERT_TRUE(program.says("shell "));
    ASSERT_TRUE(program.says("\n"));
    const pid_t child = id_after(program.output(), "shell ");
    kill(program.pid(), SIGINT);
    kill(child, SIGTERM);
    ASSERT_TRUE(program.says("system 15\n")) << program.output();
    ASSERT_TRUE(program.says("main waits"));
    expect_interrupted(program.output(), {});
    expect_all_interrupted_by_next_signal(program);
}

TEST_F(OnSignal, AnotherProgramBeginsAnew) {
    const std::string output = after(start("SIGINT=all", {"exec"}));
    expect_interrupted(output, {"main", "worker-1", "worker-2", "other"});
    EXPECT_TRUE(ends(output, "[exit 3]")) << output;
}

TEST_F(OnSignal, UnderASandboxTheDefaultActs) {
    const std::string output = after(start("SIGINT=all", {"sandbox"}));
    expect_interrupted(output, {});
    EXPECT_TRUE(ends(output, "[signal 2]")) << output;
}

TEST_F(OnSignal, TheEndWaitsAsLongAsTheGracePeriod) {
    for (const char* grace : {"0", "0.5"}) {
        Program program(start("SIGINT=all", {"survivors"}, grace));
        ASSERT_TRUE(program.says("main waits"));
        await_pause(program.pid());
        const auto begin = Clock::now();
        kill(program.pid(), SIGINT);
        const std::string output = program.finish();
        const auto took = Clock::now() - begin;
        EXPECT_GE(took, milliseconds(std::strcmp(grace, "0") == 0 ? 0 : 500));
        EXPECT_LT(took, seconds(10));
        EXPECT_TRUE(ends(output, "[exit 3]")) << output;
    }
}

TEST_F(OnSignal, ASecondSignalEndsTheWait) {
    for (const std::vector<std::string>& modes :
         std::vector<std::vector<std::string>>{{"survivors"}, {"survivors", "handler"}}) {
        Program program(start("SIGINT=all", modes, "1000"));
        ASSERT_TRUE(program.says("main waits"));
        await_pause(program.pid());
        kill(program.pid(), SIGINT);
        ASSERT_TRUE(program.says("main interrupted"));
        ASSERT_TRUE(program.says("worker-1 interrupted"));
        // With a handler: not before main waits for its threads.
        ASSERT_TRUE(eventually([&] { return !catches(program.pid(), SIGINT); }));
        kill(program.pid(), SIGINT);
        EXPECT_TRUE(ends(program.finish(), "[signal 2]")) << program.output();
    }
}

TEST_F(OnSignal, WhatCannotBeObeyedIsSaidAndIgnored) {
    const std::vector<std::pair<std::string, const char*>> bad = {
        {"SIGINT=all,SIGFOO=all", "there is no signal of that name"},
        {"SIGINT=all,SIGKILL=all", "no program can do anything"},
        {"SIGINT=all,SIGSEGV=all", "the program itself has failed"},
        {"SIGINT=all,SIGURG=all", "the nudge's"},
        {"SIGINT=all,SIGTERM=", "SIGNAL=WHOM"},
        {"SIGINT=all,,", "SIGNAL=WHOM"},
        {"SIGINT=all,SIGRTMIN+31=all", "there is no signal of that name"},
        {"SIGINT=all," + std::string(600, 'x'), "longer than 511 bytes"},
        {[] {
             std::string rules = "SIGINT=all";
             for (int i = 0; i < 16; ++i) {
                 rules += ",SIGTERM=all";
             }
             return rules;
         }(),
         "more than 16"},
    };
    for (const auto& [rules, reason] : bad) {
        SCOPED_TRACE(rules);
        Start how = start(rules);
        how.environment.emplace_back("INTERRUPT_LOG", "1");
        const std::string output = after(how);
        EXPECT_NE(output.find("libinterrupt: INTERRUPT_ON is ignored"), std::string::npos) << output;
        EXPECT_NE(output.find(reason), std::string::npos) << output;
        expect_interrupted(output, {});
        EXPECT_TRUE(ends(output, "[signal 2]")) << output;
    }
    for (const char* grace : {"-1", "nan", "1e3", ".", "1.2.3", "99999999999999999999"}) {
        Start how = start("SIGINT=all", {}, grace);
        how.environment.emplace_back("INTERRUPT_LOG", "1");
        const std::string output = after(how);
        EXPECT_NE(output.find("libinterrupt: INTERRUPT_GRACE is ignored"), std::string::npos) << output;
        expect_interrupted(output, {"main", "worker-1", "worker-2", "other"});
    }
}

}  // namespace
}  // namespace interrupt_tests
