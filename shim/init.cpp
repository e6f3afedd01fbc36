// The library's constructor and destructor: the first table, the nudge's handler, the adapter.
#include <cerrno>

#include "shim/adapter.h"
#include "shim/adapter_search.h"
#include "shim/bounded_text.h"
#include "shim/environment.h"
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
    leave_environment();
    if (os::seccomp_active()) {
        seccomp_seen.store(true);
        errno = saved_errno;
        return;
    }
    os::find_vdso();
    NoTable reason = read_settings();
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
