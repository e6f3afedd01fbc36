// The environment, as `run` checks it and as the shim obeys it: the two must be of one mind. shim/environment.cpp,
// shim/rules_in_force.cpp, control/name_pattern.h; control/launcher.cpp, control/signal_settings.cpp.
#include "shim/environment.h"

#include <fnmatch.h>
#include <fuzzer/FuzzedDataProvider.h>

#include "control/injections.h"
#include "control/launcher.h"
#include "control/name_pattern.h"
#include "shim/injection_settings.h"
#include "shim/process.h"
#include "shim/rules_in_force.h"
#include "shim/run.h"
#include "tests/fuzz/expect.h"

namespace interrupt {
constinit Settings settings;  // shim/thread_table.cpp has it
void join_run() {}            // shim/run.cpp: opens a file
}  // namespace interrupt

using namespace interrupt;

namespace {

// As the environment can have it: no zero byte. Repeated, since what is too long or too many has to be met, too.
std::string value(FuzzedDataProvider& data) {
    const std::string part = data.ConsumeRandomLengthString(600).c_str();
    std::string whole;
    for (int times = data.ConsumeBool() ? data.ConsumeIntegralInRange(1, 100) : 1; times > 0; --times) {
        whole += part;
    }
    return whole;
}

void read_variables(FuzzedDataProvider& data) {
    setenv("INTERRUPT_DIR", value(data).c_str(), 1);
    const std::string capacity = value(data);
    setenv("INTERRUPT_CAPACITY", capacity.c_str(), 1);
    setenv("INTERRUPT_SIGNAL", value(data).c_str(), 1);
    setenv("INTERRUPT_GRACE", value(data).c_str(), 1);
    setenv("INTERRUPT_ON", value(data).c_str(), 1);
    setenv("INTERRUPT_INJECT", value(data).c_str(), 1);
    settings = {};
    const NoTable reason = read_settings();
    EXPECT(settings.capacity >= 1 && settings.capacity <= 131'000);
    EXPECT(capacity.find_first_of("0123456789") != std::string::npos || settings.capacity == Settings().capacity);
    EXPECT(strnlen(settings.directory, sizeof settings.directory) < sizeof settings.directory);
    EXPECT(strnlen(settings.ignored, sizeof settings.ignored) < sizeof settings.ignored);
    if (reason != NoTable::unknown) {
        return;
    }
    EXPECT(settings.signal == SIGURG || settings.signal == SIGWINCH);
    const bool refused = interrupt_fuzz::refused([] { control::check_signal_settings(); });
    const bool rule_refused = interrupt_fuzz::refused([] { control::check_injection_setting(); });
    EXPECT((refused || rule_refused) == (settings.ignored[0] != 0));
    EXPECT(!(rule_refused && has_injection_rules()));
    for (const SignalRule& rule : signal_rules()) {
        EXPECT(rule.signal >= 1 && rule.signal <= 64 && (refused || rule.signal != settings.signal));
        matches(rule.pattern, "worker-1");
    }
    each_ruled_signal([](int signal) { EXPECT(signal_rules().of(signal) != nullptr); });
}

void change_preload(FuzzedDataProvider& data) {
    const std::string existing = value(data);
    const std::string sanitizer = data.ConsumeBool() ? "libasan.so.8" : "";
    const std::string library = "/x/libinterrupt.so";
    const std::string list = control::preload_with(library, existing, sanitizer);
    EXPECT(list.find(library) != std::string::npos && list.starts_with(sanitizer));
    control::sanitizer_in_front(existing, {value(data), value(data)});
    std::string left = list;
    remove_entry(left.data(), library.c_str());
    const std::string rest = left.c_str();
    remove_entry(left.data(), library.c_str());
    EXPECT(rest == left.c_str() && rest.size() < list.size());
    EXPECT((":" + rest + ":").find(":" + library + ":") == std::string::npos);
}

void match_names(FuzzedDataProvider& data) {
    const std::string pattern = data.ConsumeRandomLengthString(40);
    const std::string name = data.ConsumeRandomLengthString(64);
    matches(pattern, name);
    EXPECT(matches("*", name));
}

void join_rules(FuzzedDataProvider& data) {
    const std::vector<std::string> on{value(data), value(data)};
    setenv("INTERRUPT_SIGNAL", "", 1);
    std::string rules;
    if (!interrupt_fuzz::refused([&] { rules = control::signal_rules(on); })) {
        setenv("INTERRUPT_GRACE", "", 1);
        setenv("INTERRUPT_ON", rules.c_str(), 1);
        settings = {.signal = SIGURG};
        read_signal_rules();
        EXPECT(settings.ignored[0] == 0);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    FuzzedDataProvider data(bytes, size);
    switch (data.ConsumeIntegralInRange(0, 3)) {
        case 0:
            read_variables(data);
            break;
        case 1:
            change_preload(data);
            break;
        case 2:
            match_names(data);
            break;
        default:
            join_rules(data);
    }
    return 0;
}
