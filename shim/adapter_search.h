// Whether there is a runtime in this process that an adapter knows: from the start, or loaded later by dlopen.
#pragma once

namespace interrupt {

// Looks once more if objects have been loaded since the last look. Called where a runtime is bound to come by when it
// begins, and seldom otherwise. Not async-signal-safe.
void look_for_adapter(bool at_start = false);

}  // namespace interrupt
