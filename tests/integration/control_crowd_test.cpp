// A process with ten thousand threads, all of them waiting.
#include <algorithm>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

TEST(Crowd, IsListedAndInterruptedAsAWhole) {
    constexpr int count = 10'000;
    Child crowd({TARGETS_DIR "/crowd", std::to_string(count)}, {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}});
    const std::string start = crowd.line();
    if (start != "ready") {
        GTEST_SKIP() << "this machine's limits allow no more than " << start;
    }
    const std::string pid = std::to_string(crowd.pid());
    const auto listed = [&] {
        const Finished done = interruptctl({"threads", pid, "--json"});
        const auto threads = nlohmann::json::parse(done.out).at("threads");
        return std::count_if(threads.begin(), threads.end(),
                             [](const nlohmann::json& thread) { return thread.at("call") == "poll"; });
    };
    ASSERT_TRUE(eventually([&] { return listed() == count; }));
    const Finished done = interruptctl({"interrupt", pid, "--in", "poll", "--timeout", "60"});
    expect_status(0, done);
    EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), count);
    EXPECT_EQ(crowd.line(), "interrupted " + std::to_string(count));
    EXPECT_EQ(crowd.finish().exit_status, 0);
}

}  // namespace
}  // namespace interrupt_tests
