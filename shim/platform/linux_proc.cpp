// What /proc says of this process, by raw system calls.
#include <cstdio>
#include <cstring>

#include "shim/platform/platform.h"

namespace interrupt::os {

namespace {

// Reads a small file as a string; its length, or a negative error number.
long read_file(const char* path, char* buffer, size_t size) {
    const long fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fd;
    }
    size_t length = 0;
    for (long got; length < size - 1 && (got = read(static_cast<int>(fd), buffer + length, size - 1 - length)) > 0;) {
        length += static_cast<size_t>(got);
    }
    close(static_cast<int>(fd));
    buffer[length] = 0;
    return static_cast<long>(length);
}

// Field `number` of /proc/self/task/TID/stat, from the third on, in `text`; null if there is none.
const char* stat_field(pid_t tid, int number, char (&text)[1024]) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    if (read_file(path, text, sizeof text) <= 0) {
        return nullptr;
    }
    const char* field = std::strrchr(text, ')');  // the name may hold anything, spaces and parentheses too
    for (int i = 2; field != nullptr && i < number; ++i) {
        field = std::strchr(field + 1, ' ');
    }
    return field == nullptr ? nullptr : field + 1;
}

}  // namespace

uint64_t thread_start_ticks(pid_t tid) {
    char text[1024];
    uint64_t ticks = 0;
    for (const char* digit = stat_field(tid, 22, text); digit != nullptr && *digit >= '0' && *digit <= '9'; ++digit) {
        ticks = ticks * 10 + static_cast<uint64_t>(*digit - '0');
    }
    return ticks;
}

bool is_on_cpu(pid_t tid) {
    char text[1024];
    const char* state = stat_field(tid, 3, text);
    return state != nullptr && *state == 'R';
}

bool has_ended(pid_t tid) {
    char text[1024];
    const char* state = stat_field(tid, 3, text);
    return state != nullptr ? *state == 'Z' || *state == 'X' : tgkill(getpid(), tid, 0) != 0;
}

uint32_t thread_count() {
    struct stat tasks;  // each is a directory, with a link to the one above
    return os::fstatat(AT_FDCWD, "/proc/self/task", &tasks, 0) == 0 && tasks.st_nlink > 2
               ? static_cast<uint32_t>(tasks.st_nlink - 2)
               : 0;
}

void thread_name(pid_t tid, char (&name)[17]) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    const long size = read_file(path, name, sizeof name);
    name[size > 0 ? size - 1 : 0] = 0;  // a line
}

bool seccomp_active() {
    char text[4096];
    if (read_file("/proc/self/status", text, sizeof text) <= 0) {
        return false;
    }
    const char* line = std::strstr(text, "\nSeccomp:");
    return line != nullptr && line[sizeof "\nSeccomp:"] != '0';
}

}  // namespace interrupt::os
