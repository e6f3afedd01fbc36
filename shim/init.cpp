// The library's constructor and destructor: the settings, the first table, the nudge's handler, the adapter.
#include <sys/auxv.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "shim/adapter.h"
#include "shim/adapter_search.h"
#include "shim/exit_wait.h"
#include "shim/fork_in_handler.h"
#include "shim/libc_functions.h"
#include "shim/nudge.h"
#include "shim/on_signal.h"
#include "shim/platform/platform.h"
#include "shim/program_actions.h"
#include "shim/program_signals.h"
#include "shim/semaphore.h"
#include "shim/thread_end.h"
#include "shim/thread_table.h"

namespace interrupt {

namespace {

bool is_set(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != 0 && std::strcmp(value, "0") != 0;
}

// SIGURG and SIGWINCH alone: by default both are ignored, so that a nudge that meets a process without the shim does
// nothing.
int nudge_signal_named(const char* name) {
    if (std::strncmp(name, "SIG", 3) == 0) {
        name += 3;
    }
    if (std::strcmp(name, "URG") == 0 || std::strtol(name, nullptr, 10) == SIGURG) {
        return SIGURG;
    }
    return std::strcmp(name, "WINCH") == 0 || std::strtol(name, nullptr, 10) == SIGWINCH ? SIGWINCH : 0;
}

char* append(char* to, const char* end, const char* text) {
    while (*text != 0 && to < end - 1) {
        *to++ = *text++;
    }
    *to = 0;
    return to;
}

char* append_number(char* to, const char* end, unsigned long number) {
    char digits[24];
    char* first = digits + sizeof digits - 1;
    *first = 0;
    do {
        *--first = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return append(to, end, first);
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
        const long wanted = std::strtol(capacity, nullptr, 10);
        settings.capacity = wanted < 1 ? 1 : wanted > 131'000 ? 131'000 : static_cast<uint32_t>(wanted);
    }
    read_signal_rules();
    return NoTable::unknown;
}

// `run --no-follow`: children of this process go without the shim.
void leave_environment() {
    char* preload = std::getenv("LD_PRELOAD");
    if (!is_set("INTERRUPT_NO_FOLLOW") || preload == nullptr) {
        return;
    }
    Dl_info self;
    if (dladdr(reinterpret_cast<void*>(&leave_environment), &self) == 0) {
        return;
    }
    char* to = preload;
    for (const char* from = preload; *from != 0;) {
        const size_t length = std::strcspn(from, ": ");
        if (std::strncmp(from, self.dli_fname, length) != 0 || self.dli_fname[length] != 0) {
            if (to != preload) {
                *to++ = ':';
            }
            std::memmove(to, from, length);
            to += length;
        }
        from += length + (from[length] != 0);
    }
    *to = 0;
    if (*preload == 0) {
        unsetenv("LD_PRELOAD");
    }
    unsetenv("INTERRUPT_NO_FOLLOW");
}

void log_reason(NoTable reason) {
    if (settings.log || is_set("INTERRUPT_LOG")) {
        char text[96];
        char* const end = text + sizeof text;
        char* to = append(text, end, "libinterrupt: not active, reason ");
        to = append_number(to, end, static_cast<unsigned long>(reason));
        to = append(to, end, "; see interruptctl doctor\n");
        os::write(STDERR_FILENO, text, static_cast<size_t>(to - text));
    }
}

void log_ignored_setting() {
    if (settings.log && settings.ignored[0] != 0) {
        char text[192];
        char* const end = text + sizeof text;
        char* to = append(append(append(text, end, "libinterrupt: "), end, settings.ignored), end, "\n");
        os::write(STDERR_FILENO, text, static_cast<size_t>(to - text));
    }
}

[[gnu::constructor]] void start() {
    const int saved_errno = errno;
    real::resolve_all();
    if (os::seccomp_active()) {
        seccomp_seen.store(true);
        errno = saved_errno;
        return;
    }
    os::find_vdso();
    NoTable reason = read_settings();
    leave_environment();
    if (reason == NoTable::unknown && os::madvise(&process, sizeof process, MADV_WIPEONFORK) != 0) {
        reason = NoTable::other;
    }
    if (reason != NoTable::unknown) {
        mark_no_table(reason);
        log_reason(reason);
        settings.signal = 0;
        errno = saved_errno;
        return;
    }
    prepare_thread_ends();
    prepare_forks_in_handlers();
    verify_semaphores();
    settings.active = true;
    if (ensure_table()) {
        install_nudge_handler();
        look_for_adapter(true);
        record_for_call({});
        set_runs_runtime(adapter != nullptr);
        take_ruled_signals();
        log_ignored_setting();
    } else {
        settings.active = false;
        settings.signal = 0;
        log_reason(no_table_reason);
    }
    errno = saved_errno;
}

[[gnu::destructor]] void stop() {
    await_interrupted();
    unlink_table();
}

}  // namespace

}  // namespace interrupt
