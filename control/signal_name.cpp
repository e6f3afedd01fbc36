#include "control/signal_name.h"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstring>
#include <vector>

#include "control/failure.h"
#include "control/names.h"
#include "control/process.h"
#include "control/signal_rules.h"

namespace interrupt::control {

int parse_signal(std::string_view word) {
    std::string name(word);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return std::toupper(letter); });
    if (const int number = signal_named(name).number) {
        return number;
    }
    throw Failure(Status::usage, text("`", printable(word), "` is no signal.", nearest_signal(name)));
}

std::string signal_name(int signal) {
    if (signal >= SIGRTMIN) {
        return signal == SIGRTMIN ? "SIGRTMIN" : text("SIGRTMIN+", signal - SIGRTMIN);
    }
    const char* const name = ::sigabbrev_np(signal);
    return name != nullptr ? text("SIG", name) : text("signal ", signal);
}

std::string nearest_signal(std::string_view word) {
    std::vector<std::string> known;
    for (const SignalName& signal : signal_names) {
        if (signal.by_default == ByDefault::ends || signal.by_default == ByDefault::other) {
            known.push_back(text("SIG", signal.name));
        }
    }
    return suggestion(word, known);
}

}  // namespace interrupt::control
