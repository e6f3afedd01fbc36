#include "control/signal_name.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <vector>

#include "control/failure.h"
#include "control/names.h"
#include "control/process.h"
#include "control/procfs.h"

namespace interrupt::control {

int parse_signal(std::string_view word) {
    std::string name;
    std::transform(word.begin(), word.end(), std::back_inserter(name),
                   [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
    if (name.starts_with("SIG")) {
        name.erase(0, 3);
    }
    std::vector<std::string> known;
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        if (signal_name(signal) == "SIG" + name || std::to_string(signal) == name) {
            return signal;
        }
        if (signal < SIGRTMIN && ::sigabbrev_np(signal) != nullptr) {
            known.push_back(signal_name(signal));
        }
    }
    throw Failure(Status::usage,
                  text("`", printable(std::string(word)), "` is no signal.", suggestion("SIG" + name, known)));
}

std::string signal_name(int signal) {
    if (signal >= SIGRTMIN) {
        return signal == SIGRTMIN ? "SIGRTMIN" : text("SIGRTMIN+", signal - SIGRTMIN);
    }
    const char* const name = ::sigabbrev_np(signal);
    return name != nullptr ? text("SIG", name) : text("signal ", signal);
}

}  // namespace interrupt::control
