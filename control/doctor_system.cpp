// interruptctl doctor without argument: what programs that are started here will find.

#include <linux/magic.h>
#include <linux/membarrier.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "control/doctor.h"
#include "control/launcher.h"
#include "control/table_directory.h"

namespace interrupt::control {
namespace {

constexpr uint64_t least_space = 64 * 1024;  // a table's first pages

void examine_library(Findings& findings) {
    try {
        const std::string library = find_library();
        findings.fact("library", "library", library);
        check_preloadable(library);
    } catch (const Failure& failure) {
        findings.problem(failure.what());
    }
}

void examine_file_system(const std::string& path, bool chosen, Findings& findings) {
    struct statfs file_system;
    struct statvfs flags;
    if (::statfs(path.c_str(), &file_system) != 0 || ::statvfs(path.c_str(), &flags) != 0) {
        findings.problem(text("`", printable(path), "` cannot be looked at: ", std::strerror(errno), "."));
        return;
    }
    const auto type = static_cast<uint64_t>(file_system.f_type);
    const bool memory = type == TMPFS_MAGIC || type == RAMFS_MAGIC;
    const uint64_t free = uint64_t{flags.f_bavail} * flags.f_frsize;
    findings.fact("directory_in_memory", "on a tmpfs", memory);
    findings.fact("directory_free_bytes", "free bytes there", free);
    if (!memory && chosen) {
        findings.note("INTERRUPT_DIR is not on a tmpfs: every look at the table may write to a disk.");
    } else if (!memory) {
        findings.problem("/dev/shm is no tmpfs. Mount one there, or set INTERRUPT_DIR to a directory on one.");
    }
    if (flags.f_flag & ST_RDONLY) {
        findings.problem(text("the file system of `", printable(path), "` is read-only."));
    }
    if (flags.f_blocks != 0 && free < least_space) {
        findings.problem(text("the file system of `", printable(path), "` is full."));
    }
}

// The shim's own demands on its directory, see NoTable.
void examine_directory(Findings& findings) {
    const std::string path = table_directory();
    const bool chosen = path != table_directories().front();
    const std::string quoted = text("`", printable(path), "`");
    struct stat status;
    findings.fact("directory", "table directory", printable(path));
    if (::lstat(path.c_str(), &status) != 0) {
        const std::string parent = path.find('/') == std::string::npos ? "." : path.substr(0, path.rfind('/') + 1);
        findings.fact("directory_exists", "exists", false);
        if (::access(parent.c_str(), W_OK) != 0) {
            findings.problem(text(quoted, " is missing and cannot be made: ", std::strerror(errno), "."));
        } else {
            examine_file_system(parent, chosen, findings);
        }
        return;
    }
    findings.fact("directory_exists", "exists", true);
    if (!S_ISDIR(status.st_mode)) {
        findings.problem(text(quoted, " is not a directory. Remove it."));
    } else if (status.st_uid != ::geteuid()) {
        findings.problem(text(quoted, " belongs to ", user_text(status.st_uid), ". Remove it, or set INTERRUPT_DIR."));
    } else if ((status.st_mode & 077) != 0) {
        findings.problem(text(quoted, " is open to other users. Say: chmod 700 ", printable(path)));
    } else {
        examine_file_system(path, chosen, findings);
    }
}

void examine_environment(Findings& findings) {
    if (std::getenv("INTERRUPT_DISABLE")) {
        findings.problem("INTERRUPT_DISABLE is set in this environment.");
    }
    const char* signal = std::getenv("INTERRUPT_SIGNAL");
    const std::string name = signal ? signal : "URG";
    findings.fact("signal", "nudge", printable(name));
    const auto preload = std::getenv("LD_PRELOAD");
    findings.fact("ld_preload", "LD_PRELOAD", preload ? Json(printable(preload)) : Json(nullptr));
}

void examine_kernel(Findings& findings) {
    utsname system;
    ::uname(&system);
    findings.fact("kernel", "kernel", text(system.sysname, " ", system.release, " ", system.machine));
    const long commands = ::syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    const bool expedited = commands > 0 && commands & MEMBARRIER_CMD_GLOBAL_EXPEDITED;
    findings.fact("membarrier", "expedited membarrier", expedited);
    if (!expedited) {
        findings.note("without membarrier each interposed call pays for a fence of its own.");
    }
    rlimit pending;
    if (::getrlimit(RLIMIT_SIGPENDING, &pending) == 0) {
        const bool unlimited = pending.rlim_cur == RLIM_INFINITY;
        findings.fact("signals_pending_limit", "limit on pending signals",
                      unlimited ? Json(nullptr) : Json(uint64_t{pending.rlim_cur}));
        if (pending.rlim_cur == 0) {
            findings.note(
                "no timers can be made (ulimit -i is 0): an interrupt that comes just before a call blocks takes "
                "10 ms longer.");
        }
    }
    const auto contents = read_all(AT_FDCWD, "/proc/self/status");
    const auto status = contents ? parse_status(*contents) : std::nullopt;
    findings.fact("seccomp", "seccomp filter", status && status->seccomp != 0);
    if (status && status->seccomp != 0) {
        findings.problem("a seccomp filter is in force here, which every program inherits.");
    }
}

}  // namespace

void examine_system(Findings& findings) {
    findings.fact("version", "interruptctl", INTERRUPT_VERSION);
    examine_library(findings);
    examine_kernel(findings);
    examine_directory(findings);
    examine_environment(findings);
}

}  // namespace interrupt::control
