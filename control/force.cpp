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

std::string why_refused(const TableFile& table, const ThreadView& thread) {
    if (is_under_filter(table, thread)) {
        return under_filter;
    }
    if (thread.kernel.stopped()) {
        return "it is stopped";
    }
    if (thread.blocked()) {
        return text("it waits in ", thread.call(), ", where it can be interrupted without --force");
    }
    if (thread.record && thread.record->mask == Mask::all) {
        return "it is masked: the thread defers interrupts";
    }
    if (!thread.kernel.sleeping()) {
        return "it is running, and in no wait that could be ended";
    }
    return {};
}

bool has_taken(const Process& process, pid_t tid, int signal) {
    const auto status = process.task_status(tid);
    return !status || (status->pending_signals >> (signal - 1) & 1) == 0;
}

}  // namespace

InterruptResult nudge_outside(const Process& process, TableFile& table, const ThreadView& thread, uint64_t timeout) {
    const pid_t tid = thread.id.here;
    if (std::string why = why_refused(table, thread); !why.empty()) {
        return result(InterruptResult::Word::refused, Status::not_delivered, std::move(why));
    }
    const std::string before = process.task_system_call(tid);
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
        const bool is_there = sleeps && process.task_system_call(tid) == before;
        left_at = is_there ? 0 : left_at != 0 ? left_at : now;
        if (taken_at == 0 && (left_at != 0 || has_taken(process, tid, table.header().signal))) {
            taken_at = now;
        }
        const bool settled = taken_at != 0 && now - taken_at > settled_ns;
        if (!is_there && (!stat || sleeps || settled)) {  // otherwise libc may be about to repeat the call
            InterruptResult left = result(InterruptResult::Word::nudged, Status::done);
            left.call = where;
            left.latency = left_at - start;
            return left;
        }
        if (settled) {
            return result(InterruptResult::Word::nudged, Status::not_delivered,
                          text("it waits in ", where, " again: libc or the program repeats that call"));
        }
        if (now - start > timeout) {
            return result(InterruptResult::Word::nudged, Status::not_delivered,
                          text("it has not left ", where, ", and does not take the signal"));
        }
        const timespec pause{0, 200'000};
        ::nanosleep(&pause, nullptr);
    }
}

}  // namespace interrupt::control
