// The sentences for processes that have no table: which marker means what, and what the user can do.

#include "control/failure.h"
#include "control/table_file.h"

namespace interrupt::control {
namespace {

std::string reason_text(NoTable reason) {
    switch (reason) {
        case NoTable::disabled:
            return "INTERRUPT_DISABLE is set in its environment. Start it without that variable.";
        case NoTable::secure_execution:
            return "it was started with more privileges than its caller's (setuid, setgid or file capabilities), where "
                   "the library keeps out. Start it as the user that it runs as.";
        case NoTable::bad_signal:
            return "INTERRUPT_SIGNAL in its environment names a signal that cannot be used. Set it to URG or WINCH, or "
                   "not "
                   "at all.";
        case NoTable::no_directory:
            return "the directory for its thread table could not be made. See that /dev/shm exists, or set "
                   "INTERRUPT_DIR to a "
                   "directory of your own, with mode 0700, on a tmpfs.";
        case NoTable::directory_not_ours:
            return "the directory for its thread table belongs to another user or is open to others. Remove it, or set "
                   "INTERRUPT_DIR to a directory of your own with mode 0700.";
        case NoTable::directory_is_link:
            return "a symbolic link or a file stands where the directory for its thread table should be. Remove it, or "
                   "set "
                   "INTERRUPT_DIR to a directory of your own with mode 0700.";
        case NoTable::not_tmpfs:
            return "the directory for its thread table is not on a tmpfs. Mount one at /dev/shm, or set INTERRUPT_DIR "
                   "to a "
                   "directory on one.";
        case NoTable::read_only:
            return "the file system for its thread table is read-only. Mount /dev/shm writable, or set INTERRUPT_DIR "
                   "to a "
                   "directory on a writable tmpfs.";
        case NoTable::no_space:
            return "the file system for its thread table was full when it started. Make room in /dev/shm (or "
                   "INTERRUPT_DIR) and start it again.";
        case NoTable::no_descriptors:
            return "it had no free file descriptor when it needed one (EMFILE or ENFILE). Raise the limit (ulimit -n) "
                   "and "
                   "start it again.";
        case NoTable::no_memory:
            return "it had no memory for its thread table, or has a limit on its address space (ulimit -v). Raise it "
                   "and "
                   "start the program again.";
        case NoTable::file_size_limit:
            return "its limit on file sizes (ulimit -f) is smaller than the thread table. Raise it and start the "
                   "program "
                   "again.";
        case NoTable::permission:
            return "it may not write in the directory for its thread table. Set INTERRUPT_DIR to a directory of its "
                   "user, "
                   "with mode 0700, on a tmpfs.";
        case NoTable::missing_symbols:
            return "its C library lacks a function that the shim stands on. Run it with a newer glibc.";
        case NoTable::other:
            return "its thread table could not be made, for a reason that has no name of its own. INTERRUPT_LOG in its "
                   "environment makes the library say more.";
        case NoTable::unknown:
        case NoTable::count:
            break;
    }
    return "it has made no blocking call since it was started or forked. Try again when it has; INTERRUPT_LOG in its "
           "environment makes the library say more.";
}

}  // namespace

std::string no_table_sentence(pid_t pid, const ShimMappings& shim, bool seccomp) {
    if (!shim.library) {
        return text("process ", pid,
                    " does not run under the shim, and a program that was started without it cannot be "
                    "reached. Start it by `interruptctl run`.");
    }
    if (seccomp && shim.reason == NoTable::unknown) {
        return text("process ", pid,
                    " has no thread table: it runs under a seccomp filter, which may end it for the system calls that "
                    "make one.");
    }
    return text("process ", pid, " has no thread table", shim.reason == NoTable::unknown ? " yet: " : ": ",
                reason_text(shim.reason));
}

}  // namespace interrupt::control
