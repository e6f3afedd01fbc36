#include "control/completion.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "control/names.h"
#include "control/open_process.h"
#include "control/process_list.h"

namespace interrupt::control {
namespace {

using Words = std::vector<std::string>;

Words calls() {
    Words names{"any"};
    for (size_t i = 1; i < static_cast<size_t>(Call::count); ++i) {
        names.emplace_back(call_traits[i].name);
    }
    return names;
}

Words outcomes(const std::string& begun) {
    Words names{"default", "timeout", "eof", "cancel", "errno:", "exception:", "signal:"};
    constexpr int most = 4095;
    for (int error = 1; begun.starts_with("errno:") && error <= most; ++error) {
        if (const char* name = ::strerrorname_np(error)) {
            names.push_back(text("errno:", name));
        }
    }
    for (int signal = 1; begun.starts_with("signal:") && signal < 32; ++signal) {
        if (const char* name = ::sigabbrev_np(signal)) {
            names.push_back(text("signal:SIG", name));
        }
    }
    if (begun.starts_with("errno:") || begun.starts_with("signal:")) {
        std::erase_if(names, [](const std::string& name) { return name.ends_with(':'); });
    }
    return names;
}

Words signals() {
    Words names;
    for (int signal = 1; signal < 32; ++signal) {
        for (const char* whom : {"all", "main"}) {
            if (const char* name = ::sigabbrev_np(signal)) {
                names.push_back(text("SIG", name, "=", whom));
            }
        }
    }
    return names;
}

Words processes() {
    ProcessScan scan(false);
    scan.step(SIZE_MAX);
    Words ids;
    for (const ProcessEntry& entry : scan.entries()) {
        ids.push_back(std::to_string(entry.pid));
    }
    return ids;
}

Words threads(const std::string& process) {
    Words ids;
    try {
        const auto pid = parse_number(process);
        if (pid && *pid > 0 && *pid <= INT32_MAX) {
            for (const pid_t tid : Process(static_cast<pid_t>(*pid)).tasks()) {
                ids.push_back(std::to_string(tid));
            }
        }
    } catch (const Failure&) {
        // It is not there: nothing completes it.
    }
    return ids;
}

// A list with commas is completed at its end.
Words at_end_of_list(const std::string& begun, Words words) {
    const size_t comma = begun.rfind(',');
    for (std::string& word : words) {
        word.insert(0, begun, 0, comma == begun.npos ? 0 : comma + 1);
    }
    return words;
}

Words values(const std::string& kind, const std::string& begun, const Words& places) {
    const std::string last = begun.substr(begun.rfind(',') + 1);
    if (kind == "CALL") {
        return at_end_of_list(begun, calls());
    }
    if (kind == "OUTCOME") {
        return outcomes(begun);
    }
    if (kind == "LIST") {
        return at_end_of_list(begun, outcomes(last));
    }
    if (kind == "SIGNAL=WHOM") {
        return signals();
    }
    if (kind.starts_with("PID")) {
        return processes();
    }
    return kind == "TID" && !places.empty() ? threads(places.front()) : Words();
}

Words of_command(const KnownCommand& command, const Words& words) {
    const auto option_named = [&](const std::string& name) {
        return std::find_if(command.options.begin(), command.options.end(),
                            [&](const KnownOption& option) { return option.name == name; });
    };
    const std::string& begun = words.back();
    Words places;
    std::set<std::string> given;
    for (size_t i = 0; i + 1 < words.size(); ++i) {
        const auto option = option_named(words[i]);
        if (option == command.options.end()) {
            places.push_back(words[i]);
            continue;
        }
        given.insert(option->name);
        if (option->value.empty()) {
            continue;
        }
        if (i + 2 == words.size()) {
            return values(option->value, begun, places);
        }
        ++i;
    }
    if (const size_t equals = begun.find('='); begun.starts_with("--") && equals != begun.npos) {
        const auto option = option_named(begun.substr(0, equals));
        Words found =
            option == command.options.end() ? Words() : values(option->value, begun.substr(equals + 1), places);
        for (std::string& word : found) {
            word.insert(0, begun, 0, equals + 1);
        }
        return found;
    }
    if (begun.starts_with('-')) {
        Words names;
        for (const KnownOption& option : command.options) {
            if (given.count(option.name) == 0 || option.name == "--on") {
                names.push_back(option.name);
            }
        }
        return names;
    }
    if (command.places.empty() || (places.size() >= command.places.size() && command.places.back() != "TID")) {
        return {};
    }
    return values(command.places[std::min(places.size(), command.places.size() - 1)], begun, places);
}

}  // namespace

std::vector<std::string> complete(const std::vector<KnownCommand>& commands, const std::vector<std::string>& words) {
    Words found;
    if (words.size() == 1) {
        for (const KnownCommand& command : commands) {
            found.push_back(command.name);
        }
        found.insert(found.end(), {"--help", "--version"});
    } else if (!words.empty()) {
        for (const KnownCommand& command : commands) {
            if (command.name == words.front()) {
                found = of_command(command, {words.begin() + 1, words.end()});
            }
        }
    }
    std::erase_if(found, [&](const std::string& word) { return !word.starts_with(words.back()); });
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

}  // namespace interrupt::control
