// Signals by name.
#pragma once

#include <string>
#include <string_view>

namespace interrupt::control {

// "SIGINT", "INT", "SIGRTMIN+3" or a number. Throws Failure(usage) for anything else, with the nearest name.
int parse_signal(std::string_view word);

// "SIGINT", "SIGRTMIN+3".
std::string signal_name(int signal);

}  // namespace interrupt::control
