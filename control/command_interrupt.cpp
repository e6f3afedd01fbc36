// interruptctl interrupt: which threads are meant, and what is told about each.

#include <algorithm>
#include <iostream>

#include "control/commands.h"
#include "control/force.h"
#include "control/interruption.h"
#include "control/plain_signal.h"
#include "control/report.h"
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

void require_one_choice(const InterruptOptions& options) {
    const int choices =
        !options.tids.empty() + options.main + options.all + (!options.name.empty() || !options.in.empty());
    if (choices > 1) {
        throw Failure(Status::usage, "name the threads in one way: thread ids, --main, --all, or --name and --in.");
    }
}

bool any_choice(const InterruptOptions& options) {
    return !options.tids.empty() || options.main || options.all || !options.name.empty() || !options.in.empty();
}

// The threads that are meant, each once. `in`: the calls of options.in.
std::vector<ThreadView> choose(const Process& process, const TableFile& table, const InterruptOptions& options,
                               const std::vector<Call>& in, std::vector<pid_t> tids) {
    if (options.main) {
        tids.push_back(process.pid());
    }
    std::vector<ThreadView> chosen;
    for (const pid_t tid : tids) {
        auto thread = observe(process, table, tid);
        if (!thread) {
            throw no_such_thread(process, tid);
        }
        const bool repeated =
            std::any_of(chosen.begin(), chosen.end(), [&](const ThreadView& other) { return other.id.here == tid; });
        if (!repeated) {
            chosen.push_back(std::move(*thread));
        }
    }
    if (!tids.empty()) {
        return chosen;
    }
    for (ThreadView& thread : observe_all(process, table)) {
        const bool there = options.in.empty() || (thread.blocked() && is_one_of(in, thread.record->state.call()));
        if (options.all || (thread.named_like(options.name) && there)) {
            chosen.push_back(std::move(thread));
        }
    }
    if (chosen.empty()) {
        const std::string named = options.name.empty() ? "" : text(" is named like `", printable(options.name), "`");
        const std::string there = options.in.empty() ? "" : text(" waits in ", calls_text(in));
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

Json result_json(const ThreadView& thread, const InterruptResult& result) {
    return {{"tid", thread.id.here},
            {"name", thread.name},
            {"result", result_name(result.word)},
            {"status", static_cast<int>(result.status)},
            {"latency_us", result.latency ? Json(static_cast<double>(*result.latency) / 1000) : Json(nullptr)},
            {"call", result.call.empty() ? Json(nullptr) : Json(result.call)},
            {"together_with_later", result.together},
            {"coalesced", result.coalesced},
            {"reason", result.reason.empty() ? Json(nullptr) : Json(result.reason)}};
}

std::vector<InterruptResult> request_all(const Process& process, TableFile& table,
                                         const std::vector<ThreadView>& threads, const Order& order) {
    std::vector<Interruption> interruptions;
    for (const ThreadView& thread : threads) {
        interruptions.emplace_back(process, table, thread, order);
    }
    interrupt_all(interruptions, order);
    std::vector<InterruptResult> results;
    for (const Interruption& interruption : interruptions) {
        results.push_back(interruption.result());
    }
    return results;
}

std::vector<InterruptResult> nudge_all(const Process& process, TableFile& table, const std::vector<ThreadView>& threads,
                                       const Order& order) {
    std::vector<InterruptResult> results;
    for (const ThreadView& thread : threads) {
        results.push_back(nudge_outside(process, table, thread, order.timeout));
    }
    return results;
}

std::vector<InterruptResult> signal_all(const Process& process, const std::vector<ThreadView>& threads,
                                        const Order& order) {
    std::vector<InterruptResult> results;
    for (const ThreadView& thread : threads) {
        results.push_back(send_signal(process, thread.id.here, order.wanted.signal, order.timeout));
    }
    return results;
}

}  // namespace

Status interrupt_command(const InterruptOptions& options) {
    // All that can be wrong with the words, before anything is sent.
    Order order;
    order.wanted = parse_outcome(options.as);
    order.timeout = parse_timeout(options.timeout);
    order.this_wait = options.this_wait;
    order.sticky = options.sticky;
    if (order.wanted.signal != 0 && (order.sticky || order.this_wait)) {
        throw Failure(Status::usage,
                      "a signal cannot be taken back: --sticky and --this-wait do not go with signal:NAME.");
    }
    if (options.force && (options.as != "default" || order.sticky || order.this_wait || !options.in.empty())) {
        throw Failure(Status::usage,
                      "--force makes no request, and is for threads outside the list: --as, --sticky, --this-wait and "
                      "--in do not go with it.");
    }
    if (order.timeout == 0 && !order.sticky) {
        throw Failure(Status::usage, "with --timeout 0 nothing could be delivered; it goes with --sticky only.");
    }
    require_one_choice(options);
    const std::vector<Call> in = options.in.empty() ? std::vector<Call>() : parse_calls(options.in);
    for (const Call call : in) {
        if (order.wanted.signal == 0 && !can_have(call, order.wanted.outcome)) {
            throw Failure(Status::usage, traits(call).kind == Kind::Shown
                                             ? text("`", call_name(call), "` is shown alone: nothing ends it early.")
                                             : text("`", call_name(call), "` cannot end with `", options.as, "`."));
        }
    }
    const pid_t pid = parse_id(options.pid, "process");
    std::vector<pid_t> tids;
    for (const std::string& tid : options.tids) {
        tids.push_back(parse_id(tid, "thread"));
    }

    const Process process(pid);
    TableFile table(process);
    if (!any_choice(options)) {
        threads_command({options.pid, options.json});
        throw Failure(Status::usage,
                      "no thread was named: give thread ids of the list, --main, --all, --name or --in.");
    }
    const std::vector<ThreadView> threads = choose(process, table, options, in, tids);
    const std::vector<InterruptResult> results = options.force ? nudge_all(process, table, threads, order)
                                                 : order.wanted.signal != 0
                                                     ? signal_all(process, threads, order)
                                                     : request_all(process, table, threads, order);

    Status worst = Status::done;
    Json list = Json::array();
    for (size_t i = 0; i < threads.size(); ++i) {
        worst = std::max(worst, results[i].status);
        if (options.json) {
            list.push_back(result_json(threads[i], results[i]));
        } else {
            std::cout << threads[i].id.here << ' ' << sentence(results[i], table, order) << '\n';
        }
    }
    if (options.json) {
        print_json({{"pid", pid},
                    {"outcome", options.force ? Json(nullptr) : Json(options.as)},
                    {"threads", std::move(list)}});
    }
    return worst;
}

}  // namespace interrupt::control
