#include "control/interruption.h"

#include <cerrno>
#include <cstring>

namespace interrupt::control {
namespace {

constexpr uint64_t millisecond = 1'000'000;

}  // namespace

std::string result_name(InterruptResult::Word word) {
    switch (word) {
        case InterruptResult::Word::delivered:
            return "delivered";
        case InterruptResult::Word::withdrawn:
            return "withdrawn";
        case InterruptResult::Word::pending:
            return "pending";
        case InterruptResult::Word::refused:
            return "refused";
        case InterruptResult::Word::ended:
            return "ended";
        case InterruptResult::Word::cleared:
            return "cleared";
        case InterruptResult::Word::replaced:
            return "replaced";
        case InterruptResult::Word::on_its_way:
            return "on its way";
        case InterruptResult::Word::nudged:
            return "nudged";
        case InterruptResult::Word::repeated:
            return "repeated";
    }
    return "unknown";
}

Interruption::Interruption(const Process& process, TableFile& table, const ThreadView& thread, const Order& order)
    : requester_(process, table, thread.id), before_(thread), order_(order) {}

void Interruption::settle(InterruptResult::Word word, Status status, const std::string& reason) {
    settled_ = true;
    result_.word = word;
    result_.status = status;
    result_.reason = reason;
}

void Interruption::begin() {
    try {
        post();
    } catch (const Failure& failure) {  // the other threads' requests go on
        settle(InterruptResult::Word::refused, failure.status(), failure.what());
    }
}

void Interruption::post() {
    const TableFile& table = requester_.table();
    if (is_under_filter(requester_.process(), table, before_)) {
        settle(InterruptResult::Word::refused, Status::not_under_shim, under_filter);
        return;
    }
    if (order_.this_wait && !before_.blocked()) {
        settle(InterruptResult::Word::refused, Status::not_delivered, "it waits in no call of the list now");
        return;
    }
    if (!settle_outcome()) {
        return;
    }
    for (int attempt = 0;; ++attempt) {
        index_ = find_or_claim(requester_);
        ThreadRecord& record = table.record(index_);
        owner_ = {requester_.thread().there, record.generation.load(std::memory_order_acquire)};
        // Of all that was seen before, only the number of the wait must hold: the protocol compares it again.
        const Posted posted = interrupt::post(requester_, table.live_header(), record, owner_, order_.wanted.outcome,
                                              order_.wanted.error, order_.this_wait ? before_.record->state.wait() : 0);
        table.verify();
        sequence_ = posted.sequence;
        result_.coalesced = posted.coalesced;
        if (posted.error == ESRCH &&
            sequence_ == 0) {  // the record has changed hands: the thread's end, or its own claim
            if (!requester_.process().task_stat(requester_.thread().here)) {
                settle(InterruptResult::Word::ended, Status::not_found, "it has ended");
                return;
            }
            if (attempt < 100) {
                continue;
            }
        }
        if (posted.error == EPERM || posted.error == ENOSYS) {
            withdraw(requester_, table.live_header(), record, owner_, sequence_);
            settle(InterruptResult::Word::refused, Status::not_permitted,
                   text("the system does not let it be nudged: ", std::strerror(posted.error)));
        }
        return;
    }
}

// Whether threads of this process can have it at all. A request has room for a number: the name of an exception that it
// stands for goes into the table.
bool Interruption::settle_outcome() {
    const TableFile& table = requester_.table();
    const bool cpython = cpython_installed(table);
    if (order_.wanted.outcome == Outcome::cancel && cpython) {
        settle(InterruptResult::Word::refused, Status::usage,
               "`cancel` is for native programs: a thread of CPython that ended like this would take the "
               "interpreter's lock with it");
        return false;
    }
    if (order_.wanted.outcome != Outcome::exception) {
        return true;
    }
    if (!cpython) {
        settle(InterruptResult::Word::refused, Status::not_under_shim,
               "`exception:` is for threads of CPython, and there is none here that the shim could move into");
        return false;
    }
    const int index = index_of_exception(table.live_header(), order_.wanted.exception);
    table.verify();
    if (index < 0) {
        settle(InterruptResult::Word::refused, Status::not_delivered,
               text("its process has been asked for ", max_exceptions, " different classes already"));
        return false;
    }
    order_.wanted.error = static_cast<uint16_t>(index);
    return true;
}

void Interruption::settle_delivered(const RecordView& record) {
    settle(InterruptResult::Word::delivered, Status::done);
    if (record.delivered.sequence() != sequence_) {
        result_.together = true;
        return;
    }
    result_.latency = record.delivered_latency;
    const Call call = record.delivered.call();
    if (call != Call::running) {
        const bool same = before_.blocked() && before_.record->state.call() == call;
        result_.call = same ? call_text(call, before_.record->target) : call_name(call);
    }
}

void Interruption::look() {
    const RecordView now(requester_.table().record(index_));
    requester_.table().verify();
    const bool mine = now.tid == owner_.tid && now.generation == owner_.generation;
    // A thread may end at once when it is interrupted: its record is free then, and still says so.
    const bool just_released = now.tid == 0 && now.generation == owner_.generation + 1;
    if ((mine || just_released) && now.delivered.outcome() != Outcome::none &&
        reached(now.delivered.sequence(), sequence_)) {
        settle_delivered(now);
    } else if ((mine || just_released) && reached(now.cleared, sequence_)) {
        settle(InterruptResult::Word::cleared, Status::not_delivered,
               "the thread itself or another requester cleared it");
    } else if (!mine) {
        follow();
    }
    if (recall_ends_ != 0) {
        follow_recall();
    }
}

// The record is no longer the thread's. Either the thread has ended, or the thread and a requester claimed one for it
// at the same time and only the other is left: whoever gave this one up has put the request there.
void Interruption::follow() {
    if (!requester_.process().task_stat(requester_.thread().here)) {
        settle(InterruptResult::Word::ended, Status::not_delivered, "it ended before that");
        return;
    }
    const TableFile& table = requester_.table();
    if (const auto index = table.find(requester_.thread().there)) {
        index_ = *index;
        const ThreadRecord& record = table.record(index_);
        owner_ = {requester_.thread().there, record.generation.load(std::memory_order_acquire)};
        sequence_ = Request{record.request.load(std::memory_order_relaxed)}.sequence();
    }
}

void Interruption::nudge() {
    const bool ended = !requester_.process().task_stat(requester_.thread().here);
    if (ended || !requester_.table().still_mapped()) {
        look();  // it may have been delivered just before
        if (!settled_) {
            settle(InterruptResult::Word::ended, Status::not_delivered,
                   ended ? "it ended before that" : "its process has called exec");
        }
        return;
    }
    nudge_again(requester_, requester_.table().live_header(), requester_.table().record(index_), owner_, sequence_);
}

void Interruption::nudge_if_computing() {
    const ThreadRecord& record = requester_.table().record(index_);
    if (!cpython_installed(requester_.table()) ||
        (record.flags.load(std::memory_order_relaxed) & record_runs_runtime) == 0 ||
        State{record.state.load(std::memory_order_relaxed)}.blocked()) {
        return;
    }
    nudge_computing(requester_, requester_.table().record(index_), owner_, sequence_);
}

// The thread has been asked to give it back, and looks now and then.
void Interruption::follow_recall() {
    if (settled_ && result_.word == InterruptResult::Word::cleared) {
        settle(InterruptResult::Word::withdrawn, Status::not_delivered, recalled_because_);
    } else if (!settled_ && monotonic_now() >= recall_ends_) {
        settle(InterruptResult::Word::on_its_way, Status::not_delivered,
               "the exception is about to be raised, unless the thread still takes it back");
    }
}

void Interruption::give_up(bool by_user) {
    const TableFile& table = requester_.table();
    const auto now = by_user ? std::nullopt : observe(requester_.process(), table, requester_.thread().here);
    const std::string reason = by_user ? "this command was interrupted" : now ? why_not(*now) : "it has ended";
    if (owner_.tid == 0) {  // it was not even posted
        settle(InterruptResult::Word::withdrawn, Status::not_delivered, reason);
        return;
    }
    if (order_.sticky && now && !requester_.table_left()) {
        settle(InterruptResult::Word::pending, order_.timeout == 0 ? Status::done : Status::not_delivered, reason);
        return;
    }
    const Withdrawal withdrawal = withdraw(requester_, table.live_header(), table.record(index_), owner_, sequence_);
    table.verify();
    switch (withdrawal) {
        case Withdrawal::withdrawn:
            settle(InterruptResult::Word::withdrawn, Status::not_delivered, reason);
            break;
        case Withdrawal::delivered:
            look();
            if (!settled_) {
                settle(InterruptResult::Word::ended, Status::not_delivered, "its record was given to another thread");
            }
            break;
        case Withdrawal::on_its_way:
            recalled_because_ = reason;
            recall_ends_ = monotonic_now() + 100 * millisecond;
            break;
        case Withdrawal::replaced:
            settle(InterruptResult::Word::replaced, Status::not_delivered,
                   "a newer request has taken its place and stays pending");
            break;
        case Withdrawal::gone:
            look();
            if (!settled_) {
                settle(InterruptResult::Word::ended, Status::not_delivered, "it ended before that");
            }
            break;
    }
}

}  // namespace interrupt::control
