// Starting a program under the shim: where the library is, and the environment that preloads it.
#pragma once

#include <string>
#include <vector>

namespace interrupt::control {

// The library that belongs to this interruptctl. Throws Failure if it is not where it should be.
std::string find_library();

// The value of LD_PRELOAD that has `library` in front of what is there already, but behind sanitizers, which insist on
// being first. `needed`: what the program is linked with.
std::string preload_with(const std::string& library, const std::string& existing,
                         const std::vector<std::string>& needed);

// The value of INTERRUPT_ON for what `--on` has been given. Throws Failure(usage) for what the shim would not obey.
std::string signal_rules(const std::vector<std::string>& on);

// Throws Failure(usage) if INTERRUPT_ON or INTERRUPT_GRACE, as they stand in the environment, would not be obeyed.
void check_signal_settings();

// Throws Failure for a path that LD_PRELOAD cannot express.
void check_preloadable(const std::string& library);

}  // namespace interrupt::control
