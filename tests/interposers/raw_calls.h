// System calls that pass by libc and the shim, as a Go program makes them: what they return is what the kernel says. A
// stray nudge shows in them as EINTR.
#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include <cerrno>

namespace interrupt_tests {

// The result, or a negative error number; errno is left alone.
inline long raw_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    long result;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

inline pid_t own_tid() {
    return static_cast<pid_t>(raw_call(SYS_gettid));
}
inline void raw_close(long fd) {
    raw_call(SYS_close, fd);
}

// Waits in the kernel, interruptibly, for as long; 0 or -EINTR.
inline long raw_wait(long microseconds) {
    const struct timespec time = {microseconds / 1'000'000, microseconds % 1'000'000 * 1'000};
    return raw_call(SYS_ppoll, 0, 0, reinterpret_cast<long>(&time), 0, sizeof(unsigned long));
}

// A plain signal to one thread, as tgkill(1) of another process would send it.
inline long send_signal(pid_t tid, int signal) {
    return raw_call(SYS_tgkill, raw_call(SYS_getpid), tid, signal);
}

}  // namespace interrupt_tests
