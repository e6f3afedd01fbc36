// The command line, as far as it can be read without doing what it asks for: control/main.cpp with the commands left
// out, and what they make of their words.
#include <fuzzer/FuzzedDataProvider.h>

#include <iostream>
#include <sstream>

#include "control/commands.h"
#include "control/completion.h"
#include "control/injections.h"
#include "control/launcher.h"
#include "control/names.h"
#include "tests/fuzz/expect.h"

int interruptctl_main(int argc, char** argv);

namespace interrupt::control {

std::vector<std::string> complete(const std::vector<KnownCommand>&, const std::vector<std::string>&) {
    return {};
}
Status run_command(const RunOptions& options) {
    signal_rules(options.on);
    injection_setting(options.inject);
    return Status::done;
}
Status ps_command(const PsOptions&) {
    return Status::done;
}
Status threads_command(const ThreadsOptions&) {
    return Status::done;
}
Status interrupt_command(const InterruptOptions& options) {
    parse_outcome(options.as);
    parse_calls(options.in);
    return Status::done;
}
Status wait_command(const WaitOptions& options) {
    parse_calls(options.in);
    return Status::done;
}
Status storm_command(const StormOptions&) {
    return Status::done;
}
Status record_command(const RecordOptions&) {
    return Status::done;
}
Status watch_command(const WatchOptions&) {
    return Status::done;
}
Status clear_command(const ClearOptions&) {
    return Status::done;
}
Status inject_command(const InjectOptions& options) {
    injection_setting(options.rules);
    return Status::done;
}
Status sweep_command(const SweepOptions&) {
    return Status::done;
}
Status doctor_command(const DoctorOptions&) {
    return Status::done;
}
Status serve_command(const ServeOptions&) {
    return Status::done;
}

}  // namespace interrupt::control

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    static const char* const commands[] = {"",       "run",   "ps",    "threads", "interrupt", "wait",  "clear",
                                           "inject", "sweep", "storm", "record",  "watch",     "serve", "doctor"};
    FuzzedDataProvider data(bytes, size);
    std::vector<std::string> words{"interruptctl", data.PickValueInArray(commands)};
    while (data.remaining_bytes() > 0 && words.size() < 20) {
        words.push_back(data.ConsumeRandomLengthString(64).c_str());  // no zero byte in an argument
    }
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    std::ostringstream out, err;
    auto* const real_out = std::cout.rdbuf(out.rdbuf());
    auto* const real_err = std::cerr.rdbuf(err.rdbuf());
    const int status = interruptctl_main(static_cast<int>(words.size()), arguments.data());
    std::cout.rdbuf(real_out);
    std::cerr.rdbuf(real_err);
    EXPECT(status == 0 || status == 2);
    EXPECT(status != 0 || err.str().empty());
    EXPECT(status == 0 || !err.str().empty());
    return 0;
}
