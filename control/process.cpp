#include "control/process.h"

#include <dirent.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "control/failure.h"

namespace interrupt::control {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

// The names in a directory that are numbers.
std::vector<pid_t> numeric_entries(int parent, const char* path) {
    std::vector<pid_t> entries;
    const int fd = ::openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, CloseDirectory> directory(fd < 0 ? nullptr : ::fdopendir(fd));
    if (!directory) {
        return entries;
    }
    while (const dirent* entry = ::readdir(directory.get())) {
        if (const auto number = parse_number(entry->d_name)) {
            entries.push_back(static_cast<pid_t>(*number));
        }
    }
    std::sort(entries.begin(), entries.end());
    return entries;
}

std::string task_file(pid_t tid, const char* name) {
    return std::to_string(tid) + '/' + name;
}

Failure no_such_process(pid_t pid) {
    return {Status::not_found, text("there is no process ", pid, ".")};
}

// None if it is not there.
Descriptor open_place(int directory, const std::string& path, pid_t pid) {
    Descriptor place(::openat(directory, path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!place && (errno == EMFILE || errno == ENFILE)) {
        throw Failure(Status::not_permitted, text("process ", pid, " could not be looked at: no descriptor is left."));
    }
    return place;
}

}  // namespace

Process::Process(pid_t pid)
    : pid_(pid),
      directory_(open_place(AT_FDCWD, text("/proc/", pid), pid)),
      tasks_(open_place(directory_.get(), "task", pid)) {
    const auto stat = directory_ ? read("stat") : std::nullopt;
    const auto status = directory_ ? read("status") : std::nullopt;
    const auto parsed_stat = stat ? parse_stat(*stat) : std::nullopt;
    const auto parsed_status = status ? parse_status(*status) : std::nullopt;
    if (!parsed_stat || !parsed_status) {
        throw no_such_process(pid);
    }
    stat_ = *parsed_stat;
    status_ = *parsed_status;
    if (status_.process != pid) {
        throw Failure(Status::not_found, text("there is no process ", pid, "; a thread of process ", status_.process,
                                              " has that id. Name both: the process, then the thread."));
    }
    if (stat_.ended()) {
        throw Failure(Status::not_found,
                      text("process ", pid, " has ended and only waits for its parent to collect its status."));
    }
    if (stat_.kernel_thread()) {
        throw Failure(Status::not_under_shim, text(pid, " is a kernel thread; only programs can be interrupted."));
    }
    const auto users = status_.users;
    if (::geteuid() != 0 && (users[0] != ::geteuid() || users[1] != ::geteuid() || users[2] != ::geteuid())) {
        const uid_t other = users[1] != ::geteuid() ? users[1] : users[0] != ::geteuid() ? users[0] : users[2];
        throw Failure(Status::not_permitted, text("process ", pid, " belongs to ", user_text(other),
                                                  ": only that user and root may look at or interrupt its threads."));
    }
    struct stat ours, theirs;
    if (::stat("/proc/self/ns/pid", &ours) == 0 && ::fstatat(directory_.get(), "ns/pid", &theirs, 0) == 0) {
        other_namespace_ = ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino;
    } else {
        other_namespace_ = status_.ids.size() > 1;
    }
}

std::string Process::command() const {
    std::string line = read("cmdline").value_or("");
    while (!line.empty() && line.back() == '\0') {
        line.pop_back();
    }
    std::replace(line.begin(), line.end(), '\0', ' ');
    return line.empty() ? "[" + printable(stat_.name) + "]" : printable(line);
}

std::vector<Mapping> Process::maps() const {
    const auto contents = read("maps");
    if (!contents && (errno == EACCES || errno == EPERM)) {
        throw Failure(Status::not_permitted,
                      text("process ", pid_,
                           " may not be looked at: it has protected itself (PR_SET_DUMPABLE), or has "
                           "more privileges than this user."));
    }
    if (!contents) {
        throw no_such_process(pid_);
    }
    return parse_maps(*contents);
}

std::vector<pid_t> Process::tasks() const {
    return numeric_entries(tasks_.get(), ".");
}

std::optional<TaskStat> Process::task_stat(pid_t tid) const {
    const auto contents = read_at_once(tasks_.get(), task_file(tid, "stat"));
    auto stat = contents ? parse_stat(*contents) : std::nullopt;
    // A leader that has called pthread_exit stays as a zombie until the other threads end.
    return stat && !stat->ended() ? stat : std::nullopt;
}

std::optional<TaskStatus> Process::task_status(pid_t tid) const {
    const auto contents = read_all(tasks_.get(), task_file(tid, "status"));
    return contents ? parse_status(*contents) : std::nullopt;
}

std::optional<std::string> Process::task_system_call_line(pid_t tid) const {
    auto line = read_at_once(tasks_.get(), task_file(tid, "syscall"));
    return line && !line->empty() ? line : std::nullopt;
}

std::optional<uint32_t> Process::inner_tid(pid_t tid) const {
    if (status_.ids.size() <= 1) {  // all threads of a process are in one namespace
        return static_cast<uint32_t>(tid);
    }
    const auto status = task_status(tid);
    return status && !status->ids.empty() ? std::optional(static_cast<uint32_t>(status->ids.back())) : std::nullopt;
}

std::string Process::task_sleeps_in(pid_t tid) const {
    if (const auto call = task_system_call_line(tid)) {
        if (const std::string name = system_call_name(*call); !name.empty()) {
            return name;
        }
    }
    const auto channel = read_at_once(tasks_.get(), task_file(tid, "wchan"));
    return channel && *channel != "0" ? printable(*channel) : std::string();
}

std::string Process::task_system_call(pid_t tid) const {
    const auto call = task_system_call_line(tid);
    return call ? *call : task_sleeps_in(tid);
}

bool Process::exists() const {
    // The leader's own: that of the process adds up the times of all its threads.
    const auto contents = read_at_once(tasks_.get(), task_file(pid_, "stat"));
    const auto stat = contents ? parse_stat(*contents) : std::nullopt;
    return stat && !stat->ended();
}

std::vector<pid_t> all_processes() {
    return numeric_entries(AT_FDCWD, "/proc");
}

bool has_ended(pid_t pid) {
    if (::kill(pid, 0) != 0 && errno == ESRCH) {
        return true;
    }
    const auto tasks = numeric_entries(AT_FDCWD, text("/proc/", pid, "/task").c_str());
    if (tasks.size() < 2) {
        return !tasks.empty();  // none: hidden (proc(5), hidepid)
    }
    const auto processes = all_processes();
    return !std::binary_search(processes.begin(), processes.end(), pid);  // a thread's id
}

std::string printable(std::string_view bytes) {
    std::string clean(bytes);
    for (size_t i = 0; i < clean.size(); ++i) {
        const auto byte = static_cast<unsigned char>(clean[i]);
        // U+0080 to U+009F are control characters, too: two bytes in UTF-8.
        const bool after_c2 = i > 0 && clean[i - 1] == '\xc2';
        if (byte < 0x20 || byte == 0x7f || (after_c2 && byte < 0xa0)) {
            clean[i] = '?';
            if (after_c2) {
                clean[i - 1] = '?';
            }
        }
    }
    return clean;
}

std::string user_text(uid_t user) {
    const passwd* entry = ::getpwuid(user);
    return entry ? text("user ", entry->pw_name) : text("user ", user);
}

}  // namespace interrupt::control
