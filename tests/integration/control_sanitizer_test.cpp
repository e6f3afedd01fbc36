// Programs that were built with a sanitizer, whose own interposers lie in front of ours or behind them: they start
// under the shim, can be interrupted, and their sanitizer has nothing to say.

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

class Sanitized : public testing::TestWithParam<std::string> {
protected:
    struct Place {
        std::string pid;
        std::string tid;
    };

    static std::string program() { return TARGETS_DIR "/sanitized_" + GetParam(); }

    // Reads until all of them wait.
    static std::map<std::string, Place> places(Child& child, const std::vector<std::string>& calls) {
        std::map<std::string, Place> places;
        while (places.size() < calls.size()) {
            std::istringstream words(child.line_that_begins("waits "));
            std::string word, name;
            words >> word >> name;
            words >> places[name].pid >> places[name].tid;
        }
        return places;
    }
    static void await(const Place& place, const std::string& call) {
        expect_status(0, interruptctl({"wait", place.pid, place.tid, "--in", call, "--timeout", "30"}));
    }
    static void interrupt_all(Child& child, const std::vector<std::string>& calls) {
        for (const auto& [call, place] : places(child, calls)) {
            await(place, call);
            expect_status(0, interruptctl({"interrupt", place.pid, place.tid, "--timeout", "30"}));
            EXPECT_EQ(child.line_that_begins(call + " "),
                      call + (call.starts_with("pthread_cond") ? " 0 0" : " -1 EINTR"));
        }
        expect_quiet_end(child, 0);
    }
    static void expect_quiet_end(Child& child, int status) {
        const Finished end = child.finish();
        EXPECT_EQ(end.signal, 0);
        EXPECT_EQ(end.exit_status, status) << end.out;
        EXPECT_EQ(end.err, "");
    }
    static void expect_interrupted(std::vector<std::string> command) {
        const std::vector<std::string> calls{"read",
                                             "recv",
                                             "recvmsg",
                                             "poll",
                                             "select",
                                             "epoll_wait",
                                             "nanosleep",
                                             "pause",
                                             "sigwaitinfo",
                                             "sem_wait",
                                             "sem_timedwait",
                                             "pthread_cond_wait",
                                             "pthread_cond_timedwait"};
        command.insert(command.end(), calls.begin(), calls.end());
        Child child(command);
        interrupt_all(child, calls);
    }
};

TEST_P(Sanitized, IsInterrupted) {
    expect_interrupted({INTERRUPTCTL_PATH, "run", program()});
}

// The program that it starts has its sanitizer behind the shim.
TEST_P(Sanitized, IsInterruptedInAProgramThatItStarts) {
    expect_interrupted({INTERRUPTCTL_PATH, "run", program(), "--again"});
}

TEST_P(Sanitized, StartsProgramsThatWereBuiltWithoutIt) {
    const Finished end =
        interruptctl({"run", program(), "--shell", "echo \"$LD_PRELOAD $INTERRUPT_PRELOAD_ONCE.\"; exit 7"});
    EXPECT_EQ(end.exit_status, 7) << end.err;
    EXPECT_EQ(end.out, std::string(LIBINTERRUPT_PATH) + " .\n");
    EXPECT_EQ(end.err, "");
}

// A library that does nothing has marked some of its memory, which a leak checker reads at the end.
TEST_P(Sanitized, EndsWellWhereTheLibraryDoesNothing) {
    const Finished end =
        interruptctl({"run", program(), "--shell", "exit 7"}, {.environment = {{"INTERRUPT_DISABLE", "1"}}});
    EXPECT_EQ(end.exit_status, 7) << end.err;
    EXPECT_EQ(end.err, "");
}

TEST_P(Sanitized, HandlesItsOwnSignals) {
    // In recv ThreadSanitizer holds the program's signals back until the call returns, with the shim and without.
    Child child({INTERRUPTCTL_PATH, "run", program(), "sem_wait", "left"});
    EXPECT_EQ(child.line(), "as set");
    const auto waiting = places(child, {"sem_wait", "left"});
    const auto signal = [&](const Place& place, const std::string& call, const std::string& next_call) {
        await(place, call);
        ::syscall(SYS_tgkill, std::stoi(place.pid), std::stoi(place.tid), SIGUSR1);
        EXPECT_EQ(child.line_that_begins("handled"), "handled " + place.tid);
        await(place, next_call);
        expect_status(0, interruptctl({"interrupt", place.pid, place.tid, "--timeout", "30"}));
    };
    signal(waiting.at("sem_wait"), "sem_wait", "sem_wait");
    EXPECT_EQ(child.line(), "sem_wait -1 EINTR");
    signal(waiting.at("left"), "poll", "recv");  // its handler leaves by siglongjmp
    EXPECT_EQ(child.line(), "left -1 EINTR");
    expect_quiet_end(child, 0);
}

INSTANTIATE_TEST_SUITE_P(Each, Sanitized, testing::Values(SANITIZED_PROGRAMS),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace interrupt_tests
