// Waits for devices, by futex, and for asynchronous input and output.
#pragma once

#include <linux/futex.h>
#include <sys/ioctl.h>

#include "shim/waits_transfers.h"

namespace interrupt::waits {

// Commands of ioctl(2) that are answered from what is at hand: how much there is to read or to write out, the flags of
// the descriptor, a terminal's settings, size and process groups. isatty(), tcgetattr() and their kin are made of them.
inline bool never_waits_in_ioctl(unsigned long command) {
    switch (static_cast<unsigned>(command)) {  // as the kernel takes it
        case FIONREAD:
        case TIOCOUTQ:
        case FIONBIO:
        case FIOASYNC:
        case FIOCLEX:
        case FIONCLEX:
        case TCGETS:
        case TCGETA:
        case TIOCGWINSZ:
        case TIOCGPGRP:
        case TIOCGSID:
        case TIOCGPTN:
            return true;
        default:
            return false;
    }
}

// ioctl with another command, and tcdrain: only the device knows whether that waits.
struct Device : OnDescriptor {
    using OnDescriptor::OnDescriptor;
    bool cannot_block() const { return false; }
};

// futex(2) by syscall(): FUTEX_WAIT has the time, FUTEX_WAIT_BITSET the point in time until which it waits.
struct Futex : Common {
    Futex(long address, int operation, const struct timespec*& timeout)
        : address_(address), relative_((operation & FUTEX_CMD_MASK) == FUTEX_WAIT), timeout_(timeout) {}
    // The address of a word, with futex_limited.
    uint64_t target() const { return static_cast<uint64_t>(address_) | (timeout_.none() ? 0 : futex_limited); }
    bool has_time_limit() const { return !timeout_.none(); }
    int time_out() const { return fail(ETIMEDOUT); }
    void shorten(uint64_t since) {
        if (relative_) {
            timeout_.shorten(since);
        }
    }

private:
    const long address_;
    const bool relative_;
    Timespec timeout_;
};

// For one of several requests of asynchronous input and output. Its target is not shown; it tells whether it
// has a time limit, on which it depends whether a handler of the program restarts it.
struct Asynchronous : RelativelyLimited<Common> {
    explicit Asynchronous(const struct timespec*& timeout) : RelativelyLimited(timeout) {}
    uint64_t target() const { return has_time_limit() ? 1 : 0; }
};

}  // namespace interrupt::waits
