#include "control/report.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace interrupt::control {
namespace {

Json text_or_null(const std::string& value) {
    return value.empty() ? Json(nullptr) : Json(value);
}

}  // namespace

std::string pending_text(const RecordView& record) {
    return record.request.pending() ? outcome_name(record.request.outcome(), record.request.error()) : "-";
}

std::string delivered_text(const RecordView& record) {
    if (record.delivered.outcome() == Outcome::none) {
        return "-";
    }
    const Call call = record.delivered.call();
    return text(delivered_outcome_name(record.delivered),
                call == Call::running ? " while running" : text(" in ", call_name(call)));
}

Json target_json(Call call, uint64_t target) {
    switch (target_of(call)) {
        case Target::descriptor:
        case Target::identifier:
        case Target::child:
            return static_cast<int32_t>(target);
        case Target::address:
            return address_in(call, target);
        case Target::none:
            break;
    }
    return nullptr;
}

Json target_json(const RecordView& record) {
    return record.state.blocked() ? target_json(record.state.call(), record.target) : Json(nullptr);
}

bool shows_colours() {
    const char* no_color = std::getenv("NO_COLOR");
    const char* type = std::getenv("TERM");
    return (!no_color || !*no_color) && type && std::string_view(type) != "dumb" && ::isatty(STDOUT_FILENO);
}

Columns::Columns(std::vector<std::string> titles) {
    constexpr int bold = 1;
    row(std::move(titles), bold);
}

void Columns::row(std::vector<std::string> cells, int colour) {
    rows_.push_back(std::move(cells));
    colours_.push_back(colour);
}

void Columns::print() const {
    std::vector<size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
        for (size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    const bool coloured = shows_colours();
    for (size_t index = 0; index < rows_.size(); ++index) {
        const auto& row = rows_[index];
        std::string line;
        for (size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) {
                line.append(widths[i] - row[i].size() + 2, ' ');
            }
        }
        if (coloured && colours_[index] != 0) {
            line = text("\x1b[", colours_[index], "m", line, "\x1b[m");
        }
        std::cout << line << '\n';
    }
}

void print_line(const std::string& line) {
    std::cout << line << '\n';
}

void print_json(const Json& json) {
    // Names are bytes that a program has chosen: what is no UTF-8 is replaced.
    std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

Json thread_json(const ThreadView& thread) {
    Json json{{"tid", thread.id.here},
              {"inner_tid", thread.id.there},
              {"name", thread.name},
              {"state", thread.state()},
              {"kernel_state", std::string(1, thread.kernel.state)}};
    const RecordView empty;
    const RecordView& record = thread.record ? *thread.record : empty;
    const bool blocked = thread.blocked();
    const auto since = blocked ? waited(record) : std::nullopt;
    json["call"] = blocked ? Json(call_name(record.state.call())) : Json(nullptr);
    json["outside"] = text_or_null(thread.outside);
    json["target"] = target_json(record);
    json["waited_ms"] = since ? Json(*since / 1'000'000) : Json(nullptr);
    json["pending"] =
        record.request.pending() ? Json(outcome_name(record.request.outcome(), record.request.error())) : Json(nullptr);
    json["mask"] = thread.record ? Json(mask_name(record.mask)) : Json(nullptr);
    json["delivered"] = nullptr;
    if (record.delivered.outcome() != Outcome::none) {
        const Call call = record.delivered.call();
        json["delivered"] = {{"sequence", record.delivered.sequence()},
                             {"call", call == Call::running ? Json(nullptr) : Json(call_name(call))},
                             {"outcome", delivered_outcome_name(record.delivered)},
                             {"latency_us", static_cast<double>(record.delivered_latency) / 1000}};
    }
    json["coalesced"] = record.coalesced;
    return json;
}

void print_threads(const std::vector<ThreadView>& threads) {
    Columns columns({"TID", "NAME", "STATE", "CALL", "SINCE", "PENDING", "MASK", "DELIVERED"});
    for (const ThreadView& thread : threads) {
        const auto since = thread.blocked() ? waited(*thread.record) : std::nullopt;
        const std::string state = thread.state();
        columns.row(
            {std::to_string(thread.id.here), thread.name, state, thread.call(), since ? duration_text(*since) : "-",
             thread.record ? pending_text(*thread.record) : "-", thread.record ? mask_name(thread.record->mask) : "-",
             thread.record ? delivered_text(*thread.record) : "-"},
            thread.record && thread.record->request.pending() ? yellow
            : state == "stopped"                              ? red
            : state == "outside"                              ? cyan
                                                              : 0);
    }
    columns.print();
}

Json threads_json(const Process& process, const TableFile& table, const std::vector<ThreadView>& threads) {
    Json list = Json::array();
    for (const ThreadView& thread : threads) {
        list.push_back(thread_json(thread));
    }
    return {{"pid", process.pid()},
            {"command", process.command()},
            {"runtime", text_or_null(table.header().runtime)},
            {"threads", std::move(list)}};
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

Json rules_json(pid_t pid, const std::vector<RuleView>& rules) {
    Json list = Json::array();
    for (const RuleView& rule : rules) {
        list.push_back({{"number", rule.number}, {"rule", rule.text}, {"met", rule.met}, {"acted", rule.acted}});
    }
    return {{"pid", pid}, {"rules", std::move(list)}};
}

std::string adapter_state_name(AdapterState state) {
    switch (state) {
        case AdapterState::none:
            return "none";
        case AdapterState::waiting:
            return "waiting";
        case AdapterState::installed:
            return "installed";
        case AdapterState::refused:
            return "refused";
        case AdapterState::finalized:
            return "finalized";
    }
    return "unknown";
}

}  // namespace interrupt::control
