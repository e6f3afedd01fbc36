// Why a request has not been delivered, in words.
#include "control/interruption.h"

namespace interrupt::control {

std::string Interruption::why_not(const ThreadView& now) const {
    if (requester_.table_left() || !requester_.table().still_mapped()) {
        return "its process has ended or has called exec since";
    }
    if (now.kernel.stopped()) {
        return now.kernel.state == 't' ? "it is stopped by a debugger" : "it is stopped (SIGCONT lets it go on)";
    }
    if (!now.record) {
        return "it has lost its record in the thread table";
    }
    const RecordView& record = *now.record;
    if (record.request.claimed()) {
        return "the exception is about to be raised";
    }
    if (record.mask == Mask::all) {
        return "it is masked: the thread defers interrupts";
    }
    if (!record.state.blocked()) {
        return why_not_while_running(now);
    }
    const std::string where = text("it waits in ", now.call());
    if (order_.this_wait && record.state.wait() != before_.record->state.wait()) {
        return text("the wait in ", before_.call(), " was over before; now ", where);
    }
    if (record.state.call() < Call::count && !can_have(record.state.call(), order_.wanted.outcome)) {
        return text(where, ", which cannot end with ", outcome_name(order_.wanted.outcome, order_.wanted.error));
    }
    if (order_.wanted.outcome == Outcome::timeout) {
        return text(where, ", perhaps without a time limit: `timeout` acts at waits that have one");
    }
    if (order_.wanted.outcome == Outcome::cancel) {
        return text(where,
                    ", perhaps with cancellation disabled: `cancel` acts where the thread lets itself be cancelled");
    }
    if (cpython_installed(requester_.table()) && record.state.call() < Call::count) {
        const Kind kind = traits(record.state.call()).kind;
        if (kind == Kind::Condition || kind == Kind::Futex) {
            return text(where, ", which is left alone in CPython: it is the interpreter's lock (GIL) or a C library's");
        }
    }
    return text(where, " and has not reacted");
}

std::string Interruption::why_not_while_running(const ThreadView& now) const {
    const bool cpython = cpython_installed(requester_.table());
    if (order_.this_wait) {
        return text("the wait in ", before_.call(), " was over before");
    }
    const bool own_record = (now.record->flags & record_unadopted) == 0;
    if (now.kernel.sleeping() && !own_record && requester_.table().live_header().threads_unseen.load() != 0) {
        return text(
            "it is blocked", now.outside.empty() ? "" : text(" in ", now.outside),
            ", perhaps since before the full thread table had room for it: then it can be interrupted in its next "
            "call (--force nudges it in this one)");
    }
    if (now.kernel.sleeping()) {
        return text("it is blocked outside the list of calls that can be interrupted",
                    now.outside.empty() ? "" : text(", in ", now.outside), " (--force nudges it there)");
    }
    if (cpython && now.record->mask == Mask::on_blocking) {
        return "it is running, and its mask lets it be interrupted only in a blocking call";
    }
    if (cpython && (now.record->flags & record_runs_runtime) == 0) {
        return "it is running, C code has started it, and it has come to no blocking call";
    }
    return cpython ? "it is running: it computes in C code and has not returned to the interpreter"
                   : "it is running and has come to no blocking call";
}

}  // namespace interrupt::control
