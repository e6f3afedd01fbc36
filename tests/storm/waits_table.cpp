#include "waits_table.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "shim/libc_functions.h"

namespace storm {

namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        std::perror(what);
        std::abort();
    }
}

// Fills what is blocking only later.
void fill(int fd) {
    const char zeros[4096] = {};
    require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    while (write(fd, zeros, sizeof zeros) > 0) {
    }
    while (write(fd, zeros, 1) > 0) {
    }
    require(fcntl(fd, F_SETFL, 0) == 0, "fcntl");
}

sockaddr_un address_of(const std::string& name) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    return address;
}

struct timespec in_an_hour(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_sec += 3600;
    return time;
}

constexpr struct timespec an_hour = {3600, 0};

// -1 and errno: how most calls tell.
Came common(long result) {
    return {result == -1, result, errno};
}
// An error number.
Came number(int result) {
    return {result != 0, result, result};
}

// A negative result, which names no error.
Came negative(int result) {
    return {result != 0, result, result == -1 ? EINTR : 0};
}

template <class Call>
Came with_mutex(Fixture& f, Call call) {
    pthread_mutex_lock(&f.mutex);
    const int result = call();
    pthread_mutex_unlock(&f.mutex);
    return {true, result, result};  // nobody signals: whatever comes back is an outcome
}

template <class Call>
Came with_threads_mutex(Fixture& f, Call call) {
    mtx_lock(&f.threads_mutex);
    const int result = call();
    mtx_unlock(&f.threads_mutex);
    return {true, result, result};
}

struct pollfd on(int fd) {
    return {fd, POLLIN, 0};
}

template <class Call>
Came selecting(Fixture& f, Call call) {
    fd_set reads;
    FD_ZERO(&reads);
    FD_SET(f.empty_pipe, &reads);
    return common(call(f.empty_pipe + 1, &reads));
}

template <class Call>
Came connecting(Fixture& f, Call call) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(f.busy_address);
    const Came came = common(call(fd, reinterpret_cast<const sockaddr*>(&address),
                                  static_cast<socklen_t>(sizeof(sa_family_t) + 1 + f.busy_address.size())));
    close(fd);
    return came;
}

struct iovec one_byte(char& byte) {
    return {&byte, 1};
}

struct flock whole_file() {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    return lock;
}

}  // namespace

#define W(name, ...)                 \
    {#name, [](Fixture& f) -> Came { \
         (void)f;                    \
         char byte = 0;              \
         (void)byte;                 \
         __VA_ARGS__                 \
     }},
const Wait waits[] = {
    W(nanosleep, struct timespec rest;
      return common(nanosleep(&an_hour, &rest));) W(__nanosleep, return common(__nanosleep(&an_hour, nullptr));)
        W(clock_nanosleep, return number(clock_nanosleep(CLOCK_MONOTONIC, 0, &an_hour, nullptr));) W(
            thrd_sleep, return negative(thrd_sleep(&an_hour, nullptr));)
            W(sleep, const unsigned rest = sleep(3600);
              return Came{rest != 0, static_cast<long>(rest), errno};) W(usleep, return common(usleep(3'600'000'000u));)
                W(poll, auto fd = on(f.empty_pipe); return common(poll(&fd, 1, -1));) W(
                    __poll, auto fd = on(f.empty_pipe); return common(__poll(&fd, 1, 3'600'000));)
                    W(__poll_chk, auto fd = on(f.empty_pipe); return common(__poll_chk(&fd, 1, -1, sizeof fd));)
                        W(ppoll, auto fd = on(f.empty_pipe); return common(ppoll(&fd, 1, &an_hour, &f.no_signals));) W(
                            __ppoll_chk, auto fd = on(f.empty_pipe);
                            return common(__ppoll_chk(&fd, 1, nullptr, nullptr, sizeof fd));)
                            W(select, return selecting(f,
                                                       [](int n, fd_set* r) {
                                                           return select(n, r, nullptr, nullptr, nullptr);
                                                       });) W(__select,
                                                              return selecting(f,
                                                                               [](int n, fd_set* r) {
                                                                                   struct timeval t = {3600, 0};
                                                                                   return __select(n, r, nullptr,
                                                                                                   nullptr, &t);
                                                                               });) W(pselect,
                                                                                      return selecting(
                                                                                          f,
                                                                                          [](int n, fd_set* r) {
                                                                                              return pselect(
                                                                                                  n, r, nullptr,
                                                                                                  nullptr, &an_hour,
                                                                                                  nullptr);
                                                                                          });) W(epoll_wait,
                                                                                                 struct epoll_event
                                                                                                     event;
                                                                                                 return common(
                                                                                                     epoll_wait(f.epoll,
                                                                                                                &event, 1, -1));)
                                W(epoll_pwait, struct epoll_event event; return common(epoll_pwait(
                                    f.epoll, &event, 1,
                                    -1,
                                    &f
                                         .no_signals));) W(epoll_pwait2, struct epoll_event event;
                                                           return common(
                                                               epoll_pwait2(f.epoll, &event, 1, &an_hour, nullptr));)
                                    W(recv, return common(recv(f.empty_socket, &byte, 1, 0));) W(
                                        __recv_chk,
                                        return common(__recv_chk(
                                            f.empty_socket,
                                            &byte, 1,
                                            1, 0));) W(recvfrom,
                                                       return common(
                                                           recvfrom(f.empty_socket, &byte, 1, 0, nullptr, nullptr));)
                                        W(__recvfrom_chk,
                                          return common(__recvfrom_chk(
                                              f.empty_socket,
                                              &byte, 1,
                                              1, 0,
                                              nullptr,
                                              nullptr));) W(recvmsg, struct iovec part = one_byte(byte); struct msghdr message = {};
                                                            message
                                                                .msg_iov = &part;
                                                            message.msg_iovlen = 1;
                                                            return common(recvmsg(f.empty_socket, &message, 0));)
                                            W(send, return common(send(f.full_socket, &byte, 1, 0));) W(
                                                __send,
                                                return common(__send(
                                                    f.full_socket,
                                                    &byte,
                                                    1, 0));) W(sendto,
                                                               return common(
                                                                   sendto(f.full_socket, &byte, 1, 0, nullptr, 0));)
                                                W(sendmsg, struct iovec part = one_byte(byte);
                                                  struct
                                                  msghdr message = {};
                                                  message.msg_iov =
                                                      &part;
                                                  message.msg_iovlen = 1;
                                                  return common(sendmsg(
                                                      f.full_socket, &message,
                                                      0));) W(accept, return common(accept(f.listener, nullptr, nullptr));)
                                                    W(accept4, return common(accept4(f.listener, nullptr, nullptr, SOCK_CLOEXEC));) W(
                                                        connect,
                                                        return connecting(
                                                            f,
                                                            connect);) W(__connect,
                                                                         return connecting(f, __connect);) W(read, return common(read(f.empty_pipe, &byte, 1));)
                                                        W(__read, return common(__read(f.empty_pipe, &byte, 1));) W(
                                                            __read_chk,
                                                            return common(__read_chk(
                                                                f.empty_pipe,
                                                                &byte,
                                                                1, 1));) W(readv, struct iovec part = one_byte(byte);
                                                                           return common(
                                                                               readv(f.empty_pipe, &part, 1));)
                                                            W(write, return common(write(f.full_pipe, &byte, 1));) W(
                                                                __write,
                                                                return common(__write(
                                                                    f.full_pipe,
                                                                    &byte, 1));) W(writev, struct iovec part = one_byte(byte);
                                                                                   return common(
                                                                                       writev(f.full_pipe, &part, 1));)
                                                                W(open, return common(open(f.fifo.c_str(), O_RDONLY));) W(
                                                                    open64,
                                                                    return common(open64(
                                                                        f.fifo
                                                                            .c_str(),
                                                                        O_WRONLY));) W(__open,
                                                                                       return common(
                                                                                           __open(f.fifo.c_str(), O_RDONLY));)
                                                                    W(__open64, return common(__open64(f.fifo.c_str(), O_RDONLY));) W(
                                                                        __open_2,
                                                                        return common(__open_2(
                                                                            f.fifo
                                                                                .c_str(),
                                                                            O_RDONLY));) W(__open64_2,
                                                                                           return common(
                                                                                               __open64_2(f.fifo.c_str(), O_RDONLY));)
                                                                        W(openat, return common(openat(AT_FDCWD, f.fifo.c_str(), O_RDONLY));) W(
                                                                            openat64,
                                                                            return common(
                                                                                openat64(AT_FDCWD, f.fifo.c_str(),
                                                                                         O_WRONLY));)
                                                                            W(__openat_2,
                                                                              return common(
                                                                                  __openat_2(AT_FDCWD, f.fifo.c_str(),
                                                                                             O_RDONLY));)
                                                                                W(__openat64_2,
                                                                                  return common(__openat64_2(
                                                                                      AT_FDCWD,
                                                                                      f.fifo.c_str(),
                                                                                      O_RDONLY));)
                                                                                    W(creat, return common(creat(f.fifo.c_str(), 0600));) W(
                                                                                        creat64,
                                                                                        return common(creat64(
                                                                                            f.fifo
                                                                                                .c_str(),
                                                                                            0600));) W(wait,
                                                                                                       return common(wait(
                                                                                                           nullptr));)
                                                                                        W(__wait, return common(__wait(nullptr));) W(
                                                                                            wait3,
                                                                                            return common(wait3(
                                                                                                nullptr,
                                                                                                0, nullptr));)
                                                                                            W(wait4, return common(wait4(f.child, nullptr, 0, nullptr));) W(
                                                                                                waitpid,
                                                                                                return common(waitpid(
                                                                                                    f.child, nullptr,
                                                                                                    0));)
                                                                                                W(__waitpid,
                                                                                                  return common(__waitpid(
                                                                                                      f.child, nullptr,
                                                                                                      0));)
                                                                                                    W(waitid,
                                                                                                      siginfo_t
                                                                                                          info;
                                                                                                      return common(waitid(
                                                                                                          P_PID,
                                                                                                          static_cast<
                                                                                                              id_t>(
                                                                                                              f.child),
                                                                                                          &info,
                                                                                                          WEXITED));)
                                                                                                        W(sem_wait,
                                                                                                          return common(sem_wait(
                                                                                                              &f.semaphore));)
                                                                                                            W(sem_timedwait,
                                                                                                              const auto end = in_an_hour(
                                                                                                                  CLOCK_REALTIME);
                                                                                                              return common(sem_timedwait(
                                                                                                                  &f.semaphore,
                                                                                                                  &end));)
                                                                                                                W(sem_clockwait,
                                                                                                                  const auto end = in_an_hour(
                                                                                                                      CLOCK_MONOTONIC);
                                                                                                                  return common(sem_clockwait(
                                                                                                                      &f.semaphore,
                                                                                                                      CLOCK_MONOTONIC,
                                                                                                                      &end));)
                                                                                                                    W(pthread_cond_wait,
                                                                                                                      return with_mutex(
                                                                                                                          f,
                                                                                                                          [&] {
                                                                                                                              return pthread_cond_wait(
                                                                                                                                  &f.condition,
                                                                                                                                  &f.mutex);
                                                                                                                          });)
                                                                                                                        W(pthread_cond_timedwait,
                                                                                                                          const auto
                                                                                                                              end = in_an_hour(
                                                                                                                                  CLOCK_REALTIME);
                                                                                                                          return with_mutex(
                                                                                                                              f,
                                                                                                                              [&] {
                                                                                                                                  return pthread_cond_timedwait(
                                                                                                                                      &f.condition,
                                                                                                                                      &f.mutex,
                                                                                                                                      &end);
                                                                                                                              });) W(cnd_wait, return with_threads_mutex(f,
                                                                                                                                                                         [&] {
                                                                                                                                                                             return cnd_wait(
                                                                                                                                                                                 &f.threads_condition,
                                                                                                                                                                                 &f.threads_mutex);
                                                                                                                                                                         });) W(cnd_timedwait, const auto end = in_an_hour(CLOCK_REALTIME); return with_threads_mutex(f,
                                                                                                                                                                                                                                                                      [&] {
                                                                                                                                                                                                                                                                          return cnd_timedwait(
                                                                                                                                                                                                                                                                              &f.threads_condition,
                                                                                                                                                                                                                                                                              &f.threads_mutex,
                                                                                                                                                                                                                                                                              &end);
                                                                                                                                                                                                                                                                      });) W(pthread_cond_clockwait, const auto end = in_an_hour(CLOCK_MONOTONIC); return with_mutex(f,
                                                                                                                                                                                                                                                                                                                                                                     [&] {
                                                                                                                                                                                                                                                                                                                                                                         return pthread_cond_clockwait(&f.condition, &f.mutex, CLOCK_MONOTONIC, &end);
                                                                                                                                                                                                                                                                                                                                                                     });) W(pause,
                                                                                                                                                                                                                                                                                                                                                                            return common(pause());) W(sigsuspend,
                                                                                                                                                                                                                                                                                                                                                                                                       return common(sigsuspend(&f
                                                                                                                                                                                                                                                                                                                                                                                                                                     .no_signals));) W(__sigsuspend, return common(__sigsuspend(&f
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     .no_signals));) W(sigwait,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       int signal;
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       return number(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           sigwait(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               &f.never_sent, &signal));) W(sigwaitinfo,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            return common(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                sigwaitinfo(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    &f.never_sent, nullptr));) W(sigtimedwait,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 return common(sigtimedwait(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     &f.never_sent, nullptr, &an_hour));) W(preadv2, struct iovec part = one_byte(byte); return common(preadv2(f.empty_pipe, &part,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               1, -1, 0));) W(preadv64v2, struct
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          iovec part = one_byte(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              byte);
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              return common(preadv64v2(f.empty_pipe,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       &part,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       1,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       -1, 0));) W(pwritev2, struct iovec part = one_byte(byte); return common(pwritev2(f.full_pipe, &part, 1, -1, 0));) W(pwritev64v2,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           struct
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           iovec part = one_byte(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               byte);
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           return common(pwritev64v2(f.full_pipe, &part,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     1,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     -1,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     0));) W(sendfile, off_t
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           offset =
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               0;
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             return common(sendfile(f
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        .full_pipe,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    f.file,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    &offset,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    1));) W(sendfile64, off64_t offset = 0; return common(sendfile64(f.full_pipe,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     f.file,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     &offset,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     1));) W(splice,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             return common(splice(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 f.empty_pipe,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 nullptr,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 f.full_pipe,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 nullptr,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 1, 0));) W(flock,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            return common(flock(f.file, LOCK_EX));) W(lockf,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      return common(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          lockf(f.file, F_LOCK, 0));) W(lockf64,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        return common(lockf64(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            f.file,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            F_LOCK,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            0));)
                                                                                                                            W(fcntl,
                                                                                                                              struct flock lock =
                                                                                                                                  whole_file();
                                                                                                                              return common(fcntl(
                                                                                                                                  f.file,
                                                                                                                                  F_SETLKW,
                                                                                                                                  &lock));)
                                                                                                                                W(fcntl64,
                                                                                                                                  struct
                                                                                                                                  flock lock =
                                                                                                                                      whole_file();
                                                                                                                                  return common(fcntl64(
                                                                                                                                      f.file,
                                                                                                                                      F_SETLKW,
                                                                                                                                      &lock));)
                                                                                                                                    W(__fcntl,
                                                                                                                                      struct
                                                                                                                                      flock lock =
                                                                                                                                          whole_file();
                                                                                                                                      return common(__fcntl(
                                                                                                                                          f.file,
                                                                                                                                          F_OFD_SETLKW,
                                                                                                                                          &lock));)};
#undef W
const int wait_count = static_cast<int>(std::size(waits));

// A row of the list without a wait here does not build.
#define INTERPOSE(ret, name, ...) +1
#define VARIANT(ret, name, ...) +1
#define CUSTOM(...) +1
#define CUSTOM_VARIANT(...) +1
static_assert(std::size(waits) == 0
#include "shim/interposers.def"
);

Fixture::Fixture() {
    static std::atomic<int> number = 0;
    const std::string unique = std::to_string(getpid()) + "-" + std::to_string(number++);
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    empty_socket = ends[0], others_[0] = ends[1];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    full_socket = ends[0], others_[1] = ends[1];
    fill(full_socket);
    require(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    empty_pipe = ends[0], others_[2] = ends[1];
    require(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    full_pipe = ends[1], others_[3] = ends[0];
    fill(full_pipe);
    const std::string path = "/tmp/storm-" + unique + ".file";
    file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    others_[5] = open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock = whole_file();
    require(write(file, "x", 1) == 1 && unlink(path.c_str()) == 0 && flock(others_[5], LOCK_EX) == 0 &&
                fcntl(others_[5], F_OFD_SETLK, &lock) == 0,
            "the locked file");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {EPOLLIN, {}};
    require(epoll_ctl(epoll, EPOLL_CTL_ADD, empty_pipe, &event) == 0, "epoll_ctl");
    fifo = "/tmp/storm-" + unique + ".fifo";
    require(mkfifo(fifo.c_str(), 0600) == 0, "mkfifo");

    for (int i = 0; i < 2; ++i) {  // one that waits for connections, one whose queue is full
        const std::string name = "storm-" + unique + "-" + std::to_string(i);
        const sockaddr_un address = address_of(name);
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        require(bind(fd, reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(sizeof(sa_family_t) + 1 + name.size())) == 0 &&
                    listen(fd, 0) == 0,
                "listen");
        (i == 0 ? listener : others_[4]) = fd;
        busy_address = name;
    }
    const sockaddr_un address = address_of(busy_address);
    for (int& fd : queue_filler_) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fd, reinterpret_cast<const sockaddr*>(&address),
                static_cast<socklen_t>(sizeof(sa_family_t) + 1 + busy_address.size()));
    }

    child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            syscall(SYS_pause);
        }
    }
    sem_init(&semaphore, 0, 0);
    require(mtx_init(&threads_mutex, mtx_plain) == thrd_success, "mtx_init");
    require(cnd_init(&threads_condition) == thrd_success, "cnd_init");
    pthread_sigmask(SIG_SETMASK, nullptr, &no_signals);
    sigdelset(&no_signals, SIGUSR1);
    sigemptyset(&never_sent);
    sigaddset(&never_sent, SIGRTMAX - 1);
    pthread_sigmask(SIG_BLOCK, &never_sent, nullptr);
}

Fixture::~Fixture() {
    ::kill(child, SIGKILL);
    while (syscall(SYS_wait4, child, nullptr, 0, nullptr) < 0 && errno == EINTR) {
    }
    unlink(fifo.c_str());
    for (const int fd : {empty_socket, full_socket, empty_pipe, full_pipe, listener, epoll, others_[0], others_[1],
                         others_[2], others_[3], others_[4], others_[5], file, queue_filler_[0], queue_filler_[1],
                         queue_filler_[2], queue_filler_[3]}) {
        close(fd);
    }
}

}  // namespace storm
