// What the outcome signal:NAME does to a thread. A plain signal goes past the thread table: the kernel says when the
// thread has taken it.
#pragma once

#include "control/interruption.h"

namespace interrupt::control {

class PlainSignal {
public:
    // `timeout`: how long the thread may take, in ns.
    PlainSignal(const Process& process, pid_t tid, int signal, uint64_t timeout)
        : process_(process), tid_(tid), signal_(signal), timeout_(timeout) {}

    // It cannot be taken back.
    void send();
    // Whether there is a result: the thread has taken it, or the time is over.
    bool look();
    void give_up() { timeout_ = 0; }
    const InterruptResult& result() const { return result_; }

private:
    bool settle(InterruptResult::Word word, Status status, std::string reason);

    const Process& process_;
    pid_t tid_;
    int signal_;
    uint64_t timeout_;
    uint64_t start_ = 0;
    bool settled_ = false;
    InterruptResult result_;
};

}  // namespace interrupt::control
