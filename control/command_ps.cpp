// interruptctl ps.

#include <algorithm>

#include "control/commands.h"
#include "control/process_list.h"
#include "control/report.h"
#include "control/table_directory.h"

namespace interrupt::control {
namespace {

// One line of a table; --json has the whole.
std::string shortened(const std::string& command) {
    constexpr size_t most = 80;
    const size_t end = std::min(command.find('\n'), most);
    return end < command.size() ? command.substr(0, end) + " ..." : command;
}

void print(const std::vector<ProcessEntry>& entries, bool all) {
    std::vector<std::string> titles{"PID", "THREADS", "RUNTIME", "COMMAND"};
    if (all) {
        titles.insert(titles.begin() + 1, "USER");
    }
    Columns columns(titles);
    for (const ProcessEntry& entry : entries) {
        const std::string runtime = !entry.reason.empty() ? "none" : entry.runtime.empty() ? "native" : entry.runtime;
        std::vector<std::string> cells{std::to_string(entry.pid), std::to_string(entry.threads), runtime,
                                       shortened(entry.command)};
        if (all) {
            cells.insert(cells.begin() + 1, std::to_string(entry.user));
        }
        columns.row(cells, entry.reason.empty() ? 0 : cyan);
    }
    columns.print();
    for (const ProcessEntry& entry : entries) {
        if (!entry.reason.empty()) {
            print_line(text("cannot be interrupted: ", entry.reason));
        }
    }
}

Json to_json(const std::vector<ProcessEntry>& entries) {
    Json list = Json::array();
    for (const ProcessEntry& entry : entries) {
        list.push_back(process_json(entry));
    }
    return {{"processes", std::move(list)}};
}

}  // namespace

Status ps_command(const PsOptions& options) {
    ProcessScan scan(options.all);
    scan.step(SIZE_MAX);
    for (const std::string& directory : table_directories()) {
        remove_dead_tables(directory, scan.mapped());
    }
    if (options.json) {
        print_json(to_json(scan.entries()));
    } else {
        print(scan.entries(), options.all);
    }
    return Status::done;
}

}  // namespace interrupt::control
