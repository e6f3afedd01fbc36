// syscall(): what the list has by name is an interruption point by number, too, and no cancellation point.
#include <gtest/gtest.h>

#include "tests/interposers/cases_children.h"
#include "tests/interposers/cases_devices.h"
#include "tests/interposers/cases_readiness.h"
#include "tests/interposers/cases_sockets.h"
#include "tests/interposers/each_row.h"
#include "tests/interposers/scenario.h"

namespace interrupt_tests {

namespace {

using interrupt::Call;

template <class Function>
WaitPointer incoming(Limit limit, Medium medium, Function function) {
    return std::make_unique<Incoming>(limit, medium, function);
}

WaitPointer make_read(Limit limit) {
    return incoming(limit, Medium::pipe_or_limited_socket,
                    [](Incoming& it) { return syscall(SYS_read, it.fd(), it.buffer, sizeof it.buffer); });
}
WaitPointer make_recvfrom(Limit limit) {
    return incoming(limit, Medium::socket, [](Incoming& it) {
        it.uses_address = true;
        return syscall(SYS_recvfrom, it.fd(), it.buffer, sizeof it.buffer, it.flags, &it.address, &it.address_length);
    });
}
WaitPointer make_recvmsg(Limit limit) {
    return incoming(limit, Medium::socket, [](Incoming& it) {
        it.uses_message = true;
        return syscall(SYS_recvmsg, it.fd(), &it.message, it.flags);
    });
}
WaitPointer make_write(Limit limit) {
    return std::make_unique<Outgoing>(limit, Medium::pipe_or_limited_socket, [](Outgoing& it) {
        return syscall(SYS_write, it.fd(), it.buffer, sizeof it.buffer);
    });
}
WaitPointer make_sendto(Limit limit) {
    return std::make_unique<Outgoing>(limit, Medium::socket, [](Outgoing& it) {
        return syscall(SYS_sendto, it.fd(), it.buffer, sizeof it.buffer, it.flags, nullptr, 0);
    });
}
WaitPointer make_sendmsg(Limit limit) {
    return std::make_unique<Outgoing>(
        limit, Medium::socket, [](Outgoing& it) { return syscall(SYS_sendmsg, it.fd(), &it.message, it.flags); });
}
WaitPointer make_accept4(Limit limit) {
    return std::make_unique<Accept>(limit, [](int fd, struct sockaddr* address, socklen_t* length) {
        return syscall(SYS_accept4, fd, address, length, SOCK_CLOEXEC);
    });
}
WaitPointer make_nanosleep(Limit limit) {
    return limit == Limit::none
               ? nullptr
               : std::make_unique<Nanosleep>(limit, [](const struct timespec* time, struct timespec* rest) {
                     return syscall(SYS_nanosleep, time, rest);
                 });
}

const Subject by_number[] = {
    {"read", Call::read_, make_read},          {"recvfrom", Call::recvfrom_, make_recvfrom},
    {"recvmsg", Call::recvmsg_, make_recvmsg}, {"write", Call::write_, make_write},
    {"sendto", Call::sendto_, make_sendto},    {"sendmsg", Call::sendmsg_, make_sendmsg},
    {"accept4", Call::accept4_, make_accept4}, {"nanosleep", Call::nanosleep_, make_nanosleep},
};

class SystemCalls : public testing::TestWithParam<Subject> {};
INSTANTIATE_TEST_SUITE_P(ByNumber, SystemCalls, testing::ValuesIn(by_number), name_of);

TEST_P(SystemCalls, AreInterrupted) {
    check_positive(GetParam());
}

TEST_P(SystemCalls, AreUndisturbed) {
    check_undisturbed(GetParam());
}

TEST(SystemCalls, AreNoCancellationPoints) {
    const Pipe pipe;
    std::atomic<pid_t> tid = 0;
    long received = 0;
    std::thread thread([&] {
        tid = own_tid();
        char byte;
        received = syscall(SYS_read, static_cast<int>(pipe.reader), &byte, 1);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    });
    await("the system call", [&] { return tid != 0 && sleeps_undisturbed(tid); });
    ASSERT_EQ(pthread_cancel(thread.native_handle()), 0);
    EXPECT_TRUE(sleeps_undisturbed(tid));
    ASSERT_EQ(raw_write(pipe.writer, "x", 1), 1);
    thread.join();
    EXPECT_EQ(received, 1);
}

}  // namespace

}  // namespace interrupt_tests
