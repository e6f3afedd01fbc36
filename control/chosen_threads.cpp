#include "control/chosen_threads.h"

#include <algorithm>

#include "control/signal_name.h"

namespace interrupt::control {
namespace {

Failure no_such_thread(const Process& process, pid_t tid) {
    if (const auto status = read_all(AT_FDCWD, text("/proc/", tid, "/status"))) {
        const auto parsed = parse_status(*status);
        if (parsed && parsed->process != process.pid()) {
            return {Status::not_found,
                    text(tid, " is no thread of process ", process.pid(), " but of process ", parsed->process, ".")};
        }
    }
    return {Status::not_found, text("process ", process.pid(), " has no thread ", tid, ".")};
}

}  // namespace

void check(const Order& order, const Choice& choice) {
    if (order.wanted.signal != 0 && (order.sticky || order.this_wait)) {
        throw Failure(Status::usage,
                      "a signal cannot be taken back: --sticky and --this-wait do not go with signal:NAME.");
    }
    if (order.sticky && order.this_wait) {
        throw Failure(Status::usage, "--this-wait is over with the wait, and --sticky would stay: choose one.");
    }
    if (order.timeout == 0 && !order.sticky) {
        throw Failure(Status::usage, "with --timeout 0 nothing could be delivered; it goes with --sticky only.");
    }
    if (!choice.tids.empty() + choice.main + choice.all + (!choice.name.empty() || !choice.in.empty()) > 1) {
        throw Failure(Status::usage, "name the threads in one way: thread ids, --main, --all, or --name and --in.");
    }
    for (const Call in : choice.in) {
        if (order.wanted.signal == 0 && !can_have(in, order.wanted.outcome)) {
            throw Failure(Status::usage, traits(in).kind == Kind::Shown
                                             ? text("`", call_name(in), "` is shown alone: nothing ends it early.")
                                             : text("`", call_name(in), "` cannot end with `",
                                                    outcome_name(order.wanted.outcome, order.wanted.error), "`."));
        }
    }
}

ThreadView find_thread(const Process& process, const TableFile& table, pid_t tid) {
    auto thread = observe(process, table, tid);
    if (!thread) {
        throw no_such_thread(process, tid);
    }
    return std::move(*thread);
}

std::vector<ThreadView> choose(const Process& process, const TableFile& table, const Choice& choice) {
    std::vector<pid_t> tids = choice.tids;
    if (choice.main) {
        tids.push_back(process.pid());
    }
    std::vector<ThreadView> chosen;
    for (const pid_t tid : tids) {
        const bool repeated =
            std::any_of(chosen.begin(), chosen.end(), [&](const ThreadView& other) { return other.id.here == tid; });
        if (!repeated) {
            chosen.push_back(find_thread(process, table, tid));
        }
    }
    if (!tids.empty()) {
        return chosen;
    }
    return select(process, observe_all(process, table), choice);
}

std::vector<ThreadView> select(const Process& process, std::vector<ThreadView> threads, const Choice& choice) {
    std::vector<ThreadView> chosen;
    for (ThreadView& thread : threads) {
        const bool there = choice.in.empty() || (thread.blocked() && is_one_of(choice.in, thread.record->state.call()));
        if (choice.all || (thread.named_like(choice.name) && there)) {
            chosen.push_back(std::move(thread));
        }
    }
    if (chosen.empty()) {
        const std::string named = choice.name.empty() ? "" : text(" is named like `", printable(choice.name), "`");
        const std::string there = choice.in.empty() ? "" : text(" waits in ", calls_text(choice.in));
        throw Failure(Status::not_found, text("no thread of process ", process.pid(), named,
                                              !named.empty() && !there.empty() ? " and" : "", there, "."));
    }
    return chosen;
}

std::string sentence(const InterruptResult& result, const TableFile& table, const Order& order) {
    switch (result.word) {
        case InterruptResult::Word::delivered: {
            if (result.together) {
                return "delivered together with a later request";
            }
            if (order.wanted.signal != 0) {
                return text("has taken ", signal_name(order.wanted.signal), " in ",
                            latency_text(result.latency.value_or(0)));
            }
            const bool cpython = table.header().adapter == AdapterState::installed;
            return text("delivered in ", latency_text(result.latency.value_or(0)), ", ",
                        !result.call.empty() ? text("in ", result.call)
                        : cpython            ? "between two bytecodes"
                                             : "where it checked for interrupts");
        }
        case InterruptResult::Word::withdrawn:
            return text("not delivered, withdrawn: ", result.reason);
        case InterruptResult::Word::pending:
            return text("stays pending: ", result.reason);
        case InterruptResult::Word::repeated:
            return text("nudged: ", result.reason);
        case InterruptResult::Word::nudged:
            return text("nudged, and left ", result.call, " in ", latency_text(result.latency.value_or(0)));
        case InterruptResult::Word::refused:
        case InterruptResult::Word::ended:
        case InterruptResult::Word::cleared:
        case InterruptResult::Word::replaced:
        case InterruptResult::Word::on_its_way:
            break;
    }
    return text("not delivered: ", result.reason);
}

std::string full_sentence(pid_t tid, const InterruptResult& result, const TableFile& table, const Order& order) {
    const std::string words = text("thread ", tid, ": ", sentence(result, table, order));
    return words.ends_with('.') ? words : words + '.';  // a reason may be a failure's sentence
}

Status worst(const std::vector<InterruptResult>& results) {
    Status worst = Status::done;
    for (const InterruptResult& result : results) {
        worst = std::max(worst, result.status);
    }
    return worst;
}

Clearing::Clearing(const Process& process, TableFile& table, const ThreadView& thread)
    : requester_(process, table, thread.id) {
    const auto index = table.find(thread.id.there);
    if (!index) {
        return;
    }
    index_ = *index;
    ThreadRecord& record = table.record(index_);
    before_ = RecordView(record);
    const Withdrawal withdrawal =
        withdraw(requester_, table.live_header(), record, {thread.id.there, before_.generation}, 0, true);
    table.verify();
    if (withdrawal == Withdrawal::withdrawn) {
        settle();
    } else if (withdrawal == Withdrawal::on_its_way) {
        recall_ends_ = monotonic_now() + 1'000'000'000;
    }
}

// The word keeps the outcome of what it held last.
void Clearing::settle() {
    const Request held{requester_.table().record(index_).request.load(std::memory_order_relaxed)};
    cleared_ = outcome_name(held.outcome(), held.error());
    recall_ends_ = 0;
}

bool Clearing::step(uint64_t time) {
    if (recall_ends_ == 0) {
        return true;
    }
    const RecordView now(requester_.table().record(index_));
    requester_.table().verify();
    const bool decided = now.tid != before_.tid || now.generation != before_.generation || !now.request.pending();
    if (decided && now.cleared != before_.cleared && now.delivered.word == before_.delivered.word) {
        settle();
        return true;
    }
    if (decided || time >= recall_ends_) {
        recall_ends_ = 0;
        throw Failure(Status::not_delivered,
                      text("too late: the exception is about to be raised in thread ", requester_.thread().here, "."));
    }
    return false;
}

}  // namespace interrupt::control
