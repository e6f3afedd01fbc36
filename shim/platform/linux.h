// Linux. Each function is one system call by its name and returns what it returns: a negative error number on failure.
#pragma once

#include <fcntl.h>
#include <gnu/lib-names.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include "shim/arch/arch.h"

#ifndef MADV_POPULATE_WRITE  // Linux 5.14; older headers
#define MADV_POPULATE_WRITE 23
#endif

namespace interrupt::os {

using arch::raw_syscall;

inline constexpr const char* libc_file = LIBC_SO;

template <class T>
long arg(T* pointer) {
    return reinterpret_cast<long>(pointer);
}

// The kernel's signal set: one bit for each of 64 signals.
using KernelMask = uint64_t;

// The flags of a signal's action that the kernel keeps (since Linux 5.11); it clears the others. libc adds some of its
// own.
inline constexpr int action_flags =
    SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | static_cast<int>(SA_RESETHAND);

inline pid_t getpid() {
    return static_cast<pid_t>(raw_syscall(SYS_getpid));
}
inline pid_t gettid() {
    return static_cast<pid_t>(raw_syscall(SYS_gettid));
}

// These three return the mask before.
inline KernelMask set_signal_mask(KernelMask mask) {
    KernelMask before = 0;
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, arg(&mask), arg(&before), sizeof mask);
    return before;
}
inline KernelMask block_all_signals() {
    return set_signal_mask(~KernelMask{0});
}
// Whether `size` bytes may be read, of two pages at most. The kernel reads a signal set before it finds that there is
// no such change of the mask.
inline bool is_readable(const void* memory, size_t size) {
    const auto has_set = [](const char* set) {
        return raw_syscall(SYS_rt_sigprocmask, -1, arg(set), 0, sizeof(KernelMask)) != -EFAULT;
    };
    const auto* const first = static_cast<const char*>(memory);
    return has_set(first) && (size <= sizeof(KernelMask) || has_set(first + size - sizeof(KernelMask)));
}
// False if that memory cannot be written. Where the kernel has no such call, or allows it not, it is written all the
// same.
inline bool write_if_writable(void* to, const void* from, size_t size) {
    const struct iovec source = {const_cast<void*>(from), size};
    const struct iovec target = {to, size};
    const long written = raw_syscall(SYS_process_vm_writev, getpid(), arg(&source), 1, arg(&target), 1, 0);
    if (written < 0 && written != -EFAULT) {
        __builtin_memcpy(to, from, size);
        return true;
    }
    return written == static_cast<long>(size);
}
inline void block_signal(int signal) {
    const KernelMask mask = KernelMask{1} << (signal - 1);
    raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, arg(&mask), 0, sizeof mask);
}
inline void unblock_signal(int signal) {
    const KernelMask mask = KernelMask{1} << (signal - 1);
    raw_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, arg(&mask), 0, sizeof mask);
}
inline KernelMask signal_mask() {
    KernelMask now = 0;
    raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, arg(&now), sizeof now);
    return now;
}
// Exactly as given: libc's function would add flags of its own.
inline long set_action(int signal, const struct sigaction& action) {
    const struct {
        decltype(action.sa_handler) handler;
        unsigned long flags;
        void (*restorer)();
        KernelMask mask;
    } kernels = {action.sa_handler, static_cast<unsigned>(action.sa_flags), action.sa_restorer,
                 *reinterpret_cast<const KernelMask*>(&action.sa_mask)};
    return raw_syscall(SYS_rt_sigaction, signal, arg(&kernels), 0, sizeof kernels.mask);
}
inline long tgkill(pid_t pid, pid_t tid, int signal) {
    return raw_syscall(SYS_tgkill, pid, tid, signal);
}
inline long rt_tgsigqueueinfo(pid_t pid, pid_t tid, int signal, siginfo_t* info) {
    return raw_syscall(SYS_rt_tgsigqueueinfo, pid, tid, signal, arg(info));
}
// Takes a pending signal of `set` without a wait: its number, or -EAGAIN.
inline long rt_sigtimedwait(KernelMask set, siginfo_t* info) {
    const struct timespec none = {};
    return raw_syscall(SYS_rt_sigtimedwait, arg(&set), arg(info), arg(&none), sizeof set);
}
inline long rt_sigqueueinfo(pid_t pid, int signal, siginfo_t* info) {
    return raw_syscall(SYS_rt_sigqueueinfo, pid, signal, arg(info));
}
inline long kill(pid_t pid, int signal) {
    return raw_syscall(SYS_kill, pid, signal);
}

inline long membarrier(int command) {
    return raw_syscall(SYS_membarrier, command, 0, 0);
}
inline long sched_yield() {
    return raw_syscall(SYS_sched_yield);
}
inline long futex_wait(const void* address, uint32_t value, const struct timespec* timeout) {
    return raw_syscall(SYS_futex, reinterpret_cast<long>(address), FUTEX_WAIT, value, arg(timeout));
}
inline long futex_wake_all(const void* address) {
    return raw_syscall(SYS_futex, reinterpret_cast<long>(address), FUTEX_WAKE, INT32_MAX);
}

inline long timer_create(clockid_t clock, struct sigevent* event, int* timer) {
    return raw_syscall(SYS_timer_create, clock, arg(event), arg(timer));
}
inline long timer_settime(int timer, const struct itimerspec* value) {
    return raw_syscall(SYS_timer_settime, timer, 0, arg(value), 0);
}
inline long timer_delete(int timer) {
    return raw_syscall(SYS_timer_delete, timer);
}

inline long open(const char* path, int flags, mode_t mode = 0) {
    return raw_syscall(SYS_openat, AT_FDCWD, arg(path), flags, mode);
}
inline long openat(int directory, const char* path, int flags, mode_t mode = 0) {
    return raw_syscall(SYS_openat, directory, arg(path), flags, mode);
}
inline long close(int fd) {
    return raw_syscall(SYS_close, fd);
}
inline long read(int fd, void* buffer, size_t size) {
    return raw_syscall(SYS_read, fd, arg(buffer), static_cast<long>(size));
}
inline long write(int fd, const void* buffer, size_t size) {
    return raw_syscall(SYS_write, fd, arg(buffer), static_cast<long>(size));
}
inline long ftruncate(int fd, uint64_t size) {
    return raw_syscall(SYS_ftruncate, fd, static_cast<long>(size));
}
inline long fallocate(int fd, uint64_t size, uint64_t offset = 0) {
    return raw_syscall(SYS_fallocate, fd, 0, static_cast<long>(offset), static_cast<long>(size));
}
inline long fstat(int fd, struct stat* status) {
    return raw_syscall(SYS_fstat, fd, arg(status));
}
inline long fstatat(int directory, const char* path, struct stat* status, int flags) {
    return raw_syscall(SYS_newfstatat, directory, arg(path), arg(status), flags);
}
// Memory devices (null, zero, full, random and their like) have or take at once whatever they are asked for, as long as
// the machine is not just starting; but the kernel's log, which has a reader wait.
inline bool never_waits(const struct stat& status) {
    constexpr unsigned memory_devices = 1;
    constexpr unsigned kernel_log = 11;
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ||
           (S_ISCHR(status.st_mode) && major(status.st_rdev) == memory_devices && minor(status.st_rdev) != kernel_log);
}
inline long fstatfs(int fd, void* status) {
    return raw_syscall(SYS_fstatfs, fd, arg(status));
}
inline long mkdir(const char* path, mode_t mode) {
    return raw_syscall(SYS_mkdirat, AT_FDCWD, arg(path), mode);
}
inline long readlink(const char* path, char* target, size_t size) {
    return raw_syscall(SYS_readlink, arg(path), arg(target), static_cast<long>(size));
}
inline long unlinkat(int directory, const char* path) {
    return raw_syscall(SYS_unlinkat, directory, arg(path), 0);
}
inline long getdents64(int fd, void* buffer, size_t size) {
    return raw_syscall(SYS_getdents64, fd, arg(buffer), static_cast<long>(size));
}
inline long pipe2(int* fds, int flags) {
    return raw_syscall(SYS_pipe2, arg(fds), flags);
}
inline long dup3(int from, int to, int flags) {
    return raw_syscall(SYS_dup3, from, to, flags);
}
inline long fcntl(int fd, int command, long argument = 0) {
    return raw_syscall(SYS_fcntl, fd, command, argument);
}
inline long getsockopt(int fd, int level, int option, void* value, socklen_t* size) {
    return raw_syscall(SYS_getsockopt, fd, level, option, arg(value), arg(size));
}
// SO_RCVTIMEO or SO_SNDTIMEO; 0: none, or no socket.
inline uint64_t socket_limit_ns(int fd, int option) {
    struct timeval limit = {};
    socklen_t size = sizeof limit;
    if (os::getsockopt(fd, SOL_SOCKET, option, &limit, &size) != 0) {
        return 0;
    }
    return static_cast<uint64_t>(limit.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(limit.tv_usec) * 1'000;
}
inline long getrlimit(int resource, struct rlimit* limit) {
    return raw_syscall(SYS_prlimit64, 0, resource, 0, arg(limit));
}
inline uid_t geteuid() {
    return static_cast<uid_t>(raw_syscall(SYS_geteuid));
}
inline long getrandom(void* buffer, size_t size) {
    return raw_syscall(SYS_getrandom, arg(buffer), static_cast<long>(size), 0);
}

// When a thread of this process started, in clock ticks since boot (/proc/PID/task/TID/stat, field 22); 0 if unknown.
uint64_t thread_start_ticks(pid_t tid);

// Whether the thread computes: it is running, or ready to.
bool is_on_cpu(pid_t tid);

// Whether the thread is gone, or has nothing left but its number.
bool has_ended(pid_t tid);

// How many threads this process has; 0 if that cannot be told.
uint32_t thread_count();

// Of the calling thread.
inline long own_name(char (&name)[17]) {
    return raw_syscall(SYS_prctl, PR_GET_NAME, arg(name));
}
// As the kernel has it; empty if it cannot be read.
void thread_name(pid_t tid, char (&name)[17]);

// Calls `visit` with the id of each thread of this process. False if they cannot be listed.
template <class Visit>
bool each_thread(Visit visit) {
    const long fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    alignas(8) char buffer[512];
    for (long size; (size = getdents64(static_cast<int>(fd), buffer, sizeof buffer)) > 0;) {
        for (long at = 0; at < size;) {
            unsigned short length;
            __builtin_memcpy(&length, buffer + at + 16, sizeof length);  // linux_dirent64: ino, off, reclen, type, name
            pid_t tid = 0;
            for (const char* digit = buffer + at + 19; *digit >= '0' && *digit <= '9'; ++digit) {
                tid = tid * 10 + (*digit - '0');
            }
            if (tid != 0) {
                visit(tid);
            }
            at += length;
        }
    }
    close(static_cast<int>(fd));
    return true;
}

// Whether a seccomp filter, or strict mode, is in force. Opens and reads one file: what the dynamic loader had to do
// as well, so a filter that the process began with allows it.
bool seccomp_active();

// Memory. mmap's result is a negative error number as a pointer where is_error().
inline void* mmap(size_t size, int protection, int flags, int fd) {
    return reinterpret_cast<void*>(raw_syscall(SYS_mmap, 0, static_cast<long>(size), protection, flags, fd, 0));
}
inline bool is_error(const void* pointer) {
    return reinterpret_cast<uintptr_t>(pointer) >= static_cast<uintptr_t>(-4095);
}
inline int error_of(const void* pointer) {
    return static_cast<int>(-reinterpret_cast<intptr_t>(pointer));
}
// Private memory at a place where nothing else is. A kernel before 4.17 may choose another place.
inline bool mmap_if_free(void* place, size_t size) {
    void* const made =
        reinterpret_cast<void*>(raw_syscall(SYS_mmap, arg(place), static_cast<long>(size), PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    if (!is_error(made) && made != place) {
        raw_syscall(SYS_munmap, arg(made), static_cast<long>(size));
    }
    return made == place;
}
inline long munmap(void* address, size_t size) {
    return raw_syscall(SYS_munmap, arg(address), static_cast<long>(size));
}
inline long mprotect(void* address, size_t size, int protection) {
    return raw_syscall(SYS_mprotect, arg(address), static_cast<long>(size), protection);
}
inline long madvise(void* address, size_t size, int advice) {
    return raw_syscall(SYS_madvise, arg(address), static_cast<long>(size), advice);
}

// The clock in the vDSO, found by find_vdso(): no system call, and not the libc function, which another preloaded
// library (libfaketime) may have replaced.
using ClockGettime = int (*)(clockid_t, struct timespec*);
extern ClockGettime vdso_clock_gettime;
void find_vdso();

// As the kernel has it, a time of more than 292 years is as good as one for ever.
inline uint64_t nanoseconds(const struct timespec& time) {
    if (time.tv_sec >= INT64_MAX / 1'000'000'000) {
        return INT64_MAX;
    }
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}
inline struct timespec to_timespec(uint64_t ns) {
    return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}
inline uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    vdso_clock_gettime(clock, &now);
    return nanoseconds(now);
}
inline uint64_t monotonic_ns() {
    return clock_ns(CLOCK_MONOTONIC);
}
// As of the last timer tick; up to coarse_tick_ns old.
inline uint64_t coarse_ns() {
    return clock_ns(CLOCK_MONOTONIC_COARSE);
}
extern uint64_t coarse_tick_ns;

}  // namespace interrupt::os
