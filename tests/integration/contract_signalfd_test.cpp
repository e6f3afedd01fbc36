// A program that reads the nudge's signal from a signalfd: the nudge gives way to the other one of its two, whatever
// the program has set by then, and requests go on.
#include <sys/signalfd.h>

#include "contract_programs.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

// The program's signal and the nudge's.
class SignalDescriptor : public testing::TestWithParam<std::pair<int, std::string>> {
protected:
    Start start(std::vector<std::string> arguments = {}) const {
        arguments.insert(arguments.begin(), std::to_string(GetParam().first));
        return {.target = "signal_descriptor",
                .arguments = arguments,
                .environment = {{"INTERRUPT_SIGNAL", GetParam().second}}};
    }
};
INSTANTIATE_TEST_SUITE_P(For, SignalDescriptor,
                         testing::Values(std::pair(SIGURG, "URG"), std::pair(SIGURG, "WINCH"),
                                         std::pair(SIGWINCH, "URG"), std::pair(SIGWINCH, "WINCH")),
                         [](const auto& info) {
                             return (info.param.first == SIGURG ? "SigurgUnder" : "SigwinchUnder") + info.param.second;
                         });

TEST_P(SignalDescriptor, IsReadAsWithoutTheShim) {
    expect_invisible(start());
}

// Nudges end the wait for it and are never read from it; the program's own signal is.
TEST_P(SignalDescriptor, RequestsEndTheWaitForIt) {
    Program program(start({"wait"}));
    ASSERT_TRUE(program.says("waiting")) << program.output();
    Outside requester(program.pid());
    EXPECT_NE(requester.table().header().signal, GetParam().first);
    for (int i = 1; i <= 20; ++i) {
        ASSERT_TRUE(eventually([&] { return requester.table().call_of(program.pid()) == Call::poll_; }));
        const uint32_t sequence = requester.post(program.pid()).sequence;
        ASSERT_TRUE(eventually([&] {
            return interrupt::Delivered{requester.record(program.pid()).delivered.load()}.sequence() == sequence;
        })) << program.output();
    }
    kill(program.pid(), GetParam().first);
    std::string expected = "waiting\n";
    for (int i = 0; i < 20; ++i) {
        expected += "EINTR\n";
    }
    const std::string output = program.finish();
    EXPECT_EQ(output.substr(0, expected.size() + 5), expected + "ready") << output;
    EXPECT_NE(output.find("signal " + std::to_string(GetParam().first) + " "), std::string::npos) << output;
}

// While requests arrive for the thread that makes the descriptor: none of them is lost, or shows.
TEST(SignalDescriptor, IsMadeWhileRequestsArrive) {
    for (int round = 0; round < 10; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(20);
            poll(nullptr, 0, 0);  // has its table
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGURG);
            sigprocmask(SIG_BLOCK, &set, nullptr);
            int interrupted = 0;
            int fd = -1;
            char byte;
            Pipe never;
            for (int i = 0; i < 60; ++i) {
                interrupted += read(never.reader(), &byte, 1) < 0 && errno == EINTR;
                if (i == 20 + round) {
                    fd = signalfd(-1, &set, SFD_NONBLOCK);
                }
            }
            signalfd_siginfo info;
            _exit(interrupted == 60 && read(fd, &info, sizeof info) < 0 && errno == EAGAIN ? 0 : 1);
        }
        ASSERT_TRUE(eventually([&] {
            const std::string path = Table::path_of(child);
            return !path.empty() && path != own_table().path();
        }));
        Outside requester(child);
        ASSERT_TRUE(eventually([&] { return requester.table().find(child) != nullptr; }));
        siginfo_t ended = {};
        for (int sent = 0; sent < 60; ++sent) {
            const uint32_t sequence = requester.post(child).sequence;
            ASSERT_TRUE(eventually([&] {
                return interrupt::Delivered{requester.record(child).delivered.load()}.sequence() == sequence ||
                       waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
                       ended.si_pid != 0;
            })) << "request "
                << sent << " of round " << round << " is lost";
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_EQ(status, 0) << "round " << round;
    }
}

}  // namespace
}  // namespace interrupt_tests
