// Starting a program under the shim: where the library is, and the environment that preloads it.
#pragma once

#include <string>
#include <vector>

#include "control/program_file.h"

namespace interrupt::control {

// The library that belongs to this interruptctl. Throws Failure if it is not where it should be.
std::string find_library();

// The sanitizer's library that has to be in front of all others, of those that the program needs; "" if there is none,
// or `existing`, the value of LD_PRELOAD, names one.
std::string sanitizer_in_front(const std::string& existing, const std::vector<std::string>& needed);

// The value of LD_PRELOAD that has `sanitizer`, if there is one, and `library` in front of what is there already, but
// behind sanitizers.
std::string preload_with(const std::string& library, const std::string& existing, const std::string& sanitizer);

// The value of INTERRUPT_ON for what `--on` has been given. Throws Failure(usage) for what the shim would not obey.
std::string signal_rules(const std::vector<std::string>& on);

// Throws Failure(usage) if INTERRUPT_ON or INTERRUPT_GRACE, as they stand in the environment, would not be obeyed.
void check_signal_settings();

// Throws Failure for a path that LD_PRELOAD cannot express.
void check_preloadable(const std::string& library);

// A program that can be started under the shim, with its arguments.
struct Launch {
    std::string library;
    ProgramFile program;
    std::vector<std::string> words;
};

// Checks all that can be checked before. Throws Failure.
Launch prepare_launch(const std::vector<std::string>& words);

// Puts the library into the environment, and executes the program in place of this one. Throws Failure if it cannot.
[[noreturn]] void become(const Launch& launch);

}  // namespace interrupt::control
