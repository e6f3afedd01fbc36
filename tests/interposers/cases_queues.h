// POSIX message queues, System V's message queues and semaphores.
#pragma once

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/descriptors.h"

namespace interrupt_tests {

enum class Direction { receive, send };

// A queue with room for one message of one byte.
class PosixQueue : public Wait {
public:
    using Function = long (*)(mqd_t queue, char* byte, const struct timespec* deadline);
    PosixQueue(Limit limit, Direction direction, Function function)
        : limit_(limit), direction_(direction), function_(function) {
        struct mq_attr attributes = {};
        attributes.mq_maxmsg = 1;
        attributes.mq_msgsize = 1;
        const std::string name = "/interrupt-" + std::to_string(getpid()) + "-" + std::to_string(own_tid());
        queue_.take(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes));
        EXPECT_GE(queue_, 0);
        mq_unlink(name.c_str());
        if (direction == Direction::send) {
            put();
        }
    }
    long call() override {
        const struct timespec deadline = deadline_of(CLOCK_REALTIME, limit_);
        return function_(queue_, &byte_, &deadline);
    }
    void end(pid_t) override { direction_ == Direction::receive ? put() : take(); }
    Returned natural() const override {
        return limit_ == Limit::near ? timed_out() : Returned{direction_ == Direction::receive ? 1 : 0};
    }
    Returned timed_out() const override { return {-1, ETIMEDOUT}; }
    bool goes_on_after_handler(bool restarts) const override { return restarts; }
    void check(End end) override {
        if (direction_ == Direction::receive) {
            EXPECT_EQ(byte_, end == End::natural && limit_ != Limit::near ? 'x' : 0);
        }
    }
    void without_waiting(NoWait& check) override {
        if (limit_ != Limit::none) {
            const struct timespec past = {1, 0};
            check("no time", timed_out(), [&] { return function_(queue_, &byte_, &past); });
        }
        set_nonblocking(queue_, true);
        check("O_NONBLOCK", failed(EAGAIN), [&] { return call(); });
        set_nonblocking(queue_, false);
        end(0);
        check("ready", {direction_ == Direction::receive ? 1 : 0}, [&] { return call(); });
    }

private:
    void put() { EXPECT_EQ(raw_call(SYS_mq_timedsend, queue_, reinterpret_cast<long>("x"), 1, 0, 0), 0); }
    void take() {
        char byte;
        EXPECT_EQ(raw_call(SYS_mq_timedreceive, queue_, reinterpret_cast<long>(&byte), 1, 0, 0), 1);
    }
    const Limit limit_;
    const Direction direction_;
    const Function function_;
    Descriptor queue_;
    char byte_ = 0;
};

#define POSIX_QUEUE(name, limited, direction, ...)                                                                   \
    template <>                                                                                                      \
    struct Case<Row::name> : TwoCases<Row::name> {                                                                   \
        static WaitPointer make(Limit limit) {                                                                       \
            return (limit != Limit::none) != limited                                                                 \
                       ? nullptr                                                                                     \
                       : std::make_unique<PosixQueue>(                                                               \
                             limit, Direction::direction,                                                            \
                             [](mqd_t queue, char* byte, [[maybe_unused]] const struct timespec* deadline) -> long { \
                                 return name(queue, byte, 1, __VA_ARGS__);                                           \
                             });                                                                                     \
        }                                                                                                            \
    };
POSIX_QUEUE(mq_receive, false, receive, nullptr)
POSIX_QUEUE(mq_timedreceive, true, receive, nullptr, deadline)
POSIX_QUEUE(mq_send, false, send, 0)
POSIX_QUEUE(mq_timedsend, true, send, 0, deadline)
#undef POSIX_QUEUE

struct OneByteMessage {
    long type = 1;
    char byte = 'x';
};

// A queue with room for one byte.
class SystemVQueue : public Wait {
public:
    explicit SystemVQueue(Direction direction) : direction_(direction), id_(msgget(IPC_PRIVATE, IPC_CREAT | 0600)) {
        struct msqid_ds status;
        EXPECT_EQ(msgctl(id_, IPC_STAT, &status), 0);
        status.msg_qbytes = 1;
        EXPECT_EQ(msgctl(id_, IPC_SET, &status), 0);
        if (direction == Direction::send) {
            put();
        }
    }
    ~SystemVQueue() override { msgctl(id_, IPC_RMID, nullptr); }
    long call() override { return call_with(0); }
    void end(pid_t) override { direction_ == Direction::receive ? put() : take(); }
    Returned natural() const override { return {direction_ == Direction::receive ? 1 : 0}; }
    bool goes_on_after_handler(bool) const override { return false; }
    void without_waiting(NoWait& check) override {
        check("IPC_NOWAIT", failed(direction_ == Direction::receive ? ENOMSG : EAGAIN),
              [&] { return call_with(IPC_NOWAIT); });
        end(0);
        check("ready", natural(), [&] { return call(); });
        check("no such queue", failed(EINVAL), [&] { return call_on(-1, 0); });
    }

private:
    long call_with(int flags) { return call_on(id_, flags); }
    long call_on(int id, int flags) {
        return direction_ == Direction::receive ? msgrcv(id, &message_, 1, 0, flags) : msgsnd(id, &message_, 1, flags);
    }
    void put() {
        const OneByteMessage message;
        EXPECT_EQ(raw_call(SYS_msgsnd, id_, reinterpret_cast<long>(&message), 1, 0), 0);
    }
    void take() {
        OneByteMessage message;
        EXPECT_EQ(raw_call(SYS_msgrcv, id_, reinterpret_cast<long>(&message), 1, 0, 0), 1);
    }
    const Direction direction_;
    const int id_;
    OneByteMessage message_;
};

// Taking from a semaphore at 0.
class SystemVSemaphore : public Wait {
public:
    using Function = int (*)(int id, struct sembuf* operation, const struct timespec* timeout);
    SystemVSemaphore(Limit limit, Function function)
        : limit_(limit), function_(function), id_(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600)) {
        EXPECT_GE(id_, 0);
    }
    ~SystemVSemaphore() override { semctl(id_, 0, IPC_RMID); }
    long call() override { return call_with(duration_of(limit_), 0); }
    void end(pid_t) override { raw_call(SYS_semctl, id_, 0, SETVAL, 1); }
    Returned natural() const override { return limit_ == Limit::near ? timed_out() : Returned{0}; }
    Returned timed_out() const override { return {-1, EAGAIN}; }
    bool goes_on_after_handler(bool) const override { return false; }
    void without_waiting(NoWait& check) override {
        check("IPC_NOWAIT", failed(EAGAIN), [&] { return call_with(duration_of(limit_), IPC_NOWAIT); });
        if (limit_ != Limit::none) {
            check("no time", timed_out(), [&] { return call_with({0, 0}, 0); });
        }
        end(0);
        check("free", {0}, [&] { return call(); });
        EXPECT_EQ(semctl(id_, 0, GETVAL), 0);
    }

private:
    long call_with(struct timespec timeout, int flags) {
        struct sembuf operation = {0, -1, static_cast<short>(flags)};
        return function_(id_, &operation, &timeout);
    }
    const Limit limit_;
    const Function function_;
    const int id_;
};

#define SYSTEM_V(name, limited, ...)                                          \
    template <>                                                               \
    struct Case<Row::name> : TwoCases<Row::name> {                            \
        static WaitPointer make([[maybe_unused]] Limit limit) {               \
            return (limit != Limit::none) != limited ? nullptr : __VA_ARGS__; \
        }                                                                     \
    };
SYSTEM_V(msgrcv, false, std::make_unique<SystemVQueue>(Direction::receive))
SYSTEM_V(msgsnd, false, std::make_unique<SystemVQueue>(Direction::send))
SYSTEM_V(semop, false,
         std::make_unique<SystemVSemaphore>(limit, [](int id, struct sembuf* operation, const struct timespec*) {
             return semop(id, operation, 1);
         }))
SYSTEM_V(semtimedop, true,
         std::make_unique<SystemVSemaphore>(limit,
                                            [](int id, struct sembuf* operation, const struct timespec* timeout) {
                                                return semtimedop(id, operation, 1, timeout);
                                            }))
#undef SYSTEM_V

}  // namespace interrupt_tests
