#include "shim/system_calls.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include "shim/interruption_point.h"
#include "shim/libc_functions.h"

namespace interrupt {

namespace {

using namespace waits;

// No cancellation point, whatever libc's function of that name is: the system call is made as syscall() makes it.
template <class Wait>
long make(Call call, Wait& wait, long number, long (&arguments)[6], const void* caller) {
    return interruption_point(
        {call, wait.target(), caller}, wait,
        [&] {
            asm volatile("" ::: "memory");
            return real::syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                                 arguments[5]);
        },
        [] { real::syscall.resolve(), real::ppoll.resolve(); });
}

// A wait changes the arguments of a repetition as what they are. They are stored and loaded as numbers besides: where
// one goes over into the other stands a compiler barrier.
template <class Type>
Type& as(long& argument) {
    return reinterpret_cast<Type&>(argument);
}

// Of 64 bits are pointers and sizes alone; an int is the lower half of its register.
int integer(long argument) {
    return static_cast<int>(argument);
}

bool waits_by_futex(long operation) {
    const long command = operation & FUTEX_CMD_MASK;
    return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
}

}  // namespace

bool made_as_interruption_point(long number, long (&a)[6], const void* caller, long& result) {
    asm volatile("" ::: "memory");
    const auto made = [&](Call call, auto&& wait) {
        result = make(call, wait, number, a, caller);
        return true;
    };
    const int fd = integer(a[0]);
    switch (number) {
        case SYS_futex:
            return waits_by_futex(a[1]) &&
                   made(Call::syscall_, Futex(a[0], integer(a[1]), as<const struct timespec*>(a[3])));
        case SYS_read:
            return made(Call::read_, Read(fd));
        case SYS_write:
            return made(Call::write_, Write(fd, as<const void*>(a[1]), as<size_t>(a[2])));
        case SYS_recvfrom:
            return made(Call::recvfrom_, ReceiveFrom(fd, as<void*>(a[1]), as<size_t>(a[2]), integer(a[3]),
                                                     as<struct sockaddr*>(a[4]), as<socklen_t*>(a[5])));
        case SYS_sendto:
            return made(Call::sendto_, Send(fd, as<const void*>(a[1]), as<size_t>(a[2]), integer(a[3])));
        case SYS_recvmsg:
            return made(Call::recvmsg_, ReceiveMessage(fd, as<struct msghdr*>(a[1]), integer(a[2])));
        case SYS_sendmsg:
            return made(Call::sendmsg_, SendMessage(fd, as<const struct msghdr*>(a[1]), integer(a[2])));
        case SYS_accept:
            return made(Call::accept_, Accept(fd));
        case SYS_accept4:
            return made(Call::accept4_, Accept(fd));
        case SYS_connect:
            return made(Call::connect_, Connect(fd));
        case SYS_epoll_wait:
            return made(Call::epoll_wait_, Epoll(fd, as<int>(a[3])));
        case SYS_poll:
            return made(Call::poll_, Poll(as<struct pollfd*>(a[0]), static_cast<nfds_t>(a[1]), as<int>(a[2])));
        case SYS_nanosleep:
            return made(Call::nanosleep_, Nanosleep(as<const struct timespec*>(a[0]), as<struct timespec*>(a[1])));
        case SYS_wait4:
            return made(Call::wait4_, Child(integer(a[0]), integer(a[2])));
        case SYS_flock:
            return made(Call::flock_, FileLock(fd, (a[1] & LOCK_NB) != 0));
        case SYS_ioctl:
            return !never_waits_in_ioctl(static_cast<unsigned long>(a[1])) && made(Call::ioctl_, Device(fd));
        default:
            return false;
    }
}

}  // namespace interrupt
