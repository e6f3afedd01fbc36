// interruptctl doctor PID.

#include <csignal>

#include "control/doctor.h"

namespace interrupt::control {
namespace {

void examine_adapter(const HeaderView& header, Findings& findings) {
    findings.fact("runtime", "runtime", header.runtime.empty() ? Json(nullptr) : Json(header.runtime));
    findings.fact("adapter", "adapter", adapter_state_name(header.adapter));
    if (header.adapter == AdapterState::refused) {
        findings.note(text("its runtime is left alone",
                           header.adapter_reason.empty() ? "" : text(" (", header.adapter_reason, ")"),
                           ": interrupted calls end with an errno, as in a native program."));
    } else if (header.adapter == AdapterState::waiting) {
        findings.note("its runtime has not been prepared yet; that happens at one of its first blocking calls.");
    }
}

void examine_table(const Process& process, const TableFile& table, Findings& findings) {
    const HeaderView& header = table.header();
    findings.fact("version", "library version", header.version);
    findings.fact("table", "thread table", printable(table.path()));
    findings.fact("capacity", "room for threads", header.capacity);
    findings.fact("threads", "threads", process.tasks().size());
    examine_adapter(header, findings);

    findings.fact("signal", "nudge", header.signal == SIGURG ? "SIGURG" : "SIGWINCH");
    const bool caught = process.status().caught_signals >> (header.signal - 1) & 1;
    findings.fact("signal_caught", "nudge is caught", caught);
    if (!caught) {
        findings.problem("the handler of its nudge signal is gone: it has set another by a raw system call.");
    }
    bool seccomp = header.flags & table_seccomp;
    for (const pid_t tid : process.tasks()) {
        const auto status = process.task_status(tid);
        seccomp = seccomp || (status && status->seccomp != 0);
    }
    findings.fact("seccomp", "seccomp filter", seccomp);
    if (seccomp) {
        findings.problem("it runs under a seccomp filter, which may end it for a system call that an interrupt needs.");
    }
    findings.fact("heavy_fences", "fences of its own", (header.flags & table_heavy_fences) != 0);
    findings.fact("other_pid_namespace", "other PID namespace", process.in_other_namespace());
    findings.fact("delivered", "delivered", header.delivered);
    findings.fact("withdrawn", "withdrawn", header.withdrawn);
    findings.fact("locks_broken", "locks broken", header.locks_broken);
    findings.fact("threads_unseen", "threads without room", header.threads_unseen);
    findings.fact("windows", "requests met",
                  {{"before_call", header.windows[static_cast<size_t>(Window::before_call)]},
                   {"at_entry", header.windows[static_cast<size_t>(Window::at_entry)]},
                   {"in_kernel", header.windows[static_cast<size_t>(Window::in_kernel)]},
                   {"way_out", header.windows[static_cast<size_t>(Window::way_out)]}});
    if (!header.ignored_setting.empty()) {
        findings.note(text("of its environment, ", header.ignored_setting, "."));
    }
    if (header.threads_unseen != 0) {
        findings.note("the table was full when some of its threads asked for a record; those cannot be interrupted.");
    }
}

}  // namespace

void examine_process(pid_t pid, Findings& findings) {
    const Process process(pid);
    const ShimMappings shim = find_shim(process.maps());
    findings.fact("pid", "process", pid);
    findings.fact("command", "command", process.command());
    findings.fact("library", "library", shim.library ? Json(printable(shim.library->path)) : Json(nullptr));
    if (shim.library && shim.library->deleted) {
        findings.note("its library's file has been replaced or removed since it was started.");
    }
    try {
        const TableFile table(process);
        examine_table(process, table, findings);
    } catch (const Failure& failure) {
        if (failure.status() != Status::not_under_shim) {
            throw;
        }
        findings.problem(failure.what());
    }
}

}  // namespace interrupt::control
