#include "shim/environment.h"

#include <dlfcn.h>
#include <sys/auxv.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "shim/bounded_text.h"
#include "shim/injection_settings.h"
#include "shim/platform/platform.h"
#include "shim/process.h"
#include "shim/rules_in_force.h"
#include "shim/run.h"

namespace interrupt {

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != 0 && std::strcmp(value, "0") != 0;
}

NoTable read_settings() {
    if (is_set("INTERRUPT_DISABLE")) {
        return NoTable::disabled;
    }
    if (getauxval(AT_SECURE) != 0) {
        return NoTable::secure_execution;
    }
    settings.log = is_set("INTERRUPT_LOG");
    const char* signal = std::getenv("INTERRUPT_SIGNAL");
    settings.signal = signal == nullptr || *signal == 0 ? SIGURG : nudge_signal_named(signal);
    if (settings.signal == 0) {
        return NoTable::bad_signal;
    }
    const char* directory = std::getenv("INTERRUPT_DIR");
    settings.directory_chosen = directory != nullptr && *directory != 0;
    if (settings.directory_chosen) {
        if (std::strlen(directory) >= sizeof settings.directory) {
            return NoTable::no_directory;
        }
        append(settings.directory, settings.directory + sizeof settings.directory, directory);
    }
    if (const char* capacity = std::getenv("INTERRUPT_CAPACITY")) {
        char* behind = nullptr;
        const long wanted = std::strtol(capacity, &behind, 10);
        if (behind != capacity) {
            settings.capacity = wanted < 1 ? 1 : wanted > 131'000 ? 131'000 : static_cast<uint32_t>(wanted);
        }
    }
    read_signal_rules();
    read_injection_rules();
    join_run();
    return NoTable::unknown;
}

void leave_environment() {
    char* const preload = std::getenv("LD_PRELOAD");
    if (preload == nullptr) {
        return;
    }
    if (Dl_info self; is_set("INTERRUPT_NO_FOLLOW") && dladdr(reinterpret_cast<void*>(&is_set), &self) != 0) {
        remove_entry(preload, self.dli_fname);
        unsetenv("INTERRUPT_NO_FOLLOW");
    }
    if (const char* sanitizer = std::getenv("INTERRUPT_PRELOAD_ONCE")) {
        remove_entry(preload, sanitizer);
        unsetenv("INTERRUPT_PRELOAD_ONCE");
    }
    if (*preload == 0) {
        unsetenv("LD_PRELOAD");
    }
}

}  // namespace interrupt
