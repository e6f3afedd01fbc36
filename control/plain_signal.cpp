// A plain signal goes past the thread table: the kernel says when the thread has taken it.
#include "control/plain_signal.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "control/requester.h"
#include "control/signal_name.h"

namespace interrupt::control {
namespace {

bool holds(uint64_t signals, int signal) {
    return signals >> (signal - 1) & 1;
}

InterruptResult not_delivered(InterruptResult::Word word, Status status, std::string reason) {
    InterruptResult result;
    result.word = word;
    result.status = status;
    result.reason = std::move(reason);
    return result;
}

InterruptResult wait_until_taken(const Process& process, pid_t tid, int signal, uint64_t timeout, uint64_t start) {
    for (;;) {
        const auto status = process.task_status(tid);
        if (!status || !holds(status->pending_signals, signal)) {
            InterruptResult taken;
            taken.word = InterruptResult::Word::delivered;
            taken.status = Status::done;
            taken.latency = monotonic_now() - start;
            return taken;
        }
        if (monotonic_now() - start > timeout) {
            const bool blocked = holds(status->blocked_signals.value_or(0), signal);
            return not_delivered(InterruptResult::Word::pending, Status::not_delivered,
                                 blocked ? text("the thread blocks ", signal_name(signal))
                                         : text("the thread does not take ", signal_name(signal)));
        }
        const timespec pause{0, 200'000};
        ::nanosleep(&pause, nullptr);
    }
}

}  // namespace

InterruptResult send_signal(const Process& process, pid_t tid, int signal, uint64_t timeout) {
    const uint64_t start = monotonic_now();
    if (::tgkill(process.pid(), tid, signal) != 0) {
        return errno == ESRCH ? not_delivered(InterruptResult::Word::ended, Status::not_found, "it has ended")
                              : not_delivered(InterruptResult::Word::refused, Status::not_permitted,
                                              text("it may not be signalled: ", std::strerror(errno)));
    }
    return wait_until_taken(process, tid, signal, timeout, start);
}

}  // namespace interrupt::control
