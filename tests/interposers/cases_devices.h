// Devices, and asynchronous input and output.
#pragma once

#include <aio.h>
#include <termios.h>

#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/descriptors.h"
#include "tests/support/held_call.h"

namespace interrupt_tests {

// A pair of pseudo terminals.
class Terminal {
public:
    Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        EXPECT_EQ(grantpt(master_), 0);
        EXPECT_EQ(unlockpt(master_), 0);
        slave_.take(::open(ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC));
        EXPECT_GE(slave_, 0);
    }
    int fd() const { return slave_; }

private:
    Descriptor master_;
    Descriptor slave_;
};

class HeldWait : public Wait {
public:
    void end(pid_t) override { held_.let_go(); }
    bool is_under_a_filter() const override { return true; }
    bool goes_on_after_handler(bool restarts) const override { return restarts; }

protected:
    HeldCall held_;
};

class IoctlWait : public HeldWait {
public:
    void prepare() override { held_.hold({{SYS_ioctl, 0, static_cast<uint32_t>(terminal_.fd())}}); }
    long call() override { return drain(terminal_.fd()); }
    Returned natural() const override { return {0}; }
    void without_waiting(NoWait& check) override {
        const Terminal other;
        struct winsize size;
        check("a command that does not wait", {0}, [&] { return ioctl(other.fd(), TIOCGWINSZ, &size); });
        check("all is written", {0}, [&] { return drain(other.fd()); });
        check("no device", failed(ENOTTY), [&] { return drain(pipe_.reader); });
        check("no descriptor", failed(EBADF), [&] { return drain(-1); });
    }

private:
    // As tcdrain does it.
    static long drain(int fd) { return ioctl(fd, TCSBRK, 1); }
    const Terminal terminal_;
    const Pipe pipe_;
};

class TcdrainWait : public HeldWait {
public:
    void prepare() override { held_.hold({{SYS_ioctl, 0, static_cast<uint32_t>(terminal_.fd())}}); }
    long call() override { return tcdrain(terminal_.fd()); }
    Returned natural() const override { return {0}; }
    void without_waiting(NoWait& check) override {
        const Terminal other;
        check("all is written", {0}, [&] { return tcdrain(other.fd()); });
        check("no terminal", failed(ENOTTY), [&] { return tcdrain(pipe_.reader); });
    }

private:
    const Terminal terminal_;
    const Pipe pipe_;
};

#define UNLIMITED(name, Kind)                                                                                      \
    template <>                                                                                                    \
    struct Case<Row::name> : TwoCases<Row::name> {                                                                 \
        static WaitPointer make(Limit limit) { return limit != Limit::none ? nullptr : std::make_unique<Kind>(); } \
    };
UNLIMITED(ioctl, IoctlWait)
UNLIMITED(tcdrain, TcdrainWait)
#undef UNLIMITED

// A reading of a pipe that libc's own thread makes.
class AsynchronousRead : public Wait {
public:
    using Function = int (*)(const struct aiocb* request, const struct timespec* timeout);
    AsynchronousRead(Limit limit, Function function) : limit_(limit), function_(function) {
        request_.aio_fildes = pipe_.reader;
        request_.aio_buf = &byte_;
        request_.aio_nbytes = 1;
        EXPECT_EQ(aio_read(&request_), 0);
    }
    ~AsynchronousRead() override {
        if (aio_error(&request_) == EINPROGRESS) {
            end(0);
        }
        while (aio_error(&request_) == EINPROGRESS) {
            raw_wait(100);
        }
        aio_return(&request_);
    }
    long call() override {
        const struct timespec timeout = duration_of(limit_);
        return function_(&request_, limit_ == Limit::none ? nullptr : &timeout);
    }
    void end(pid_t) override { EXPECT_EQ(raw_write(pipe_.writer, "x", 1), 1); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{0}; }
    Returned timed_out() const override { return {-1, EAGAIN}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts && limit_ == Limit::none; }
    void without_waiting(NoWait& check) override {
        const struct timespec none = {0, 0};
        check("no time", timed_out(), [&] { return function_(&request_, &none); });
        end(0);
        while (aio_error(&request_) == EINPROGRESS) {
            raw_wait(100);
        }
        check("done", {0}, [&] { return call(); });
    }

private:
    const Limit limit_;
    const Function function_;
    const Pipe pipe_;
    struct aiocb request_ = {};
    char byte_ = 0;
};

#define AIO_SUSPEND(name, Control)                                                                           \
    template <>                                                                                              \
    struct Case<Row::name> : TwoCases<Row::name> {                                                           \
        static WaitPointer make(Limit limit) {                                                               \
            return std::make_unique<AsynchronousRead>(                                                       \
                limit, [](const struct aiocb* request, const struct timespec* timeout) {                     \
                    const struct Control* const list[] = {reinterpret_cast<const struct Control*>(request)}; \
                    return name(list, 1, timeout);                                                           \
                });                                                                                          \
        }                                                                                                    \
    };
AIO_SUSPEND(aio_suspend, aiocb)
AIO_SUSPEND(aio_suspend64, aiocb64)
#undef AIO_SUSPEND

}  // namespace interrupt_tests
