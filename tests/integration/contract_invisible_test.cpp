// Invisible otherwise: a program sees the same threads, descriptors, errno, masks, dispositions and signals with the
// shim as without it. Each target prints what it sees of itself.
#include "contract_programs.h"

namespace interrupt_tests {
namespace {

std::vector<std::pair<std::string, std::string>> nudged_by(const std::string& signal) {
    return {{"INTERRUPT_SIGNAL", signal}};
}

class Invisible : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Nudge, Invisible, testing::Values("URG", "WINCH"));

TEST_P(Invisible, ThreadsDescriptorsErrnoAndEnvironment) {
    expect_invisible({.target = "self_view", .arguments = {"argument"}, .environment = nudged_by(GetParam())});
}

TEST_P(Invisible, Dispositions) {
    expect_invisible({.target = "signal_actions", .environment = nudged_by(GetParam())});
}

TEST_P(Invisible, MasksAndWaitsWithSigurg) {
    expect_invisible({.target = "signal_waits", .environment = nudged_by(GetParam())});
}

TEST_P(Invisible, MasksAndWaitsWithSigwinch) {
    expect_invisible({.target = "signal_waits", .arguments = {"28"}, .environment = nudged_by(GetParam())});
}

TEST_P(Invisible, ScopesOfSigurg) {
    expect_invisible({.target = "signal_scopes", .environment = nudged_by(GetParam())});
}

TEST_P(Invisible, ScopesOfSigwinch) {
    expect_invisible({.target = "signal_scopes", .arguments = {"28"}, .environment = nudged_by(GetParam())});
}

TEST_P(Invisible, SigurgToTheProcess) {
    expect_invisible({.target = "signal_to_process", .environment = nudged_by(GetParam())});
}

TEST_P(Invisible, SigwinchToTheProcess) {
    expect_invisible({.target = "signal_to_process", .arguments = {"28"}, .environment = nudged_by(GetParam())});
}

TEST(InvisibleMemory, OfThreadsThatAllocateNothing) {
    expect_invisible({.target = "thread_arenas"});
}

// What a program inherits is seen from its first moment on, the errno of its start too.
TEST(Inherited, ByTheFirstProgramUnderTheShim) {
    for (const char* state : {"b", "i", "bi"}) {
        SCOPED_TRACE(state);
        expect_invisible({.target = "signal_heir", .before_exec = [state] {
                              sigset_t set;
                              sigemptyset(&set);
                              sigaddset(&set, SIGURG);
                              sigaddset(&set, SIGWINCH);
                              if (std::strchr(state, 'b') != nullptr) {
                                  sigprocmask(SIG_BLOCK, &set, nullptr);
                              }
                              if (std::strchr(state, 'i') != nullptr) {
                                  signal(SIGURG, SIG_IGN);
                                  signal(SIGWINCH, SIG_IGN);
                              }
                          }});
    }
}

// A program that inherits a blocked SIGURG can be interrupted all the same.
TEST(Inherited, BlockedSignalDoesNotKeepTheNudgeOut) {
    Program program({.target = "steady", .arguments = {"wait"}, .before_exec = [] {
                         sigset_t all;
                         sigfillset(&all);
                         sigprocmask(SIG_SETMASK, &all, nullptr);
                     }});
    ASSERT_TRUE(program.says("waiting")) << program.output();
    Outside outside(program.pid());
    ASSERT_TRUE(eventually([&] { return outside.table().call_of(program.pid()) == interrupt::Call::poll_; }));
    EXPECT_TRUE(outside.post(program.pid()).nudged);
    EXPECT_TRUE(program.says("interrupted, errno 4"));
}

class Heir : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(By, Heir,
                         testing::Values("execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle", "fexecve",
                                         "execveat", "fork", "vfork", "vfork-default", "vfork-ignore", "posix_spawn",
                                         "posix_spawnp", "posix_spawn-attributes", "system", "popen", "failed-execv",
                                         "failed-fork"),
                         [](const auto& info) {
                             std::string name = info.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

// The mask, the pending signals and what is ignored, exactly; into a program without the shim as well as into one with
// it.
TEST_P(Heir, InheritsMaskPendingAndIgnored) {
    for (const char* state : {"b", "i", "bi", "bp", "hb", "d"}) {
        for (const char* child : {"bare", "same"}) {
            if (GetParam() == "system" && std::strchr(state, 'i') != nullptr) {
                continue;  // the limit of system(3): README
            }
            SCOPED_TRACE(std::string(state) + " " + child);
            expect_invisible({.target = "signal_heir", .arguments = {state, GetParam(), child}});
        }
    }
}

}  // namespace
}  // namespace interrupt_tests
