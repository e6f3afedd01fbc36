// interruptctl interrupt: the words of the command line, and what is told about each thread.

#include <iostream>

#include "control/chosen_threads.h"
#include "control/commands.h"
#include "control/force.h"
#include "control/interruption_round.h"
#include "control/report.h"

namespace interrupt::control {
namespace {

std::vector<InterruptResult> nudge_all(const Process& process, TableFile& table, const std::vector<ThreadView>& threads,
                                       const Order& order) {
    std::vector<InterruptResult> results;
    for (const ThreadView& thread : threads) {
        results.push_back(nudge_outside(process, table, thread, order.timeout));
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
    if (options.force && (options.as != "default" || order.sticky || order.this_wait || !options.in.empty())) {
        throw Failure(Status::usage,
                      "--force makes no request, and is for threads outside the list: --as, --sticky, --this-wait and "
                      "--in do not go with it.");
    }
    Choice choice;
    choice.main = options.main;
    choice.all = options.all;
    choice.name = options.name;
    if (!options.in.empty()) {
        choice.in = parse_calls_to_end(options.in, order.wanted.outcome);
    }
    const pid_t pid = parse_id(options.pid, "process");
    for (const std::string& tid : options.tids) {
        choice.tids.push_back(parse_id(tid, "thread"));
    }
    check(order, choice);

    const Process process(pid);
    TableFile table(process);
    if (!choice.any()) {
        threads_command({options.pid, options.json});
        throw Failure(Status::usage,
                      "no thread was named: give thread ids of the list, --main, --all, --name or --in.");
    }
    const std::vector<ThreadView> threads = choose(process, table, choice);
    const std::vector<InterruptResult> results =
        options.force ? nudge_all(process, table, threads, order)
                      : finish_unless_stopped(*make_round(process, table, threads, order));

    Json list = Json::array();
    for (size_t i = 0; i < threads.size(); ++i) {
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
    return worst(results);
}

}  // namespace interrupt::control
