// poll, select, epoll and their kin, on a pipe that nothing has been written to.
#pragma once

#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/descriptors.h"

namespace interrupt_tests {

class Readiness : public Wait {
public:
    explicit Readiness(Limit limit) : limit_(limit) {}
    void end(pid_t) override { EXPECT_EQ(raw_write(pipe_.writer, "x", 1), 1); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{1}; }
    bool goes_on_after_handler(bool) const override { return false; }
    void without_waiting(NoWait& check) override {
        no_time_ = true;
        check("no time", {0}, [&] { return call(); });
        this->check(End::timed_out);
        end(0);
        check("no time, ready", {1}, [&] { return call(); });
        no_time_ = false;
        check("ready", {1}, [&] { return call(); });
        this->check(End::natural);
        drain(pipe_.reader);
    }

protected:
    int milliseconds() const {
        return no_time_ ? 0 : limit_ == Limit::none ? -1 : limit_ == Limit::far ? far_seconds * 1'000 : near_ms;
    }
    const struct timespec* timespec_or_null() {
        time_ = no_time_ ? timespec{} : duration_of(limit_);
        return limit_ == Limit::none && !no_time_ ? nullptr : &time_;
    }
    Limit limit_;
    Pipe pipe_;

private:
    bool no_time_ = false;
    struct timespec time_ = {};
};

class Poll : public Readiness {
public:
    using Function = long (*)(struct pollfd*, int, const struct timespec*, const sigset_t*);
    Poll(Limit limit, Function function) : Readiness(limit), function_(function), fd_{pipe_.reader, POLLIN, 0} {}
    long call() override {
        fd_.revents = 0x7f;
        return function_(&fd_, milliseconds(), timespec_or_null(), &signals);
    }
    void check(End end) override {
        if (end == End::timed_out) {
            EXPECT_EQ(fd_.revents, 0);
        } else if (end == End::natural) {
            EXPECT_EQ(fd_.revents, limit_ == Limit::near ? 0 : POLLIN);
        }
    }

private:
    const Function function_;
    struct pollfd fd_;
};

class Select : public Readiness {
public:
    using Function = long (*)(int, fd_set*, fd_set*, struct timeval*, const struct timespec*, const sigset_t*);
    Select(Limit limit, Function function) : Readiness(limit), function_(function) {}
    long call() override {
        FD_ZERO(&reads_);
        FD_SET(pipe_.reader, &reads_);
        exceptions_ = reads_;
        const struct timespec* time = timespec_or_null();
        rest_ = time == nullptr ? timeval{} : timeval{time->tv_sec, time->tv_nsec / 1'000};
        return function_(pipe_.reader + 1, &reads_, &exceptions_, time == nullptr ? nullptr : &rest_, time, &signals);
    }
    void check(End end) override {
        if (end == End::timed_out || end == End::natural) {
            const bool ready = end == End::natural && limit_ != Limit::near;
            EXPECT_EQ(FD_ISSET(pipe_.reader, &reads_) != 0, ready);
            EXPECT_FALSE(FD_ISSET(pipe_.reader, &exceptions_));
        }
    }

protected:
    struct timeval rest_ = {};

private:
    const Function function_;
    fd_set reads_;
    fd_set exceptions_;
};

// Linux leaves the rest of the time in select's timeval, also when a signal ends it.
class SelectWithRest : public Select {
public:
    using Select::Select;
    void check(End end) override {
        Select::check(end);
        if (end == End::timed_out) {
            EXPECT_EQ(rest_.tv_sec, 0);
            EXPECT_EQ(rest_.tv_usec, 0);
        } else if (end == End::interrupted && limit_ == Limit::far) {
            EXPECT_LE(rest_.tv_sec, far_seconds);
            EXPECT_GE(rest_.tv_sec, far_seconds - 11);
        }
    }
};

class Epoll : public Readiness {
public:
    using Function = long (*)(int, struct epoll_event*, int, const struct timespec*, const sigset_t*);
    Epoll(Limit limit, Function function)
        : Readiness(limit), function_(function), instance_(epoll_create1(EPOLL_CLOEXEC)) {
        struct epoll_event event = {};
        event.events = EPOLLIN;
        event.data.fd = pipe_.reader;
        EXPECT_EQ(epoll_ctl(instance_, EPOLL_CTL_ADD, pipe_.reader, &event), 0);
    }
    long call() override { return function_(instance_, events_, milliseconds(), timespec_or_null(), &signals); }
    void check(End end) override {
        if (end == End::natural && limit_ != Limit::near) {
            EXPECT_EQ(events_[0].data.fd, pipe_.reader);
        }
    }

private:
    const Function function_;
    const Descriptor instance_;
    struct epoll_event events_[2] = {};
};

#define POLL(name, ...)                                                                                                \
    template <>                                                                                                        \
    struct Case<Row::name> : TwoCases<Row::name> {                                                                     \
        static WaitPointer make(Limit limit) {                                                                         \
            return std::make_unique<Poll>(                                                                             \
                limit,                                                                                                 \
                [](struct pollfd* fd, [[maybe_unused]] int milliseconds, [[maybe_unused]] const struct timespec* time, \
                   [[maybe_unused]] const sigset_t* mask) -> long { return name(fd, 1, __VA_ARGS__); });               \
        }                                                                                                              \
    };
POLL(poll, milliseconds)
POLL(__poll, milliseconds)
POLL(__poll_chk, milliseconds, sizeof *fd)
POLL(ppoll, time, mask)
POLL(__ppoll_chk, time, mask, sizeof *fd)
#undef POLL

#define SELECT(name, Kind, ...)                                                                                   \
    template <>                                                                                                   \
    struct Case<Row::name> : TwoCases<Row::name> {                                                                \
        static WaitPointer make(Limit limit) {                                                                    \
            return std::make_unique<Kind>(                                                                        \
                limit,                                                                                            \
                [](int count, fd_set* reads, fd_set* exceptions, [[maybe_unused]] struct timeval* rest,           \
                   [[maybe_unused]] const struct timespec* time, [[maybe_unused]] const sigset_t* mask) -> long { \
                    return name(count, reads, nullptr, exceptions, __VA_ARGS__);                                  \
                });                                                                                               \
        }                                                                                                         \
    };
SELECT(select, SelectWithRest, rest)
SELECT(__select, SelectWithRest, rest)
SELECT(pselect, Select, time, mask)
#undef SELECT

#define EPOLL(name, ...)                                                                                         \
    template <>                                                                                                  \
    struct Case<Row::name> : TwoCases<Row::name> {                                                               \
        static WaitPointer make(Limit limit) {                                                                   \
            return std::make_unique<Epoll>(                                                                      \
                limit,                                                                                           \
                [](int fd, struct epoll_event* events, [[maybe_unused]] int milliseconds,                        \
                   [[maybe_unused]] const struct timespec* time,                                                 \
                   [[maybe_unused]] const sigset_t* mask) -> long { return name(fd, events, 2, __VA_ARGS__); }); \
        }                                                                                                        \
    };
EPOLL(epoll_wait, milliseconds)
EPOLL(epoll_pwait, milliseconds, mask)
EPOLL(epoll_pwait2, time, mask)
#undef EPOLL

}  // namespace interrupt_tests
