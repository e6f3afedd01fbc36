#include "control/plain_signal.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "control/requester.h"
#include "control/signal_name.h"

namespace interrupt::control {
namespace {

bool holds(uint64_t signals, int signal) {
    return signals >> (signal - 1) & 1;
}

}  // namespace

bool PlainSignal::settle(InterruptResult::Word word, Status status, std::string reason) {
    settled_ = true;
    result_.word = word;
    result_.status = status;
    result_.reason = std::move(reason);
    return true;
}

void PlainSignal::send() {
    start_ = monotonic_now();
    if (::tgkill(process_.pid(), tid_, signal_) == 0) {
        return;
    }
    if (errno == ESRCH) {
        settle(InterruptResult::Word::ended, Status::not_found, "it has ended");
    } else {
        settle(InterruptResult::Word::refused, Status::not_permitted,
               text("it may not be signalled: ", std::strerror(errno)));
    }
}

bool PlainSignal::look() {
    if (settled_) {
        return true;
    }
    const auto status = process_.task_status(tid_);
    if (!status || !holds(status->pending_signals, signal_)) {
        result_.latency = monotonic_now() - start_;
        return settle(InterruptResult::Word::delivered, Status::done, {});
    }
    if (monotonic_now() - start_ > timeout_) {
        const bool blocked = holds(status->blocked_signals.value_or(0), signal_);
        return settle(InterruptResult::Word::pending, Status::not_delivered,
                      blocked ? text("the thread blocks ", signal_name(signal_))
                              : text("the thread does not take ", signal_name(signal_)));
    }
    return false;
}

}  // namespace interrupt::control
