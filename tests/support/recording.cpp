#include "tests/support/recording.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace interrupt_tests {

Recording::Recording(const std::string& shortest)
    : recorder_({INTERRUPTCTL_PATH, "record", std::to_string(getpid()), "--shortest", shortest, "--output",
                 directory_.path() + "/trace.json"},
                {.environment = {{"LD_PRELOAD", ""}}}) {
    if (!eventually([&] { return access((directory_.path() + "/trace.json").c_str(), F_OK) == 0; })) {
        std::fputs("the recording does not begin\n", stderr);
        std::abort();
    }
}

bool Recording::has_all(uint64_t deliveries) {
    recorder_.send(SIGTERM);
    const Finished finished = recorder_.finish();
    const auto trace = nlohmann::json::parse(contents(directory_.path() + "/trace.json"), nullptr, false);
    if (finished.exit_status != 0 || trace.is_discarded()) {
        std::printf("the recording failed: %s\n", finished.err.c_str());
        return false;
    }
    const auto& about = trace.at("otherData");
    const uint64_t found = about.at("deliveries");
    const uint64_t lost = about.at("lost_events");
    std::printf("recorded: deliveries %ju, waits %ju, lost events %ju\n", uintmax_t{found},
                about.at("waits").get<uintmax_t>(), uintmax_t{lost});
    return found <= deliveries && found + lost >= deliveries;
}

}  // namespace interrupt_tests
