#include "control/record/thread_names.h"

#include "control/requester.h"

namespace interrupt::control {
namespace {

constexpr size_t most_at_once = 200;
constexpr uint64_t ids_every_ns = 1'000'000'000;

}  // namespace

const std::string& ThreadNames::of(uint32_t inner_tid) {
    std::string& seen = seen_[inner_tid];
    std::string newest = now(inner_tid);
    if (!newest.empty()) {
        seen = std::move(newest);
    }
    return seen;
}

void ThreadNames::look(const std::vector<TableFile::Found>& records) {
    look_for_ids();
    size_t looked_at = 0;
    for (const TableFile::Found& found : records) {
        if (looked_at == most_at_once) {
            return;
        }
        if (seen_.find(found.record.tid) == seen_.end()) {
            of(found.record.tid);
            ++looked_at;
        }
    }
}

std::string ThreadNames::now(uint32_t inner_tid) const {
    if (const auto index = target_.table.find(inner_tid)) {
        const RecordView record(target_.table.record(*index));
        if (!record.name.empty()) {
            return record.name;
        }
    }
    const auto task = outer_ids_.find(inner_tid);
    if (target_.process.in_other_namespace() && task == outer_ids_.end()) {
        return "";
    }
    const auto stat =
        target_.process.task_stat(task == outer_ids_.end() ? static_cast<pid_t>(inner_tid) : task->second);
    return stat ? printable(stat->name) : "";
}

// All together, since each look goes through all.
void ThreadNames::look_for_ids() {
    const uint64_t now = monotonic_now();
    if (!target_.process.in_other_namespace() || now < next_ids_) {
        return;
    }
    for (const pid_t task : target_.process.tasks()) {
        if (const auto inner = target_.process.inner_tid(task)) {
            outer_ids_[*inner] = task;
        }
    }
    next_ids_ = now + ids_every_ns;
}

}  // namespace interrupt::control
