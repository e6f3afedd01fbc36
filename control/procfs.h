// The text formats of proc(5). Pure functions over strings: what does not parse is absent, never guessed.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace interrupt::control {

// One line of /proc/PID/maps.
struct Mapping {
    uint64_t start = 0;
    uint64_t end = 0;
    std::string permissions;  // "rw-s"
    dev_t device = 0;
    ino_t inode = 0;
    std::string path;      // empty: anonymous
    bool deleted = false;  // the file has no name any more
    std::string_view file_name() const;
};

std::optional<Mapping> parse_mapping(std::string_view line);
std::vector<Mapping> parse_maps(std::string_view maps);

// The fields of /proc/PID/stat that are needed here.
struct TaskStat {
    std::string name;  // any bytes: the program chooses them
    char state = '?';
    uint64_t flags = 0;
    uint64_t start_ticks = 0;      // since boot
    uint64_t processor_ticks = 0;  // used, in user and kernel mode
    bool kernel_thread() const;
    // It runs none of its program any more.
    bool ended() const;
    bool stopped() const { return state == 'T' || state == 't'; }
    bool sleeping() const { return state == 'S' || state == 'D'; }
};

std::optional<TaskStat> parse_stat(std::string_view stat);

// The fields of /proc/PID/status that are needed here.
struct TaskStatus {
    pid_t process = 0;                        // Tgid
    std::array<uid_t, 4> users{};             // real, effective, saved, file system
    std::vector<pid_t> ids;                   // NSpid, ours first, the innermost namespace's last
    int seccomp = 0;                          // 0: no filter
    uint64_t pending_signals = 0;             // SigPnd: the thread's own
    uint64_t caught_signals = 0;              // SigCgt; bit 0 is signal 1
    std::optional<uint64_t> blocked_signals;  // SigBlk
};

std::optional<TaskStatus> parse_status(std::string_view status);

// /proc/PID/task/TID/syscall of a thread that is in a system call.
struct SystemCall {
    long number = -1;
    uint64_t argument = 0;  // the first one
};

// Nothing for a thread that runs, or waits without having called: for a page of its memory.
std::optional<SystemCall> parse_system_call(std::string_view syscall);

// "" or a name such as "futex" for the first field of /proc/PID/task/TID/syscall.
std::string system_call_name(std::string_view syscall);

// Whole-string numbers; nothing else around them.
std::optional<int64_t> parse_number(std::string_view digits);

}  // namespace interrupt::control
