// interruptctl interrupt, wait and clear on a native program under the shim.

#include <csignal>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

TEST(Interrupt, EndsEachWaitAndSaysWhere) {
    Sleeper sleeper({"recv", "poll", "nanosleep", "cond", "sem", "read", "pause"});
    const std::map<std::string, std::pair<std::string, std::string>> expected{
        {"recv", {"recv(fd ", "-1 EINTR"}},       {"poll", {"poll", "-1 EINTR"}},
        {"nanosleep", {"nanosleep", "-1 EINTR"}}, {"cond", {"pthread_cond_wait(0x", "0 0"}},
        {"sem", {"sem_wait(0x", "-1 EINTR"}},     {"read", {"read(fd ", "-1 EINTR"}},
        {"pause", {"pause", "-1 EINTR"}}};
    for (const auto& [call, what] : expected) {
        const Finished done = interruptctl({"interrupt", sleeper.pid(), sleeper.tid(call), "--timeout", "20"});
        expect_status(0, done);
        EXPECT_TRUE(done.out.starts_with(sleeper.tid(call) + " delivered in ")) << done.out;
        EXPECT_NE(done.out.find("s, in " + what.first), std::string::npos) << done.out;
        EXPECT_EQ(sleeper.result(call), what.second);
    }
}

TEST(Interrupt, OfAThreadThatEndsAtOnceIsStillSeen) {
    for (int round = 0; round < 20; ++round) {
        Sleeper sleeper({"recv"});
        expect_status(0, interruptctl({"interrupt", sleeper.pid(), sleeper.tid("recv"), "--timeout", "20"}));
        EXPECT_EQ(sleeper.result("recv"), "-1 EINTR");
    }
}

TEST(Interrupt, GivesTheOutcomeAskedFor) {
    Sleeper sleeper({"recv", "read", "poll-limited", "sem"});
    const auto interrupt_as = [&](const std::string& call, const std::string& outcome) {
        expect_status(
            0, interruptctl({"interrupt", sleeper.pid(), sleeper.tid(call), "--as", outcome, "--timeout", "20"}));
        return sleeper.result(call);
    };
    EXPECT_EQ(interrupt_as("recv", "errno:ECONNRESET"), "-1 ECONNRESET");
    EXPECT_EQ(interrupt_as("read", "eof"), "0 0");
    EXPECT_EQ(interrupt_as("poll-limited", "timeout"), "0 0");
    EXPECT_EQ(interrupt_as("sem", "errno:EWOULDBLOCK"), "-1 EAGAIN");
}

TEST(Interrupt, CancelsTheThread) {
    Sleeper sleeper({"recv", "cond"});
    for (const std::string call : {"recv", "cond"}) {
        const Finished done =
            interruptctl({"interrupt", sleeper.pid(), sleeper.tid(call), "--as", "cancel", "--timeout", "20"});
        expect_status(0, done);
        EXPECT_TRUE(eventually([&] { return kernel_state(std::stoi(sleeper.tid(call))) == 0; })) << call;
    }
}

// Until a thread is shown in that system call, outside the list.
void await_outside(const Sleeper& sleeper, const std::string& system_call) {
    const auto threads = [&] { return interruptctl({"threads", sleeper.pid()}).out; };
    ASSERT_TRUE(eventually([&] { return threads().find("outside  " + system_call) != std::string::npos; }))
        << threads();
}

TEST(Interrupt, ForceNudgesAThreadOutOfACallOfLibcsOwn) {
    Sleeper sleeper({"getc", "futex"});
    for (const auto& [call, where, returned] :
         {std::tuple{"getc", "read", "-1 EINTR"}, std::tuple{"futex", "futex", "-1 EINTR"}}) {
        await_outside(sleeper, where);
        const Finished done =
            interruptctl({"interrupt", sleeper.pid(), sleeper.tid(call), "--force", "--timeout", "20"});
        expect_status(0, done);
        EXPECT_TRUE(done.out.starts_with(sleeper.tid(call) + " nudged, and left " + where + " in ")) << done.out;
        EXPECT_EQ(sleeper.result(call), returned);
    }
}

TEST(Interrupt, ForceSaysThatLibcRepeatsTheCall) {
    Sleeper sleeper({"mutex", "resolve"});
    for (const auto& [call, where] : {std::pair{"mutex", "futex"}, std::pair{"resolve", "poll"}}) {
        await_outside(sleeper, where);
        const Finished done =
            interruptctl({"interrupt", sleeper.pid(), sleeper.tid(call), "--force", "--timeout", "20"});
        expect_status(5, done);
        EXPECT_NE(done.out.find(std::string("waits in ") + where + " again"), std::string::npos) << done.out;
    }
}

TEST(Interrupt, ForceIsForThreadsOutsideTheListAlone) {
    Sleeper sleeper({"recv", "spin", "join", "masked"});
    for (const auto& [call, why] : {std::pair{"recv", "without --force"}, std::pair{"spin", "running"},
                                    std::pair{"join", "libc repeats"}, std::pair{"masked", "masked"}}) {
        const Finished done =
            interruptctl({"interrupt", sleeper.pid(), sleeper.tid(call), "--force", "--timeout", "20"});
        expect_status(5, done);
        EXPECT_NE(done.out.find(why), std::string::npos) << done.out;
    }
    EXPECT_EQ(interruptctl({"interrupt", sleeper.pid(), "--all", "--force", "--as", "eof"}).exit_status, 2);
    EXPECT_EQ(interruptctl({"interrupt", sleeper.pid(), "--force", "--in", "recv"}).exit_status, 2);
    EXPECT_EQ(interruptctl({"interrupt", sleeper.pid(), "--in", "pthread_join"}).exit_status, 2);
    EXPECT_EQ(interruptctl({"interrupt", sleeper.pid(), "--in", "flock", "--as", "cancel"}).exit_status, 2);
}

TEST(Interrupt, ChoosesByNameByCallAndByMain) {
    Sleeper sleeper({"recv", "poll", "sem"});
    const Finished by_call = interruptctl({"interrupt", sleeper.pid(), "--in", "recv", "--timeout", "20"});
    expect_status(0, by_call);
    EXPECT_TRUE(by_call.out.starts_with(sleeper.tid("recv") + " ")) << by_call.out;
    EXPECT_EQ(std::count(by_call.out.begin(), by_call.out.end(), '\n'), 1);
    EXPECT_EQ(sleeper.result("recv"), "-1 EINTR");

    const Finished by_name = interruptctl({"interrupt", sleeper.pid(), "--name", "po*", "--timeout", "20"});
    expect_status(0, by_name);
    EXPECT_TRUE(by_name.out.starts_with(sleeper.tid("poll") + " ")) << by_name.out;

    const Finished main = interruptctl({"interrupt", sleeper.pid(), "--main", "--timeout", "20"});
    expect_status(0, main);
    EXPECT_NE(main.out.find("read(fd 0)"), std::string::npos) << main.out;

    expect_status(3, interruptctl({"interrupt", sleeper.pid(), "--in", "accept"}));
    expect_status(3, interruptctl({"interrupt", sleeper.pid(), "--name", "nobody*"}));
    expect_status(3, interruptctl({"interrupt", sleeper.pid(), "--name", "sem", "--in", "recv"}));
    EXPECT_EQ(sleeper.seen("sem").at("state"), "blocked");
}

TEST(Interrupt, AllPostsToEveryThreadAndEndsWithTheWorstStatus) {
    Sleeper sleeper({"recv", "sem", "masked"});
    const Finished done = interruptctl({"interrupt", sleeper.pid(), "--all", "--json", "--timeout", "2"});
    EXPECT_EQ(done.exit_status, 5);
    const auto json = nlohmann::json::parse(done.out);
    EXPECT_EQ(json.at("pid"), sleeper.child().pid());
    EXPECT_EQ(json.at("threads").size(), 4u);
    for (const auto& thread : json.at("threads")) {
        const bool masked = thread.at("name") == "masked";
        EXPECT_EQ(thread.at("result"), masked ? "withdrawn" : "delivered") << thread;
        EXPECT_EQ(thread.at("status"), masked ? 5 : 0);
        EXPECT_EQ(thread.at("latency_us").is_number(), !masked);
        EXPECT_EQ(thread.at("reason").is_string(), masked);
    }
}

TEST(Interrupt, WithoutAThreadListsThemAndSendsNothing) {
    Sleeper sleeper({"recv"});
    const Finished listed = interruptctl({"interrupt", sleeper.pid()});
    EXPECT_EQ(listed.exit_status, 2);
    EXPECT_NE(listed.out.find(sleeper.tid("recv")), std::string::npos);
    EXPECT_NE(listed.err.find("--main"), std::string::npos);
    EXPECT_EQ(sleeper.seen("recv").at("state"), "blocked");
}

// Each reason why a request is not delivered; the thread goes on as if nothing had been.
struct NotDelivered {
    const char* call;
    std::vector<std::string> options;
    const char* reason;
};

class Reasons : public testing::TestWithParam<NotDelivered> {};

TEST_P(Reasons, AreSaidAndTheRequestIsWithdrawn) {
    Sleeper sleeper({GetParam().call});
    std::vector<std::string> command{"interrupt", sleeper.pid(), sleeper.tid(GetParam().call), "--timeout", "0.05"};
    command.insert(command.end(), GetParam().options.begin(), GetParam().options.end());
    const Finished done = interruptctl(command);
    EXPECT_EQ(done.exit_status, 5);
    EXPECT_NE(done.out.find(GetParam().reason), std::string::npos) << done.out;
    EXPECT_TRUE(sleeper.seen(GetParam().call).at("pending").is_null());
    EXPECT_TRUE(sleeper.seen(GetParam().call).at("delivered").is_null());
}

INSTANTIATE_TEST_SUITE_P(Interrupt, Reasons,
                         testing::Values(NotDelivered{"spin", {}, "it is running"},
                                         NotDelivered{"futex", {}, "outside the list"},
                                         NotDelivered{"masked", {}, "it is masked"},
                                         NotDelivered{"sem", {"--as", "eof"}, "sem_wait(0x"},
                                         NotDelivered{"sem", {"--as", "eof"}, "which cannot end with eof"},
                                         NotDelivered{"poll", {"--as", "timeout"}, "time limit"},
                                         NotDelivered{"spin", {"--this-wait"}, "waits in no call"}),
                         [](const auto& info) { return "case" + std::to_string(info.index); });

TEST(Interrupt, OfAStoppedProcessSaysSoAndTheWaitGoesOn) {
    Sleeper sleeper({"recv"});
    sleeper.child().send(SIGSTOP);
    ASSERT_TRUE(eventually([&] { return kernel_state(sleeper.child().pid()) == 'T'; }));
    const Finished done = interruptctl({"interrupt", sleeper.pid(), sleeper.tid("recv"), "--timeout", "0.05"});
    EXPECT_EQ(done.exit_status, 5);
    EXPECT_NE(done.out.find("stopped"), std::string::npos) << done.out;
    EXPECT_EQ(sleeper.seen("recv").at("state"), "stopped");
    sleeper.child().send(SIGCONT);
    // The withdrawn nudge is nobody's EINTR: the thread is back in its wait, which a new request ends.
    expect_status(0, interruptctl({"wait", sleeper.pid(), sleeper.tid("recv"), "--in", "recv"}));
    expect_status(0, interruptctl({"interrupt", sleeper.pid(), sleeper.tid("recv"), "--as", "eof", "--timeout", "20"}));
    EXPECT_EQ(sleeper.result("recv"), "0 0");
}

TEST(Interrupt, StickyStaysAndClearTakesItBack) {
    Sleeper sleeper({"masked"});
    const Finished posted = interruptctl(
        {"interrupt", sleeper.pid(), sleeper.tid("masked"), "--sticky", "--timeout", "0", "--as", "errno:EIO"});
    expect_status(0, posted);
    EXPECT_NE(posted.out.find("stays pending"), std::string::npos) << posted.out;
    EXPECT_EQ(sleeper.seen("masked").at("pending"), "errno:EIO");
    EXPECT_EQ(sleeper.seen("masked").at("mask"), "all");

    const Finished waited =
        interruptctl({"interrupt", sleeper.pid(), sleeper.tid("masked"), "--sticky", "--timeout", "0.02"});
    EXPECT_EQ(waited.exit_status, 5);
    EXPECT_EQ(sleeper.seen("masked").at("pending"), "default");
    EXPECT_EQ(sleeper.seen("masked").at("coalesced"), 1);

    const Finished cleared = interruptctl({"clear", sleeper.pid(), sleeper.tid("masked")});
    expect_status(0, cleared);
    EXPECT_NE(cleared.out.find("cleared: default"), std::string::npos) << cleared.out;
    const Finished again = interruptctl({"clear", sleeper.pid(), sleeper.tid("masked"), "--json"});
    expect_status(0, again);
    EXPECT_TRUE(nlohmann::json::parse(again.out).at("cleared").is_null());
}

TEST(Interrupt, StoppedByASignalWithdrawsItsRequest) {
    Sleeper sleeper({"masked"});
    Child command({INTERRUPTCTL_PATH, "interrupt", sleeper.pid(), sleeper.tid("masked"), "--timeout", "1000"});
    ASSERT_TRUE(eventually([&] { return sleeper.seen("masked").at("pending") == "default"; }));
    command.send(SIGINT);
    EXPECT_EQ(command.finish().signal, SIGINT);
    EXPECT_TRUE(sleeper.seen("masked").at("pending").is_null());
}

TEST(Interrupt, ThisWaitActsOnAWaitThatIsOn) {
    Sleeper sleeper({"sem"});
    expect_status(0, interruptctl({"interrupt", sleeper.pid(), sleeper.tid("sem"), "--this-wait", "--timeout", "20"}));
    EXPECT_EQ(sleeper.result("sem"), "-1 EINTR");
}

TEST(Wait, SaysWhoIsBlockedWhere) {
    Sleeper sleeper({"recv", "sem"});
    const Finished any = interruptctl({"wait", sleeper.pid(), "--in", "recv"});
    expect_status(0, any);
    EXPECT_TRUE(any.out.starts_with(sleeper.tid("recv") + " in recv(fd ")) << any.out;
    expect_status(0, interruptctl({"wait", sleeper.pid(), sleeper.tid("sem"), "--in", "sem_wait", "--json"}));
    expect_status(5, interruptctl({"wait", sleeper.pid(), sleeper.tid("sem"), "--in", "recv", "--timeout", "0.02"}));
    expect_status(5, interruptctl({"wait", sleeper.pid(), "--in", "accept", "--timeout", "0"}));
    expect_status(3, interruptctl({"wait", sleeper.pid(), "1", "--in", "recv", "--timeout", "0.02"}));
    expect_status(2, interruptctl({"wait", sleeper.pid(), "--in", "recv64"}));
}

TEST(Wait, EndsWhenTheProcessDoes) {
    Sleeper sleeper({"recv"});
    Child command({INTERRUPTCTL_PATH, "wait", sleeper.pid(), "--in", "accept", "--timeout", "1000"});
    ASSERT_TRUE(eventually([&] { return kernel_state(command.pid()) == 'S'; }));
    sleeper.child().finish();
    EXPECT_EQ(command.finish().exit_status, 3);
}

TEST(Threads, ListsEveryThreadAndItsCall) {
    Sleeper sleeper({"recv", "futex", "spin"});
    EXPECT_EQ(sleeper.seen("recv").at("state"), "blocked");
    EXPECT_EQ(sleeper.seen("recv").at("call"), "recv");
    EXPECT_TRUE(sleeper.seen("recv").at("target").is_number());
    EXPECT_TRUE(sleeper.seen("recv").at("waited_ms").is_number());
    EXPECT_EQ(sleeper.seen("futex").at("state"), "outside");
    EXPECT_EQ(sleeper.seen("spin").at("state"), "running");
    EXPECT_TRUE(sleeper.seen("spin").at("call").is_null());
    const Finished text = interruptctl({"threads", sleeper.pid()});
    expect_status(0, text);
    EXPECT_TRUE(text.out.starts_with("TID ")) << text.out;
    EXPECT_EQ(std::count(text.out.begin(), text.out.end(), '\n'), 5);  // titles, main and three
}

// A call that began when the table was full is known to nobody, also when there is room again.
TEST(FullTable, ThatHasRoomAgainDoesNotShowTheCallThatBeganBefore) {
    Sleeper sleeper({"poll", "recv"}, true, {.environment = {{"INTERRUPT_CAPACITY", "2"}}});  // one is for main
    const bool poll_has_record = sleeper.seen("poll").at("state") == "blocked";
    const std::string known = poll_has_record ? "poll" : "recv";
    const std::string unknown = poll_has_record ? "recv" : "poll";
    expect_status(0, interruptctl({"interrupt", sleeper.pid(), sleeper.tid(known)}));
    EXPECT_EQ(sleeper.result(known), "-1 EINTR");
    ASSERT_TRUE(eventually([&] { return kernel_state(std::stoi(sleeper.tid(known))) == 0; }));
    const Finished done = interruptctl({"interrupt", sleeper.pid(), sleeper.tid(unknown), "--timeout", "0.1"});
    expect_status(5, done);
    EXPECT_NE(done.out.find("before the full thread table had room"), std::string::npos) << done.out;
}

}  // namespace
}  // namespace interrupt_tests
