// One process as /proc shows it. Everything goes through one descriptor of /proc/PID, so that a reused process id can
// never be taken for the process that was looked at first: reads then fail.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/descriptor.h"
#include "control/procfs.h"

namespace interrupt::control {

class Process {
public:
    // Throws Failure if there is no such process, it has ended, or it may not be looked at.
    explicit Process(pid_t pid);

    pid_t pid() const { return pid_; }
    const TaskStat& stat() const { return stat_; }
    const TaskStatus& status() const { return status_; }
    const Descriptor& directory() const { return directory_; }

    // The process's id in its own PID namespace, and whether that is another one than ours.
    pid_t inner_pid() const { return status_.ids.empty() ? pid_ : status_.ids.back(); }
    bool in_other_namespace() const { return other_namespace_; }
    // One of its threads' id there. Nothing if the thread is gone.
    std::optional<uint32_t> inner_tid(pid_t tid) const;

    // Its command line, printable; the name in brackets if it has none.
    std::string command() const;

    // Throws Failure if they may not be read.
    std::vector<Mapping> maps() const;

    // The threads' ids as seen here, in order. Empty if the process is gone.
    std::vector<pid_t> tasks() const;

    // Nothing if the thread is gone.
    std::optional<TaskStat> task_stat(pid_t tid) const;
    std::optional<TaskStatus> task_status(pid_t tid) const;
    // /proc/PID/task/TID/syscall; nothing if it may not be read.
    std::optional<std::string> task_system_call_line(pid_t tid) const;
    // Where the kernel has put the thread to sleep, if it says: a system call's or a kernel function's name.
    std::string task_sleeps_in(pid_t tid) const;
    // The same with its arguments, to be compared.
    std::string task_system_call(pid_t tid) const;

    bool exists() const;

    // A file of /proc/PID. Nothing, with errno set, if it cannot be read.
    std::optional<std::string> read(const std::string& name) const { return read_all(directory_.get(), name); }

private:
    pid_t pid_;
    Descriptor directory_;
    Descriptor tasks_;
    TaskStat stat_;
    TaskStatus status_;
    bool other_namespace_ = false;
};

// The processes that /proc lists now.
std::vector<pid_t> all_processes();

// Of a process that could not be looked at as one: has it ended? Not if only its first thread has; nor if that cannot
// be told.
bool has_ended(pid_t pid);

// What a terminal can show: control characters become '?'.
std::string printable(std::string_view bytes);

// "user NAME" or "user 1001".
std::string user_text(uid_t user);

}  // namespace interrupt::control
