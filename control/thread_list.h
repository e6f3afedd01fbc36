// The threads of a process: what the kernel and the table say about each, put together.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/names.h"
#include "control/process.h"
#include "control/requester.h"
#include "control/runtime_lock.h"
#include "control/table_file.h"

namespace interrupt::control {

struct ThreadView {
    ThreadId id;
    std::string name;  // the runtime's, or else the kernel's; printable
    TaskStat kernel;
    std::optional<RecordView> record;
    LockState lock = LockState::unknown;
    std::string outside;  // the system call that it sleeps in, if it is none of the list and /proc tells; printable

    // Whether its name, or the kernel's for it, matches the pattern; an empty one matches all.
    bool named_like(const std::string& pattern) const;
    bool blocked() const { return record && record->state.blocked(); }
    // blocked, running, stopped, outside (it sleeps in a call that is not on the list), or no record; where that can be
    // told of a thread of CPython, bytecode, ready (for bytecode, when it gets the GIL) or in-C in place of running
    std::string state() const;
    // "recv(fd 5)"; of a thread that is outside the system call alone; "-" if it is in none.
    std::string call() const;
};

// Nothing if the thread is gone. Throws Failure if the table is damaged.
std::optional<ThreadView> observe(const Process& process, const TableFile& table, pid_t tid);

std::vector<ThreadView> observe_all(const Process& process, const TableFile& table);

// The same for somebody who has other things to do meanwhile.
class ThreadScan {
public:
    // Both must outlive it.
    ThreadScan(const Process& process, const TableFile& table);
    // Looks at `most` more threads. True when all have been looked at; otherwise it may be called again at once, or
    // half a millisecond later when only those are left that have to be looked at twice. Never waits.
    bool step(size_t most, uint64_t now);
    std::vector<ThreadView> take() { return std::move(views_); }

private:
    std::optional<ThreadView> look(pid_t tid) const;
    void look_again_for_lock(ThreadView& view) const;

    const Process& process_;
    const TableFile& table_;
    std::unordered_map<uint32_t, uint32_t> indexes_;  // of records, by the thread's id
    std::vector<pid_t> tids_;
    size_t next_ = 0;
    std::vector<ThreadView> views_;
    std::vector<size_t> again_;
    uint64_t again_at_ = 0;
};

// The same of a thread whose record is known to have been there.
std::optional<ThreadView> observe_at(const Process& process, const TableFile& table, ThreadId thread,
                                     std::optional<uint32_t> index);

// Whether the thread is left alone because of a seccomp filter, and the sentence for it.
bool is_under_filter(const Process& process, const TableFile& table, const ThreadView& thread);
inline constexpr const char* under_filter =
    "it runs under a seccomp filter, which may end the process for a system call that the interrupt needs";

// How long a record's wait has lasted, if that can be right.
std::optional<uint64_t> waited(const RecordView& record);

}  // namespace interrupt::control
