#include "control/process_list.h"

#include <algorithm>

#include "control/table_file.h"

namespace interrupt::control {
namespace {

ProcessEntry describe(const Process& process) {
    ProcessEntry entry{process.pid(), process.status().users[1], process.tasks().size(), "", process.command(), ""};
    try {
        const TableFile table(process);
        entry.runtime = table.header().runtime;
    } catch (const Failure& failure) {
        entry.reason = failure.what();
    }
    return entry;
}

}  // namespace

Json process_json(const ProcessEntry& entry) {
    return {{"pid", entry.pid},         {"uid", entry.user},
            {"threads", entry.threads}, {"runtime", entry.runtime.empty() ? Json(nullptr) : Json(entry.runtime)},
            {"command", entry.command}, {"reason", entry.reason.empty() ? Json(nullptr) : Json(entry.reason)}};
}

bool ProcessScan::step(size_t most) {
    const size_t end = next_ + std::min(most, pids_.size() - next_);
    for (; next_ < end; ++next_) {
        try {
            const Process process(pids_[next_]);
            const ShimMappings shim = find_shim(process.maps());
            for (const Mapping& table : shim.tables) {
                mapped_.emplace(table.device, table.inode);
            }
            const bool listed = all_ || process.status().users[1] == ::geteuid();
            if (listed && (shim.library || !shim.tables.empty())) {
                entries_.push_back(describe(process));
            }
        } catch (const Failure&) {
            // Gone, a kernel thread, or another user's: not for this list.
        }
    }
    return next_ == pids_.size();
}

}  // namespace interrupt::control
