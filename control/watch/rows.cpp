#include "control/watch/rows.h"

#include "control/report.h"

namespace interrupt::control {
namespace {

Style style_of(const ThreadView& thread, const std::string& state) {
    return thread.record && thread.record->request.pending() ? Style::pending
           : state == "stopped"                              ? Style::stopped
           : state == "outside" || state == "no record"      ? Style::outside
                                                             : Style::plain;
}

}  // namespace

std::vector<Column> process_columns() {
    return {{"PID", 0, 10}, {"THREADS", 2, 10}, {"RUNTIME", 3, 24}, {"COMMAND", 1, 400}};
}

std::vector<Column> thread_columns() {
    return {{"TID", 0, 10},   {"NAME", 3, 24},    {"STATE", 2, 12}, {"CALL", 1, 32},
            {"SINCE", 4, 12}, {"PENDING", 5, 24}, {"MASK", 7, 12},  {"DELIVERED", 6, 40}};
}

std::vector<Row> rows_of(const std::vector<ThreadView>& threads) {
    std::vector<Row> rows;
    rows.reserve(threads.size());
    for (const ThreadView& thread : threads) {
        Cell since{"-", -1};
        if (thread.blocked()) {
            if (const auto ns = waited(*thread.record)) {
                since = {duration_text(*ns), static_cast<int64_t>(*ns)};
            }
        }
        const std::string state = thread.state();
        rows.push_back({thread.id.here,
                        {{std::to_string(thread.id.here), thread.id.here},
                         {thread.name},
                         {state},
                         {thread.call()},
                         since,
                         {thread.record ? pending_text(*thread.record) : "-"},
                         {thread.record ? mask_name(thread.record->mask) : "-"},
                         {thread.record ? delivered_text(*thread.record) : "-"}},
                        style_of(thread, state)});
    }
    return rows;
}

std::vector<Row> rows_of(const std::vector<ProcessEntry>& processes) {
    std::vector<Row> rows;
    for (const ProcessEntry& entry : processes) {
        const std::string runtime = !entry.reason.empty() ? "none" : entry.runtime.empty() ? "native" : entry.runtime;
        rows.push_back({entry.pid,
                        {{std::to_string(entry.pid), entry.pid},
                         {std::to_string(entry.threads), static_cast<int64_t>(entry.threads)},
                         {runtime},
                         {entry.command}},
                        entry.reason.empty() ? Style::plain : Style::outside});
    }
    return rows;
}

}  // namespace interrupt::control
