// What of the environment is not obeyed, and why: settings.ignored, for `interruptctl doctor` and INTERRUPT_LOG.
#pragma once

#include <string_view>

namespace interrupt {

// The last one that is said counts.
void ignore_setting(const char* variable, std::string_view word, const char* reason);

}  // namespace interrupt
