// Devices, random numbers, and asynchronous input and output.
#pragma once

#include <aio.h>
#include <linux/aio_abi.h>
#include <sys/random.h>
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
    long call() override { return ioctl(terminal_.fd(), TIOCGWINSZ, &size_); }
    Returned natural() const override { return {0}; }
    void without_waiting(NoWait& check) override {
        const Terminal other;
        check("a command that does not wait", {0}, [&] { return ioctl(other.fd(), TIOCGWINSZ, &size_); });
        check("no device", failed(ENOTTY), [&] { return ioctl(pipe_.reader, TIOCGWINSZ, &size_); });
        check("no descriptor", failed(EBADF), [&] { return ioctl(-1, TIOCGWINSZ, &size_); });
    }

private:
    const Terminal terminal_;
    const Pipe pipe_;
    struct winsize size_ = {};
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

class GetrandomWait : public HeldWait {
public:
    void prepare() override { held_.hold({{SYS_getrandom, 1, sizeof buffer_}}); }
    long call() override { return getrandom(buffer_, sizeof buffer_, 0); }
    Returned natural() const override { return {sizeof buffer_}; }
    void check(End end) override {
        const bool filled = std::string_view(buffer_, sizeof buffer_).find_first_not_of('\0') != std::string_view::npos;
        EXPECT_EQ(filled, end == End::natural);
    }
    void without_waiting(NoWait& check) override {
        char other[16];
        check("random numbers are there", {sizeof other}, [&] { return getrandom(other, sizeof other, 0); });
        check("GRND_NONBLOCK", {sizeof other}, [&] { return getrandom(other, sizeof other, GRND_NONBLOCK); });
    }

private:
    char buffer_[300] = {};
};

#define UNLIMITED(name, Kind)                                                                                      \
    template <>                                                                                                    \
    struct Case<Row::name> : TwoCases<Row::name> {                                                                 \
        static WaitPointer make(Limit limit) { return limit != Limit::none ? nullptr : std::make_unique<Kind>(); } \
    };
UNLIMITED(ioctl, IoctlWait)
UNLIMITED(tcdrain, TcdrainWait)
UNLIMITED(getrandom, GetrandomWait)
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

// The kernel's: it looks whether a pipe can be read. One of two events is there from the beginning.
class KernelEvents : public Wait {
public:
    explicit KernelEvents(Limit limit) : limit_(limit) {
        EXPECT_EQ(raw_call(SYS_io_setup, 4, reinterpret_cast<long>(&context_)), 0);
        await_readable(0);
        await_readable(1);
    }
    ~KernelEvents() override { raw_call(SYS_io_destroy, static_cast<long>(context_)); }
    long call() override { return wait_for(1); }
    void end(pid_t) override { EXPECT_EQ(raw_write(pipes_[0].writer, "x", 1), 1); }
    Returned natural() const override { return limit_ == Limit::near ? Returned{0} : Returned{1}; }
    Returned failed(int error) const override { return {-error}; }
    bool goes_on_after_handler(bool) const override { return false; }
    void without_waiting(NoWait& check) override {
        const struct timespec none = {0, 0};
        check("no time", {0}, [&] { return io_getevents(this->context(), 1, 2, events_, &none); });
        check("none wanted", {0}, [&] { return io_getevents(this->context(), 0, 0, events_, nullptr); });
        end(0);
        check("an event is there", {1}, [&] { return call(); });
    }
    // For transfer_test.cpp.
    long wait_for(long least) {
        const struct timespec timeout = duration_of(limit_);
        return io_getevents(context(), least, 2, events_, limit_ == Limit::none ? nullptr : &timeout);
    }
    void end_other() { EXPECT_EQ(raw_write(pipes_[1].writer, "x", 1), 1); }
    uint64_t data_of(int event) const { return events_[event].data; }

private:
    void* context() const { return reinterpret_cast<void*>(context_); }
    void await_readable(size_t which) {
        struct iocb request = {};
        request.aio_data = which + 1;
        request.aio_lio_opcode = IOCB_CMD_POLL;
        request.aio_fildes = static_cast<uint32_t>(pipes_[which].reader);
        request.aio_buf = POLLIN;
        struct iocb* list = &request;
        EXPECT_EQ(raw_call(SYS_io_submit, static_cast<long>(context_), 1, reinterpret_cast<long>(&list)), 1);
    }
    const Limit limit_;
    const Pipe pipes_[2];
    aio_context_t context_ = 0;
    struct io_event events_[2] = {};
};

template <>
struct Case<Row::io_getevents> : TwoCases<Row::io_getevents> {
    static WaitPointer make(Limit limit) { return std::make_unique<KernelEvents>(limit); }
};

}  // namespace interrupt_tests
