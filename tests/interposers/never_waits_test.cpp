// What never waits is not disturbed, and a request that is pending stays so: devices that have or take whatever they
// are asked for, and the commands of ioctl that are answered from what is at hand.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <vector>

#include "interrupt/interrupt.h"
#include "tests/interposers/cases_devices.h"
#include "tests/support/own_table.h"

namespace interrupt_tests {

namespace {

// Long enough for a timer to meet it.
constexpr size_t large = 32 << 20;

TEST(NeverWaits, AMemoryDeviceGivesAndTakesAll) {
    std::vector<char> bytes(large);
    struct iovec part = {bytes.data(), large};
    for (const char* name : {"/dev/zero", "/dev/full", "/dev/urandom", "/dev/random"}) {
        SCOPED_TRACE(name);
        const Descriptor device(::open(name, O_RDONLY | O_CLOEXEC));
        ASSERT_EQ(interrupt_thread(own_tid()), 0);
        EXPECT_EQ(read(device, bytes.data(), large), static_cast<ssize_t>(large));
        EXPECT_EQ(readv(device, &part, 1), static_cast<ssize_t>(large));
        EXPECT_EQ(interrupt_clear(), 1);
    }
    const Descriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(interrupt_thread(own_tid()), 0);
    EXPECT_EQ(write(null, bytes.data(), large), static_cast<ssize_t>(large));
    EXPECT_EQ(interrupt_clear(), 1);
}

// Of the kernel's log a reader waits for the next line.
TEST(NeverWaits, TheKernelsLogDoesWait) {
    const Descriptor log(::open("/dev/kmsg", O_RDONLY | O_CLOEXEC));
    if (log < 0 || lseek(log, 0, SEEK_END) != 0) {
        GTEST_SKIP() << "/dev/kmsg cannot be read here";
    }
    char line[8192];
    ASSERT_EQ(interrupt_thread(own_tid()), 0);
    ssize_t size;
    while ((size = read(log, line, sizeof line)) > 0 || (size < 0 && errno == EPIPE)) {
    }
    EXPECT_EQ(size, -1);
    EXPECT_EQ(errno, EINTR);
}

TEST(NeverWaits, CommandsOfIoctl) {
    const Terminal terminal;
    const Descriptor master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    const Pipe pipe;
    const auto number_of_waits = [] { return interrupt::State{own_record_of(own_tid())->state.load()}.wait(); };
    ASSERT_EQ(interrupt_thread(own_tid()), 0);
    const auto before = number_of_waits();
    const auto expect_no_wait = [&](const char* name, int fd, unsigned long command, void* argument) {
        EXPECT_GE(ioctl(fd, command, argument), 0) << name;
        EXPECT_GE(syscall(SYS_ioctl, fd, command, argument), 0) << name;
        EXPECT_EQ(number_of_waits(), before) << name;
    };
    int number = 0;
    struct termios settings;
    struct winsize size;
    expect_no_wait("FIONREAD", pipe.reader, FIONREAD, &number);
    expect_no_wait("FIONBIO", pipe.reader, FIONBIO, &number);
    expect_no_wait("FIOASYNC", terminal.fd(), FIOASYNC, &number);
    expect_no_wait("FIOCLEX", pipe.reader, FIOCLEX, nullptr);
    expect_no_wait("FIONCLEX", pipe.reader, FIONCLEX, nullptr);
    expect_no_wait("TIOCOUTQ", terminal.fd(), TIOCOUTQ, &number);
    expect_no_wait("TCGETS", terminal.fd(), TCGETS, &settings);
    expect_no_wait("TCGETA", terminal.fd(), TCGETA, &settings);
    expect_no_wait("TIOCGWINSZ", terminal.fd(), TIOCGWINSZ, &size);
    expect_no_wait("TIOCGPTN", master, TIOCGPTN, &number);
    // Of a terminal that is not the process's own they fail, as fast.
    EXPECT_EQ(ioctl(terminal.fd(), TIOCGPGRP, &number), -1);
    EXPECT_EQ(ioctl(terminal.fd(), TIOCGSID, &number), -1);
    EXPECT_EQ(number_of_waits(), before);
    // With another command only the device knows.
    EXPECT_EQ(ioctl(terminal.fd(), TCSBRK, 1), 0);
    EXPECT_NE(number_of_waits(), before);
    EXPECT_EQ(interrupt_clear(), 1);
}

}  // namespace

}  // namespace interrupt_tests
