#include "control/table_directory.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "control/descriptor.h"
#include "control/failure.h"
#include "control/process.h"
#include "control/table_file.h"

namespace interrupt::control {
namespace {

constexpr uint64_t second_ns = 1'000'000'000;
constexpr uint64_t making_takes_at_most_ns = 60 * second_ns;

std::string default_directory() {
    return text("/dev/shm/interrupt-", ::geteuid());
}

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

// What the file says of the process that made it; nothing as long as that is still making it.
struct Maker {
    bool complete = false;
    uint64_t pid_namespace = 0;
};

Maker read_maker(int directory, const char* name) {
    alignas(TableHeader) char raw[sizeof(TableHeader)] = {};
    const Descriptor file(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!file || ::pread(file.get(), raw, sizeof raw, 0) != static_cast<ssize_t>(sizeof raw)) {
        return {};
    }
    const auto& header = *reinterpret_cast<const TableHeader*>(raw);
    return {header.magic.load(std::memory_order_acquire) == magic_word(), header.pid_namespace};
}

bool can_be_asked_for(const Maker& maker) {
    struct stat ours;
    // Process ids of another namespace mean nothing here.
    return !maker.complete || maker.pid_namespace == 0 ||
           (::stat("/proc/self/ns/pid", &ours) == 0 && ours.st_ino == maker.pid_namespace);
}

uint64_t since_boot() {
    struct timespec now = {};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * second_ns + static_cast<uint64_t>(now.tv_nsec);
}

// `file` is not mapped by any process that could be looked at.
bool is_dead(const TableName& name, const Maker& maker, ino_t inode) {
    if (!can_be_asked_for(maker)) {
        return false;
    }
    if (!maker.complete && since_boot() - name.created < making_takes_at_most_ns) {
        return false;  // by whom cannot be asked yet
    }
    if (::kill(name.pid, 0) != 0 && errno == ESRCH) {
        return true;
    }
    try {
        const Process process(name.pid);
        const uint64_t ticks = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
        const uint64_t started =
            process.stat().start_ticks / ticks * second_ns + process.stat().start_ticks % ticks * (second_ns / ticks);
        // Throws if it could not be looked at. Looked at again: it may have begun since the others were.
        for (const auto& mapping : process.maps()) {
            if (mapping.inode == inode) {
                return false;
            }
        }
        return started > name.created || maker.complete;
    } catch (const Failure& failure) {
        return failure.status() == Status::not_found && has_ended(name.pid);
    }
}

// The file of a run (run_file.h) whose interruptctl was killed: PID-RANDOM.run. Processes that have it mapped keep it.
bool is_dead_run(std::string_view file_name) {
    const auto pid =
        file_name.ends_with(".run") ? parse_number(file_name.substr(0, file_name.find('-'))) : std::nullopt;
    return pid && *pid > 0 && *pid <= INT32_MAX && ::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH;
}

}  // namespace

std::string table_directory() {
    const char* chosen = std::getenv("INTERRUPT_DIR");
    return chosen && *chosen ? chosen : default_directory();
}

std::vector<std::string> table_directories() {
    std::vector<std::string> directories{default_directory()};
    if (table_directory() != directories.front()) {
        directories.push_back(table_directory());
    }
    return directories;
}

void remove_dead_tables(const std::string& path, const std::set<std::pair<dev_t, ino_t>>& mapped) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const std::unique_ptr<DIR, CloseDirectory> directory(fd < 0 ? nullptr : ::fdopendir(fd));
    struct stat status;
    if (!directory || ::fstat(fd, &status) != 0 || status.st_uid != ::geteuid() || (status.st_mode & 0777) != 0700) {
        return;
    }
    while (const dirent* entry = ::readdir(directory.get())) {
        if (is_dead_run(entry->d_name)) {
            ::unlinkat(fd, entry->d_name, 0);
            continue;
        }
        const auto name = parse_table_name(entry->d_name);
        if (!name || ::fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode) ||
            status.st_uid != ::geteuid() || mapped.contains({status.st_dev, status.st_ino})) {
            continue;
        }
        if (is_dead(*name, read_maker(fd, entry->d_name), status.st_ino)) {
            ::unlinkat(fd, entry->d_name, 0);
        }
    }
}

}  // namespace interrupt::control
