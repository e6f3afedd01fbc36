// What goes to standard output: columns for people, JSON for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/failure.h"
#include "control/injections.h"
#include "control/interruption.h"
#include "control/thread_list.h"

namespace interrupt::control {

using Json = nlohmann::ordered_json;  // fields in the order in which they were written

// Those of a terminal (SGR).
inline constexpr int red = 31, yellow = 33, cyan = 36;

// Whether standard output shows colours: it is a terminal, and NO_COLOR is not set (https://no-color.org).
bool shows_colours();

// Left-aligned columns, as wide as needed, two spaces apart.
class Columns {
public:
    explicit Columns(std::vector<std::string> titles);
    // `colour`: of the whole row, where colours are shown; 0: none.
    void row(std::vector<std::string> cells, int colour = 0);
    void print() const;

private:
    std::vector<std::vector<std::string>> rows_;
    std::vector<int> colours_;
};

void print_line(const std::string& line);
void print_json(const Json& json);

// What the call waits for that the thread is blocked in: a number, or null.
Json target_json(const RecordView& record);
Json target_json(Call call, uint64_t target);
// "errno:EIO", "errno in recv"; "-": nothing.
std::string pending_text(const RecordView& record);
std::string delivered_text(const RecordView& record);

Json thread_json(const ThreadView& thread);
void print_threads(const std::vector<ThreadView>& threads);
Json threads_json(const Process& process, const TableFile& table, const std::vector<ThreadView>& threads);

// What has become of a request to that thread.
Json result_json(const ThreadView& thread, const InterruptResult& result);

Json rules_json(pid_t pid, const std::vector<RuleView>& rules);

std::string adapter_state_name(AdapterState state);

}  // namespace interrupt::control
