// The declarations that the list of interposers needs, the real functions of the list, and resolve_all().
#pragma once

#include <aio.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "shim/platform/platform.h"
#include "shim/real.h"

// Public names that the headers declare only under _FORTIFY_SOURCE, or not at all.
extern "C" {
int __nanosleep(const struct timespec*, struct timespec*);
int __poll(struct pollfd*, nfds_t, int);
int __poll_chk(struct pollfd*, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd*, nfds_t, const struct timespec*, const sigset_t*, size_t);
int __select(int, fd_set*, fd_set*, fd_set*, struct timeval*);
ssize_t __recv_chk(int, void*, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void*, size_t, size_t, int, struct sockaddr*, socklen_t*);
ssize_t __send(int, const void*, size_t, int);
int __connect(int, const struct sockaddr*, socklen_t);
ssize_t __read(int, void*, size_t);
ssize_t __read_chk(int, void*, size_t, size_t);
ssize_t __write(int, const void*, size_t);
int __open(const char*, int, ...);
int __open64(const char*, int, ...);
int __open_2(const char*, int);
int __open64_2(const char*, int);
int __openat_2(int, const char*, int);
int __openat64_2(int, const char*, int);
int __fcntl(int, int, ...);
pid_t __wait(int*);
pid_t __waitpid(pid_t, int*, int);
int __sigsuspend(const sigset_t*);
}

namespace interrupt::real {

// pthread_cond_* have an older version for a condition variable of another layout.
inline constexpr const char* symbol_version(const char* name) {
    const char prefix[] = "pthread_cond_";
    for (int i = 0; prefix[i] != 0; ++i) {
        if (name[i] != prefix[i]) {
            return nullptr;
        }
    }
    return "GLIBC_2.3.2";
}

#define INTERPOSE(ret, name, params, ...) inline constinit Real<ret params> name{#name, symbol_version(#name)};
#define VARIANT(ret, name, of, params, ...) inline constinit Real<ret params> name{#name, symbol_version(#name)};
#define CUSTOM(...)
#define CUSTOM_VARIANT(...)
#include "shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT

inline constinit Real<int(const char*, int, mode_t)> open{"open"};
inline constinit Real<int(int, const char*, int, mode_t)> openat{"openat"};
inline constinit Real<int(int, int, void*)> fcntl{"fcntl"};
inline constinit Real<int(int, unsigned long, void*)> ioctl{"ioctl"};
inline constinit Real<int(int, struct mmsghdr*, unsigned, int, struct timespec*)> recvmmsg{"recvmmsg"};
inline constinit Real<int(sem_t*)> sem_wait{"sem_wait"};
inline constinit Real<int(sem_t*)> sem_trywait{"sem_trywait"};

inline constinit Real<int(int, const struct sigaction*, struct sigaction*)> sigaction{"sigaction"};
// For the nudge's signal, which is nobody's business but ours: ThreadSanitizer would hold the nudge back.
inline constinit Real<int(int, const struct sigaction*, struct sigaction*)> libcs_sigaction{"sigaction", nullptr,
                                                                                            os::libc_file};
inline constinit Real<int(int, const sigset_t*, sigset_t*)> pthread_sigmask{"pthread_sigmask"};
inline constinit Real<int(sigset_t*)> sigpending{"sigpending"};
inline constinit Real<int(int, const sigset_t*, int)> signalfd{"signalfd"};
inline constinit Real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)> pthread_create{"pthread_create"};
inline constinit Real<int(pthread_key_t*, void (*)(void*))> pthread_key_create{"pthread_key_create"};
inline constinit Real<int(thrd_t*, thrd_start_t, void*)> thrd_create{"thrd_create"};
inline constinit Real<int(pthread_t)> pthread_cancel{"pthread_cancel"};
inline constinit Real<int(int (*)(void*), void*, int, void*, pid_t*, void*, pid_t*)> clone{"clone"};
inline constinit Real<int(const pthread_attr_t*, sigset_t*)> pthread_attr_getsigmask_np{"pthread_attr_getsigmask_np"};
inline constinit Real<int(int, unsigned long, unsigned long, unsigned long, unsigned long)> prctl{"prctl"};
inline constinit Real<long(long, long, long, long, long, long, long)> syscall{"syscall"};
inline constinit Real<int(const char*, char* const*, char* const*)> execve{"execve"};
inline constinit Real<int(const char*, char* const*, char* const*)> execvpe{"execvpe"};
inline constinit Real<int(int, char* const*, char* const*)> fexecve{"fexecve"};
inline constinit Real<int(int, const char*, char* const*, char* const*, int)> execveat{"execveat"};
inline constinit Real<int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                          char* const*, char* const*)>
    posix_spawn{"posix_spawn"};
inline constinit Real<int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                          char* const*, char* const*)>
    posix_spawnp{"posix_spawnp"};
inline constinit Real<FILE*(const char*, const char*)> popen{"popen"};
inline constinit Real<int(const char*)> system{"system"};

inline void resolve_all() {
#define INTERPOSE(ret, name, ...) name.resolve();
#define VARIANT(ret, name, ...) name.resolve();
#define CUSTOM(...)
#define CUSTOM_VARIANT(...)
#include "shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT
    open.resolve();
    openat.resolve();
    fcntl.resolve();
    ioctl.resolve();
    recvmmsg.resolve();
    sem_wait.resolve();
    sem_trywait.resolve();
    sigaction.resolve();
    libcs_sigaction.resolve();
    pthread_sigmask.resolve();
    sigpending.resolve();
    signalfd.resolve();
    pthread_create.resolve();
    pthread_key_create.resolve();
    thrd_create.resolve();
    pthread_cancel.resolve();
    clone.resolve();
    pthread_attr_getsigmask_np.resolve();
    prctl.resolve();
    syscall.resolve();
    execve.resolve();
    execvpe.resolve();
    fexecve.resolve();
    execveat.resolve();
    posix_spawn.resolve();
    posix_spawnp.resolve();
    popen.resolve();
    system.resolve();
}

}  // namespace interrupt::real
