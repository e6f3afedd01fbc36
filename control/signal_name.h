// Signals by name, as users write them.
#pragma once

#include <string>
#include <string_view>

namespace interrupt::control {

// "SIGINT", "INT", "SIGRTMIN+3", in letters of any case. Throws Failure(usage) for anything else, with the nearest
// name.
int parse_signal(std::string_view word);

// "SIGINT", "SIGRTMIN+3".
std::string signal_name(int signal);

// " Did you mean `SIGINT`?" or "", of the signals that a program can handle.
std::string nearest_signal(std::string_view word);

}  // namespace interrupt::control
