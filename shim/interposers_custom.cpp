// The interposers that do not fit a row: variadic ones, and those that are made of another call.
#include <cstdarg>

#include "shim/cancellation.h"
#include "shim/handler_call.h"
#include "shim/interruption_point.h"
#include "shim/libc_functions.h"
#include "shim/semaphore.h"

#define EXPORTED extern "C" [[gnu::visibility("default")]]

namespace interrupt {
namespace {

using namespace waits;

// --- sleep and usleep: by nanosleep, so that a repetition waits for the exact rest ---

[[gnu::always_inline]] inline int sleep_for(Call call, const struct timespec& whole, struct timespec& rest,
                                            const void* caller) {
    const struct timespec* time = &whole;
    struct timespec* rest_pointer = &rest;
    Nanosleep wait(time, rest_pointer);
    return interruption_point(
        {call, 0, caller}, wait, [&] { return real::nanosleep(time, rest_pointer); },
        [] { real::nanosleep.resolve(); });
}

// --- open: variadic ---

constexpr bool takes_mode(int flags) {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

[[gnu::always_inline]] inline int open_at(Call call, int directory, const char* path, int flags, mode_t mode,
                                          const void* caller) {
    Open wait(directory, path, flags);
    return interruption_point(
        {call, 0, caller}, wait, [&] { return real::openat(directory, path, flags, mode); },
        [] { real::openat.resolve(); });
}

[[gnu::always_inline]] inline int open_path(const char* path, int flags, mode_t mode, const void* caller) {
    Open wait(AT_FDCWD, path, flags);
    return interruption_point(
        {Call::open_, 0, caller}, wait, [&] { return real::open(path, flags, mode); }, [] { real::open.resolve(); });
}

// --- fcntl: variadic, and only two of its commands wait ---

[[gnu::always_inline]] inline int fcntl_with(int fd, int command, void* argument, const void* caller) {
    if (command != F_SETLKW && command != F_OFD_SETLKW) [[likely]] {
        return real::fcntl.resolve()(fd, command, argument);
    }
    FileLock wait(fd, false);
    return interruption_point(
        {Call::fcntl_, wait.target(), caller}, wait, [&] { return real::fcntl(fd, command, argument); },
        [] { real::fcntl.resolve(); });
}

// --- recvmmsg: one interruption point for each message that it waits for ---

[[gnu::always_inline]] inline int receive_many(int fd, struct mmsghdr* messages, unsigned count, int flags,
                                               struct timespec* timeout, const void* caller) {
    if ((flags & MSG_WAITALL) != 0) {  // a part of a message would have to go on
        return real::recvmmsg.resolve()(fd, messages, count, flags, timeout);
    }
    ReceiveMany wait(fd, messages, count, flags, timeout);
    int result;
    do {
        result = interruption_point(
            {Call::recvmmsg_, wait.target(), caller}, wait, [&] { return wait.receive(); },
            [] { real::recvmmsg.resolve(), real::ppoll.resolve(); });
    } while (wait.goes_on(result));
    return result;
}

}  // namespace
}  // namespace interrupt

EXPORTED unsigned sleep(unsigned seconds) {
    const struct timespec whole = {static_cast<time_t>(seconds), 0};
    struct timespec rest = whole;
    const int saved_errno = errno;
    if (interrupt::sleep_for(interrupt::Call::sleep_, whole, rest, __builtin_return_address(0)) == 0) {
        errno = saved_errno;
        return 0;
    }
    return static_cast<unsigned>(rest.tv_sec);
}

EXPORTED int usleep(useconds_t microseconds) {
    const struct timespec whole = {static_cast<time_t>(microseconds / 1'000'000),
                                   static_cast<long>(microseconds % 1'000'000) * 1'000};
    struct timespec rest;
    return interrupt::sleep_for(interrupt::Call::usleep_, whole, rest, __builtin_return_address(0));
}

#define MODE_ARGUMENT(flags)            \
    mode_t mode = 0;                    \
    if (interrupt::takes_mode(flags)) { \
        va_list list;                   \
        va_start(list, flags);          \
        mode = va_arg(list, mode_t);    \
        va_end(list);                   \
    }

#define OPEN(name)                                                                   \
    EXPORTED int name(const char* path, int flags, ...) {                            \
        MODE_ARGUMENT(flags)                                                         \
        return interrupt::open_path(path, flags, mode, __builtin_return_address(0)); \
    }
OPEN(open)
OPEN(open64)
OPEN(__open)
OPEN(__open64)

#define OPENAT(name)                                                                      \
    EXPORTED int name(int directory, const char* path, int flags, ...) {                  \
        MODE_ARGUMENT(flags)                                                              \
        return interrupt::open_at(interrupt::Call::openat_, directory, path, flags, mode, \
                                  __builtin_return_address(0));                           \
    }
OPENAT(openat)
OPENAT(openat64)

// As glibc has it: whatever the third argument is, it fits a pointer, and may be absent.
#define FCNTL(name)                                                                       \
    EXPORTED int name(int fd, int command, ...) {                                         \
        va_list list;                                                                     \
        va_start(list, command);                                                          \
        void* const argument = va_arg(list, void*);                                       \
        va_end(list);                                                                     \
        return interrupt::fcntl_with(fd, command, argument, __builtin_return_address(0)); \
    }
FCNTL(fcntl)
FCNTL(fcntl64)
FCNTL(__fcntl)

EXPORTED int ioctl(int fd, unsigned long request, ...) noexcept(noexcept(::ioctl(fd, request))) {
    using namespace interrupt;
    va_list list;
    va_start(list, request);
    void* const argument = va_arg(list, void*);
    va_end(list);
    if (waits::never_waits_in_ioctl(request)) {
        return real::ioctl.resolve()(fd, request, argument);
    }
    waits::Device wait(fd);
    return interruption_point(
        {Call::ioctl_, wait.target(), __builtin_return_address(0)}, wait,
        [&] { return real::ioctl(fd, request, argument); }, [] { real::ioctl.resolve(); });
}

EXPORTED int recvmmsg(int fd, struct mmsghdr* messages, unsigned count, int flags, struct timespec* timeout) {
    return interrupt::receive_many(fd, messages, count, flags, timeout, __builtin_return_address(0));
}

namespace interrupt {
namespace {

// Not inlined, so that sem_wait itself needs no stack.
[[gnu::noinline]] int wait_for_semaphore(sem_t* semaphore, const void* caller) {
    if (thread_context.way_out != nullptr) [[unlikely]] {
        take_in_handler_call(semaphore);
        return 0;
    }
    waits::Semaphore wait(semaphore, false);
    return interruption_point(
        {Call::sem_wait_, wait.target(), caller}, wait, [&] { return real::sem_wait(semaphore); },
        [] { real::sem_wait.resolve(); });
}

}  // namespace
}  // namespace interrupt

// A free semaphore costs a look and no publication. Only where no cancellation can be pending: sem_wait is a
// cancellation point whether it waits or not, taking it like this is none.
EXPORTED int sem_wait(sem_t* semaphore) noexcept(noexcept(::sem_wait(semaphore))) {
    using namespace interrupt;
    if (current_record() != nullptr && !cancellation_used.load(std::memory_order_relaxed) && take_if_free(semaphore)) {
        return 0;
    }
    return wait_for_semaphore(semaphore, __builtin_return_address(0));
}

// By sigwaitinfo, which comes back with EINTR: glibc's sigwait repeats it inside, and so does this where the shim is
// not active.
EXPORTED int sigwait(const sigset_t* set, int* signal) noexcept(noexcept(::sigwait(set, signal))) {
    using namespace interrupt;
    const int saved_errno = errno;
    siginfo_t info;
    waits::Sigwait wait(set, &info);
    const int result = interruption_point(
        {Call::sigwait_, 0, __builtin_return_address(0)}, wait,
        [&] {
            int number;
            do {
                number = real::sigwaitinfo(set, &info);
            } while (number == -1 && errno == EINTR && own_record() == nullptr);
            return number;
        },
        [] { real::sigwaitinfo.resolve(); });
    const int error = errno;
    errno = saved_errno;
    if (result < 0) {
        return error;
    }
    *signal = result;
    return 0;
}
