// The ways in which a process becomes two, and what became of the child.
#pragma once

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "contract_support.h"

namespace interrupt_tests {

// What a child found: its exit status.
inline int status_of(pid_t child) {
    int status = -1;
    eventually([&] { return waitpid(child, &status, WNOHANG) == child; });
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

inline pid_t by_fork() {
    return fork();
}
inline pid_t by_fork_alone() {
    return _Fork();
}
inline pid_t by_clone() {
    return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}
inline pid_t by_bare_clone() {  // without libc
    long result;
    asm volatile("xor %%r10d, %%r10d; xor %%r8d, %%r8d; syscall"
                 : "=a"(result)
                 : "a"(SYS_clone), "D"(SIGCHLD), "S"(0), "d"(0)
                 : "rcx", "r11", "r10", "r8", "memory");
    return static_cast<pid_t>(result);
}

struct Way {
    const char* name;
    pid_t (*fork)();
};

inline constexpr Way ways_to_fork[] = {
    {"fork", by_fork}, {"_Fork", by_fork_alone}, {"clone", by_clone}, {"bare_clone", by_bare_clone}};

inline std::string name_of_way(const testing::TestParamInfo<Way>& info) {
    return info.param.name;
}

}  // namespace interrupt_tests
