// interruptctl ps.

#include <algorithm>
#include <set>

#include "control/commands.h"
#include "control/report.h"
#include "control/table_directory.h"

namespace interrupt::control {
namespace {

struct Entry {
    pid_t pid = 0;
    uid_t user = 0;
    size_t threads = 0;
    std::string runtime;
    std::string command;
    std::string reason;  // why it cannot be interrupted; empty if it can
};

Entry describe(const Process& process) {
    Entry entry{process.pid(), process.status().users[1], process.tasks().size(), "", process.command(), ""};
    try {
        const TableFile table(process);
        entry.runtime = table.header().runtime;
    } catch (const Failure& failure) {
        entry.reason = failure.what();
    }
    return entry;
}

// One line of a table; --json has the whole.
std::string shortened(const std::string& command) {
    constexpr size_t most = 80;
    const size_t end = std::min(command.find('\n'), most);
    return end < command.size() ? command.substr(0, end) + " ..." : command;
}

void print(const std::vector<Entry>& entries, bool all) {
    std::vector<std::string> titles{"PID", "THREADS", "RUNTIME", "COMMAND"};
    if (all) {
        titles.insert(titles.begin() + 1, "USER");
    }
    Columns columns(titles);
    for (const Entry& entry : entries) {
        const std::string runtime = !entry.reason.empty() ? "none" : entry.runtime.empty() ? "native" : entry.runtime;
        std::vector<std::string> cells{std::to_string(entry.pid), std::to_string(entry.threads), runtime,
                                       shortened(entry.command)};
        if (all) {
            cells.insert(cells.begin() + 1, std::to_string(entry.user));
        }
        columns.row(cells);
    }
    columns.print();
    for (const Entry& entry : entries) {
        if (!entry.reason.empty()) {
            print_line(text("cannot be interrupted: ", entry.reason));
        }
    }
}

Json to_json(const std::vector<Entry>& entries) {
    Json list = Json::array();
    for (const Entry& entry : entries) {
        list.push_back({{"pid", entry.pid},
                        {"uid", entry.user},
                        {"threads", entry.threads},
                        {"runtime", entry.runtime.empty() ? Json(nullptr) : Json(entry.runtime)},
                        {"command", entry.command},
                        {"reason", entry.reason.empty() ? Json(nullptr) : Json(entry.reason)}});
    }
    return {{"processes", std::move(list)}};
}

}  // namespace

Status ps_command(const PsOptions& options) {
    std::vector<Entry> entries;
    std::set<std::pair<dev_t, ino_t>> mapped;
    for (const pid_t pid : all_processes()) {
        try {
            const Process process(pid);
            const ShimMappings shim = find_shim(process.maps());
            for (const Mapping& table : shim.tables) {
                mapped.emplace(table.device, table.inode);
            }
            const bool listed = options.all || process.status().users[1] == ::geteuid();
            if (listed && (shim.library || !shim.tables.empty())) {
                entries.push_back(describe(process));
            }
        } catch (const Failure&) {
            // Gone, a kernel thread, or another user's: not for this list.
        }
    }
    for (const std::string& directory : table_directories()) {
        remove_dead_tables(directory, mapped);
    }
    if (options.json) {
        print_json(to_json(entries));
    } else {
        print(entries, options.all);
    }
    return Status::done;
}

}  // namespace interrupt::control
