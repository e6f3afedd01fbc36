#include "control/force.h"

#include <cerrno>
#include <cstring>
#include <ctime>

namespace interrupt::control {
namespace {

// A wait that is still, or again, the same one for so long is not left any more.
constexpr uint64_t settled_ns = 20'000'000;

InterruptResult result(InterruptResult::Word word, Status status, std::string reason = {}) {
    InterruptResult result;
    result.word = word;
    result.status = status;
    result.reason = std::move(reason);
    return result;
}

std::string why_refused(const ThreadView& thread, bool blocks_nudge) {
    if (thread.kernel.stopped()) {
        return "it is stopped (SIGCONT lets it go on)";
    }
    if (thread.record && thread.record->mask == Mask::all) {
        return "it is masked: the thread defers interrupts";
    }
    if (thread.blocked() && can_have(thread.record->state.call(), Outcome::default_)) {
        return text("it waits in ", thread.call(), ", where it can be interrupted without --force");
    }
    if (thread.blocked()) {
        return text("it waits in ", thread.call(), ", which libc repeats inside, and which nothing ends early");
    }
    if (!thread.kernel.sleeping()) {
        return "it is running, and in no wait that could be ended";
    }
    return blocks_nudge ? "it blocks the nudge's signal by a system call of its own" : "";
}

// The system call, and where it was made: its time limit may be another one when libc repeats it.
std::string place_of(const std::string& system_call) {
    const size_t number_ends = system_call.find(' ');
    const size_t last = system_call.rfind(' ');
    const size_t before_last = last == 0 || last == std::string::npos ? last : system_call.rfind(' ', last - 1);
    if (number_ends == std::string::npos || before_last == std::string::npos || before_last <= number_ends) {
        return system_call;
    }
    return system_call.substr(0, number_ends) + system_call.substr(before_last);
}

bool has_taken(const Process& process, pid_t tid, int signal) {
    const auto status = process.task_status(tid);
    return !status || (status->pending_signals >> (signal - 1) & 1) == 0;
}

}  // namespace

InterruptResult nudge_outside(const Process& process, TableFile& table, const ThreadView& thread, uint64_t timeout) {
    const pid_t tid = thread.id.here;
    if (is_under_filter(process, table, thread)) {
        return result(InterruptResult::Word::refused, Status::not_under_shim, under_filter);
    }
    const auto status = process.task_status(tid);
    const bool blocks_nudge = status && (status->blocked_signals.value_or(0) >> (table.header().signal - 1) & 1) != 0;
    if (std::string why = why_refused(thread, blocks_nudge); !why.empty()) {
        return result(InterruptResult::Word::refused, Status::not_delivered, std::move(why));
    }
    const std::string before = place_of(process.task_system_call(tid));
    const std::string where = thread.outside.empty() ? "a call outside the list" : thread.outside;
    Requester requester(process, table, thread.id);
    const uint64_t start = monotonic_now();
    if (const int error = requester.nudge(thread.id.there)) {
        return error == ESRCH && !requester.table_left()
                   ? result(InterruptResult::Word::ended, Status::not_found, "it has ended")
                   : result(InterruptResult::Word::refused, Status::not_permitted,
                            requester.table_left() ? "its process has ended or has called exec since"
                                                   : text("it may not be nudged: ", std::strerror(error)));
    }
    uint64_t taken_at = 0;
    uint64_t left_at = 0;  // 0: it is there
    for (;;) {
        const uint64_t now = monotonic_now();
        const auto stat = process.task_stat(tid);
        const bool sleeps = stat && stat->sleeping();
        const bool is_there = sleeps && place_of(process.task_system_call(tid)) == before;
        left_at = is_there ? 0 : left_at != 0 ? left_at : now;
        if (taken_at == 0 && has_taken(process, tid, table.header().signal)) {
            taken_at = now;
        }
        const bool time_over = now - start > timeout;
        // Of one that runs nothing is known before it sleeps: libc may be about to repeat the call.
        if (!is_there && (!stat || sleeps || time_over)) {
            InterruptResult left = result(InterruptResult::Word::nudged, Status::done);
            left.call = where;
            left.latency = left_at - start;
            return left;
        }
        if (is_there && taken_at != 0 && now - taken_at > settled_ns) {
            return result(InterruptResult::Word::repeated, Status::not_delivered,
                          text("it waits in ", where, " again: libc or the program repeats that call"));
        }
        if (time_over) {
            return result(InterruptResult::Word::repeated, Status::not_delivered,
                          text("it has not left ", where, ", and does not take the signal"));
        }
        const timespec pause{0, 200'000};
        ::nanosleep(&pause, nullptr);
    }
}

}  // namespace interrupt::control
