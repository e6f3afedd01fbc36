// read, write and their kin on pipes and sockets; open and its kin on FIFOs.
#pragma once

#include <sys/eventfd.h>
#include <sys/stat.h>

#include "tests/interposers/transfers.h"

namespace interrupt_tests {

#define TRANSFER(name, Kind, ...)                                                                       \
    template <>                                                                                         \
    struct Case<Row::name> : TwoCases<Row::name> {                                                      \
        static WaitPointer make(Limit limit) {                                                          \
            return std::make_unique<Kind>(limit, Medium::pipe_or_limited_socket,                        \
                                          [](Kind& it) -> long { return name(it.fd(), __VA_ARGS__); }); \
        }                                                                                               \
    };
TRANSFER(read, Incoming, it.buffer, sizeof it.buffer)
TRANSFER(__read, Incoming, it.buffer, sizeof it.buffer)
TRANSFER(__read_chk, Incoming, it.buffer, sizeof it.buffer, sizeof it.buffer)
TRANSFER(readv, Incoming, it.parts, 2)
TRANSFER(write, Outgoing, it.buffer, sizeof it.buffer)
TRANSFER(__write, Outgoing, it.buffer, sizeof it.buffer)
TRANSFER(writev, Outgoing, it.parts, 2)
TRANSFER(preadv2, Incoming, it.parts, 2, -1, 0)
TRANSFER(preadv64v2, Incoming, it.parts, 2, -1, 0)
TRANSFER(pwritev2, Outgoing, it.parts, 2, -1, 0)
TRANSFER(pwritev64v2, Outgoing, it.parts, 2, -1, 0)
#undef TRANSFER

// A counter at 0, which cannot be read, or at its greatest value, to which nothing can be added.
class EventCounterWait : public Wait {
public:
    explicit EventCounterWait(bool reads) : reads_(reads), fd_(eventfd(0, EFD_CLOEXEC)) {
        if (!reads) {
            add(greatest);
        }
    }
    long call() override { return reads_ ? eventfd_read(fd_, &value_) : eventfd_write(fd_, 1); }
    void end(pid_t) override {
        if (reads_) {
            add(7);
        } else {
            uint64_t value;
            EXPECT_EQ(raw_read(fd_, &value, sizeof value), 8);
        }
    }
    Returned natural() const override { return {0}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts; }
    void check(End end) override { EXPECT_EQ(value_, reads_ && end == End::natural ? 7u : 0u); }
    void without_waiting(NoWait& check) override {
        set_nonblocking(fd_, true);
        check("O_NONBLOCK", failed(EAGAIN), [&] { return call(); });
        set_nonblocking(fd_, false);
        end(0);
        check("ready", {0}, [&] { return call(); });
    }

private:
    static constexpr uint64_t greatest = UINT64_MAX - 1;
    void add(uint64_t value) { EXPECT_EQ(raw_write(fd_, &value, sizeof value), 8); }
    const bool reads_;
    const Descriptor fd_;
    eventfd_t value_ = 0;
};

#define EVENT_COUNTER(name, reads)                                                             \
    template <>                                                                                \
    struct Case<Row::name> : TwoCases<Row::name> {                                             \
        static WaitPointer make(Limit limit) {                                                 \
            return limit != Limit::none ? nullptr : std::make_unique<EventCounterWait>(reads); \
        }                                                                                      \
    };
EVENT_COUNTER(eventfd_read, true)
EVENT_COUNTER(eventfd_write, false)
#undef EVENT_COUNTER

// A FIFO is open when both ends are.
class OpenFifo : public Wait {
public:
    using Function = int (*)(int directory, const char* path, int flags);
    enum class Path { whole, relative_to_directory };
    OpenFifo(Function function, int flags, Path path)
        : function_(function),
          flags_(flags),
          directory_fd_(::open(directory_.path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
          fifo_(path == Path::whole ? directory_.path("fifo") : "fifo"),
          file_(path == Path::whole ? directory_.path("file") : "file"),
          missing_(path == Path::whole ? directory_.path("missing/x") : "missing/x") {
        EXPECT_EQ(mkfifo(directory_.path("fifo").c_str(), 0600), 0);
        raw_close(::open(directory_.path("file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
    long call() override { return open_one(fifo_, flags_); }
    void end(pid_t) override {
        const int flags = (flags_ & O_ACCMODE) == O_RDONLY ? O_WRONLY : O_RDONLY;
        other_end_.take(::open(directory_.path("fifo").c_str(), flags | O_NONBLOCK | O_CLOEXEC));
        EXPECT_GE(other_end_, 0);
    }
    Returned natural() const override { return {0}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts; }
    void without_waiting(NoWait& check) override {
        check("regular file", {0}, [&] { return open_one(file_, flags_); });
        check("no such directory", failed(ENOENT), [&] { return open_one(missing_, flags_); });
        if ((flags_ & O_ACCMODE) == O_RDONLY) {
            check("O_NONBLOCK", {0}, [&] { return open_one(fifo_, flags_ | O_NONBLOCK); });
        }
        // A FIFO's other end that is there already. O_RDWR opens both.
        other_end_.take(::open(directory_.path("fifo").c_str(), O_RDWR | O_CLOEXEC));
        check("the other end is open", {0}, [&] { return call(); });
    }

private:
    long open_one(const std::string& path, int flags) { return closed(function_(directory_fd_, path.c_str(), flags)); }
    const Directory directory_;
    const Function function_;
    const int flags_;
    const Descriptor directory_fd_;
    const std::string fifo_;
    const std::string file_;
    const std::string missing_;
    Descriptor other_end_;
};

#define OPEN(name, path, flags_of_call, ...)                                                                      \
    template <>                                                                                                   \
    struct Case<Row::name> : TwoCases<Row::name> {                                                                \
        static WaitPointer make(Limit limit) {                                                                    \
            return limit != Limit::none                                                                           \
                       ? nullptr                                                                                  \
                       : std::make_unique<OpenFifo>([]([[maybe_unused]] int directory, const char* file,          \
                                                       [[maybe_unused]] int flags) { return name(__VA_ARGS__); }, \
                                                    flags_of_call, OpenFifo::Path::path);                         \
        }                                                                                                         \
    };
OPEN(open, whole, O_RDONLY, file, flags)
OPEN(open64, whole, O_WRONLY | O_CREAT, file, flags, 0600)
OPEN(__open, whole, O_RDONLY, file, flags)
OPEN(__open64, whole, O_WRONLY | O_CREAT, file, flags, 0600)
OPEN(__open_2, whole, O_RDONLY, file, flags)
OPEN(__open64_2, whole, O_WRONLY, file, flags)
OPEN(openat, relative_to_directory, O_RDONLY, directory, file, flags)
OPEN(openat64, relative_to_directory, O_WRONLY | O_CREAT, directory, file, flags, 0600)
OPEN(__openat_2, relative_to_directory, O_RDONLY, directory, file, flags)
OPEN(__openat64_2, relative_to_directory, O_WRONLY, directory, file, flags)
OPEN(creat, whole, O_WRONLY, file, 0600)
OPEN(creat64, whole, O_WRONLY, file, 0600)
#undef OPEN

}  // namespace interrupt_tests
