// interruptctl storm: what it says that it did is what the program saw, and nothing of it stays.

#include <csignal>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

// targets/repeats
class Storm : public testing::Test {
protected:
    Storm() : target_({TARGETS_DIR "/repeats", "4"}, {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}}) {
        target_.line_that_begins("ready");
        interruptctl({"wait", pid(), "--in", "recv", "--count", "5", "--timeout", "60"});
    }
    std::string pid() const { return std::to_string(target_.pid()); }
    std::vector<std::string> command(std::vector<std::string> words) const {
        words.insert(words.begin(), {INTERRUPTCTL_PATH, "storm", pid(), "--json"});
        return words;
    }
    size_t pending() const {
        const auto threads = nlohmann::json::parse(interruptctl({"threads", pid(), "--json"}).out).at("threads");
        return static_cast<size_t>(std::count_if(threads.begin(), threads.end(), [](const nlohmann::json& thread) {
            return !thread.at("pending").is_null();
        }));
    }
    uint64_t delivered() const {
        return nlohmann::json::parse(interruptctl({"doctor", pid(), "--json"}).out).at("facts").at("delivered");
    }
    std::string seen() { return target_.finish().out; }

    Child target_;
};

std::string eintr(const nlohmann::json& count) {
    return "eintr " + std::to_string(count.get<size_t>()) + " eio 0 eof 0 other 0\n";
}

TEST_F(Storm, CountsWhatTheProgramSees) {
    const Finished done = run(command({"--rate", "300/s", "--for", "1", "--seed", "7", "--thread", "waiter", "--in",
                                       "recv,read", "--as", "default,errno:EIO,eof", "--timeout", "20"}));
    expect_status(0, done);
    const auto report = nlohmann::json::parse(done.out);
    EXPECT_EQ(report.at("end"), "time");
    EXPECT_EQ(report.at("seed"), 7);
    EXPECT_GT(report.at("delivered"), 0);
    EXPECT_LE(report.at("due"), 301);
    EXPECT_EQ(report.at("due").get<size_t>(), report.at("requests").get<size_t>() + report.at("busy").get<size_t>() +
                                                  report.at("elsewhere").get<size_t>() +
                                                  report.at("nobody").get<size_t>());
    EXPECT_EQ(report.at("requests").get<size_t>(),
              report.at("delivered").get<size_t>() + report.at("withdrawn").get<size_t>());
    EXPECT_EQ(report.at("calls").at("recv").at("delivered"), report.at("delivered"));
    EXPECT_LE(report.at("latency_us").at("median"), report.at("latency_us").at("max"));
    EXPECT_EQ(pending(), 0u);
    const auto& outcomes = report.at("outcomes");
    EXPECT_EQ(seen(), "eintr " + std::to_string(outcomes.value("default", 0)) + " eio " +
                          std::to_string(outcomes.value("errno:EIO", 0)) + " eof " +
                          std::to_string(outcomes.value("eof", 0)) + " other 0\n");
}

TEST_F(Storm, LeavesNothingPendingWhenItIsStopped) {
    Child storm(command({"--rate", "2000", "--timeout", "1000"}));  // the masked thread's would stay for long
    ASSERT_TRUE(eventually([&] { return delivered() > 10 && pending() > 0; }));
    storm.send(SIGINT);
    const Finished done = storm.finish();
    EXPECT_EQ(done.exit_status, 0);
    const auto report = nlohmann::json::parse(done.out);
    EXPECT_EQ(report.at("end"), "signal");
    EXPECT_GT(report.at("withdrawn"), 0);
    EXPECT_GT(report.at("busy"), 0);
    EXPECT_EQ(pending(), 0u);
    EXPECT_EQ(report.at("requests").get<size_t>(),
              report.at("delivered").get<size_t>() + report.at("withdrawn").get<size_t>());
    EXPECT_GE(report.at("delivered").get<size_t>(), delivered() - 1) << "main's only besides";
}

TEST_F(Storm, GivesUpWhatIsNotDeliveredInTime) {
    const Finished done = run(command({"--rate", "200", "--for", "0.3", "--timeout", "0.02", "--thread", "masked"}));
    expect_status(0, done);
    const auto report = nlohmann::json::parse(done.out);
    EXPECT_EQ(report.at("delivered"), 0);
    EXPECT_GT(report.at("withdrawn"), 0);
    EXPECT_TRUE(report.at("reasons").contains("it is masked: the thread defers interrupts")) << done.out;
    EXPECT_EQ(pending(), 0u);
    EXPECT_EQ(seen(), eintr(0));
}

TEST_F(Storm, EndsWithTheProcess) {
    Child for_ever(command({"--rate", "500"}));
    Child for_long(command({"--rate", "500", "--for", "1000"}));
    ASSERT_TRUE(eventually([&] { return delivered() > 20; }));
    target_.send(SIGKILL);
    const Finished as_long = for_ever.finish();
    EXPECT_EQ(as_long.exit_status, 0);
    EXPECT_EQ(nlohmann::json::parse(as_long.out).at("end"), "process");
    const Finished too_short = for_long.finish();
    EXPECT_EQ(too_short.exit_status, 3);
    EXPECT_EQ(nlohmann::json::parse(too_short.out).at("end"), "process");
    EXPECT_NE(too_short.err.find("has ended"), std::string::npos) << too_short.err;
}

TEST_F(Storm, MeetsNobodyWhereNobodyIs) {
    const Finished done = run(command({"--for", "0.1", "--in", "accept"}));
    expect_status(0, done);
    const auto report = nlohmann::json::parse(done.out);
    EXPECT_EQ(report.at("requests"), 0);
    EXPECT_EQ(report.at("nobody"), report.at("due"));
}

TEST(StormUsage, IsCheckedFirst) {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"--rate", "0"},
                                                                                       {"--rate", "many"},
                                                                                       {"--rate", "5/m"},
                                                                                       {"--for", "0"},
                                                                                       {"--seed", "-1"},
                                                                                       {"--as", "default,"},
                                                                                       {"--as", "default,signal:INT"},
                                                                                       {"--as", "eof", "--in", "poll"},
                                                                                       {"--timeout", "0"}}) {
        std::vector<std::string> command{"storm", "1"};
        command.insert(command.end(), words.begin(), words.end());
        expect_status(2, interruptctl(command));
    }
}

}  // namespace
}  // namespace interrupt_tests
