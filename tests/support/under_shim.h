// Test programs that run under the shim start themselves again with it: the same whether CTest or a person runs them.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace interrupt_tests {

// LIBINTERRUPT_PATH: the library of this build. Returns in a process that has it preloaded.
inline void ensure_under_shim(char** argv, const char* library = LIBINTERRUPT_PATH) {
    const char* preload = std::getenv("LD_PRELOAD");
    if (preload != nullptr && std::strstr(preload, library) != nullptr) {
        return;
    }
    setenv("LD_PRELOAD", library, 1);
    execv("/proc/self/exe", argv);
    std::perror("cannot start under the shim");
    std::exit(1);
}

}  // namespace interrupt_tests
