#include "control/procfs.h"

#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>

namespace interrupt::control {
namespace {

// Takes the part before `separator` off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
    const size_t at = std::min(rest.find(separator), rest.size());
    const std::string_view part = rest.substr(0, at);
    rest.remove_prefix(std::min(at + 1, rest.size()));
    return part;
}

template <class Number>
std::optional<Number> number(std::string_view digits, int base = 10) {
    Number value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty()) {
        return std::nullopt;
    }
    return value;
}

template <class Number>
std::vector<Number> numbers(std::string_view fields) {
    std::vector<Number> values;
    while (!fields.empty()) {
        const size_t end = std::min(fields.find_first_of(" \t"), fields.size());
        if (const auto value = number<Number>(fields.substr(0, end))) {
            values.push_back(*value);
        }
        fields.remove_prefix(std::min(end + 1, fields.size()));
    }
    return values;
}

// The kernel writes a newline in a path as \012 and nothing else in maps.
std::string unescape(std::string_view path) {
    std::string plain;
    while (!path.empty()) {
        if (path.starts_with("\\012")) {
            plain += '\n';
            path.remove_prefix(4);
        } else {
            plain += path.front();
            path.remove_prefix(1);
        }
    }
    return plain;
}

}  // namespace

std::string_view Mapping::file_name() const {
    const std::string_view whole = path;
    return whole.substr(whole.rfind('/') + 1);
}

std::optional<Mapping> parse_mapping(std::string_view line) {
    Mapping mapping;
    const auto start = number<uint64_t>(take(line, '-'), 16);
    const auto end = number<uint64_t>(take(line, ' '), 16);
    mapping.permissions = take(line, ' ');
    const auto offset = number<uint64_t>(take(line, ' '), 16);
    const auto major = number<unsigned>(take(line, ':'), 16);
    const auto minor = number<unsigned>(take(line, ' '), 16);
    const auto inode = number<ino_t>(take(line, ' '));
    if (!start || !end || *end < *start || mapping.permissions.size() != 4 || !offset || !major || !minor || !inode) {
        return std::nullopt;
    }
    mapping.start = *start;
    mapping.end = *end;
    mapping.device = makedev(*major, *minor);
    mapping.inode = *inode;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    constexpr std::string_view deleted = " (deleted)";
    if (line.ends_with(deleted)) {
        mapping.deleted = true;
        line.remove_suffix(deleted.size());
    }
    mapping.path = unescape(line);
    return mapping;
}

std::vector<Mapping> parse_maps(std::string_view maps) {
    std::vector<Mapping> mappings;
    while (!maps.empty()) {
        if (auto mapping = parse_mapping(take(maps, '\n'))) {
            mappings.push_back(std::move(*mapping));
        }
    }
    return mappings;
}

bool TaskStat::kernel_thread() const {
    constexpr uint64_t pf_kthread = 0x00200000;  // linux/sched.h; proc(5) gives the field as it is
    return flags & pf_kthread;
}

bool TaskStat::ended() const {
    constexpr uint64_t pf_exiting = 0x00000004;  // it gives back its memory before its state says so
    return state == 'Z' || state == 'X' || state == 'x' || (flags & pf_exiting) != 0;
}

std::optional<TaskStat> parse_stat(std::string_view stat) {
    // The name stands in parentheses and may hold any character, parentheses included: only the last one closes it.
    const size_t open = stat.find('(');
    const size_t close = stat.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open || close + 4 > stat.size()) {
        return std::nullopt;
    }
    TaskStat result;
    result.name = stat.substr(open + 1, close - open - 1);
    result.state = stat[close + 2];
    std::string_view rest = stat.substr(close + 4);
    for (int field = 4; field <= 22 && !rest.empty(); ++field) {
        const std::string_view value = take(rest, ' ');
        if (field == 9) {
            result.flags = number<uint64_t>(value).value_or(0);
        } else if (field == 14 || field == 15) {
            result.processor_ticks += number<uint64_t>(value).value_or(0);
        } else if (field == 22) {
            const auto ticks = number<uint64_t>(value);
            if (!ticks) {
                return std::nullopt;
            }
            result.start_ticks = *ticks;
            return result;
        }
    }
    return std::nullopt;
}

std::optional<TaskStatus> parse_status(std::string_view status) {
    TaskStatus result;
    bool has_users = false;
    while (!status.empty()) {
        std::string_view value = take(status, '\n');
        const std::string_view key = take(value, ':');
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        if (key == "Tgid") {
            result.process = number<pid_t>(value).value_or(0);
        } else if (key == "Uid") {
            const auto users = numbers<uid_t>(value);
            has_users = users.size() == result.users.size();
            std::copy_n(users.begin(), std::min(users.size(), result.users.size()), result.users.begin());
        } else if (key == "NSpid") {
            result.ids = numbers<pid_t>(value);
        } else if (key == "Seccomp") {
            result.seccomp = number<int>(value).value_or(0);
        } else if (key == "SigPnd") {
            result.pending_signals = number<uint64_t>(value, 16).value_or(0);
        } else if (key == "SigCgt") {
            result.caught_signals = number<uint64_t>(value, 16).value_or(0);
        } else if (key == "SigBlk") {
            result.blocked_signals = number<uint64_t>(value, 16);
        }
    }
    if (result.process == 0 || !has_users) {
        return std::nullopt;
    }
    return result;
}

std::optional<SystemCall> parse_system_call(std::string_view syscall) {
    const auto called = number<long>(take(syscall, ' '));
    std::string_view first = take(syscall, ' ');
    first.remove_prefix(first.starts_with("0x") ? 2 : 0);
    const auto argument = number<uint64_t>(first, 16);
    if (!called || *called < 0 || !argument) {
        return std::nullopt;
    }
    return SystemCall{*called, *argument};
}

std::string system_call_name(std::string_view syscall) {
    struct Name {
        long number;
        const char* name;
    };
    static constexpr Name names[] = {
        {SYS_futex, "futex"},
        {SYS_wait4, "wait4"},
        {SYS_waitid, "waitid"},
        {SYS_ppoll, "ppoll"},
        {SYS_pselect6, "pselect6"},
        {SYS_epoll_pwait, "epoll_pwait"},
        {SYS_read, "read"},
        {SYS_readv, "readv"},
        {SYS_pread64, "pread64"},
        {SYS_write, "write"},
        {SYS_writev, "writev"},
        {SYS_pwrite64, "pwrite64"},
        {SYS_recvfrom, "recvfrom"},
        {SYS_recvmsg, "recvmsg"},
        {SYS_recvmmsg, "recvmmsg"},
        {SYS_sendto, "sendto"},
        {SYS_sendmsg, "sendmsg"},
        {SYS_accept, "accept"},
        {SYS_accept4, "accept4"},
        {SYS_connect, "connect"},
        {SYS_openat, "openat"},
        {SYS_close, "close"},
        {SYS_fcntl, "fcntl"},
        {SYS_flock, "flock"},
        {SYS_fsync, "fsync"},
        {SYS_fdatasync, "fdatasync"},
        {SYS_ioctl, "ioctl"},
        {SYS_sendfile, "sendfile"},
        {SYS_splice, "splice"},
        {SYS_nanosleep, "nanosleep"},
        {SYS_clock_nanosleep, "clock_nanosleep"},
        {SYS_rt_sigsuspend, "rt_sigsuspend"},
        {SYS_rt_sigtimedwait, "rt_sigtimedwait"},
        {SYS_semtimedop, "semtimedop"},
        {SYS_semop, "semop"},
        {SYS_msgrcv, "msgrcv"},
        {SYS_msgsnd, "msgsnd"},
        {SYS_mq_timedreceive, "mq_timedreceive"},
        {SYS_mq_timedsend, "mq_timedsend"},
        {SYS_io_getevents, "io_getevents"},
        {SYS_io_uring_enter, "io_uring_enter"},
        {SYS_getrandom, "getrandom"},
#ifdef SYS_poll  // not on newer machines
        {SYS_poll, "poll"},
        {SYS_select, "select"},
        {SYS_epoll_wait, "epoll_wait"},
        {SYS_pause, "pause"},
        {SYS_open, "open"},
        {SYS_vfork, "vfork"},
#endif
    };
    const auto wanted = number<long>(take(syscall, ' '));
    const auto found = std::find_if(std::begin(names), std::end(names),
                                    [&](const Name& entry) { return wanted && entry.number == *wanted; });
    return found == std::end(names) ? std::string() : found->name;
}

std::optional<int64_t> parse_number(std::string_view digits) {
    return number<int64_t>(digits);
}

}  // namespace interrupt::control
