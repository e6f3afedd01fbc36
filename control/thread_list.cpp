#include "control/thread_list.h"

#include <fnmatch.h>

#include <algorithm>
#include <ctime>

#include "control/parallel.h"

namespace interrupt::control {

std::string ThreadView::state() const {
    if (kernel.stopped()) {
        return "stopped";
    }
    if (!record) {
        return kernel.sleeping() ? "outside" : "no record";
    }
    if (lock == LockState::awaited) {
        return "ready";
    }
    if (record->state.blocked()) {
        return "blocked";
    }
    if (lock == LockState::held) {
        return "bytecode";
    }
    if (kernel.sleeping()) {
        return "outside";
    }
    return lock == LockState::released ? "in-C" : "running";
}

std::string ThreadView::call() const {
    return blocked() ? call_text(record->state.call(), record->target) : outside.empty() ? "-" : outside;
}

bool ThreadView::named_like(const std::string& pattern) const {
    return pattern.empty() || ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
           ::fnmatch(pattern.c_str(), kernel.name.c_str(), 0) == 0;
}

std::optional<ThreadView> observe(const Process& process, const TableFile& table, pid_t tid) {
    const auto inner = process.inner_tid(tid);
    return inner ? observe_at(process, table, {tid, *inner}, table.find(*inner)) : std::nullopt;
}

std::optional<ThreadView> observe_at(const Process& process, const TableFile& table, ThreadId thread,
                                     std::optional<uint32_t> index) {
    ThreadView view;
    view.id = thread;
    // The two sides are read one after the other: look again if the thread moved in between.
    for (int attempt = 0; attempt < 5; ++attempt) {
        if (index) {
            view.record = RecordView(table.record(*index));
            table.verify();
        }
        const auto stat = process.task_stat(thread.here);
        if (!stat) {
            return std::nullopt;
        }
        view.kernel = *stat;
        if (!index || table.record(*index).state.load(std::memory_order_relaxed) == view.record->state.word) {
            break;
        }
    }
    table.verify();
    if (view.record && view.record->tid != thread.there) {
        view.record.reset();
    }
    if (!view.blocked() && view.kernel.sleeping()) {
        view.outside = process.task_sleeps_in(thread.here);
    }
    view.name = view.record && !view.record->name.empty() ? view.record->name : printable(view.kernel.name);
    return view;
}

ThreadScan::ThreadScan(const Process& process, const TableFile& table)
    : process_(process), table_(table), tids_(process.tasks()) {
    for (const TableFile::Found& found : table.records()) {
        indexes_.emplace(found.record.tid, found.index);
    }
    views_.reserve(tids_.size());
}

bool ThreadScan::step(size_t most, uint64_t now) {
    const size_t end = next_ + std::min(most, tids_.size() - next_);
    std::vector<std::optional<ThreadView>> seen(end - next_);
    in_parallel(seen.size(), [&](size_t i) { seen[i] = look(tids_[next_ + i]); });
    next_ = end;
    for (std::optional<ThreadView>& view : seen) {
        if (view) {
            views_.push_back(std::move(*view));
        }
    }
    if (next_ < tids_.size()) {
        return false;
    }
    if (again_at_ == 0) {
        for (size_t i = 0; i < views_.size(); ++i) {
            if (views_[i].state() == "in-C") {
                again_.push_back(i);
            }
        }
        again_at_ = now + 500'000;
    }
    if (!again_.empty() && now < again_at_) {
        return false;
    }
    for (; most > 0 && !again_.empty(); --most) {
        look_again_for_lock(views_[again_.back()]);
        again_.pop_back();
    }
    return again_.empty();
}

std::optional<ThreadView> ThreadScan::look(pid_t tid) const {
    const auto inner = process_.inner_tid(tid);
    if (!inner) {
        return std::nullopt;
    }
    const auto index = indexes_.find(*inner);
    const RuntimeLockView lock(process_, table_);  // of each anew: it changes hands often
    auto view = observe_at(process_, table_, {tid, *inner},
                           index == indexes_.end() ? std::nullopt : std::optional(index->second));
    if (view && view->record) {
        view->lock = lock.of(*view->record);
    }
    return view;
}

// A thread that is about to wait for the lock, or about to run since it has just got it, looks for a moment as if it
// did without.
void ThreadScan::look_again_for_lock(ThreadView& view) const {
    const uint64_t before = view.record->state.word;
    const RuntimeLockView lock(process_, table_);
    if (auto again = observe(process_, table_, view.id.here)) {
        view = std::move(*again);
        view.lock = view.record ? lock.of(*view.record) : LockState::unknown;
        if (view.state() == "in-C" && view.record->state.word != before) {
            view.lock = LockState::unknown;
        }
    }
}

std::vector<ThreadView> observe_all(const Process& process, const TableFile& table) {
    ThreadScan scan(process, table);
    while (!scan.step(SIZE_MAX, monotonic_now())) {
        const timespec moment{0, 500'000};
        ::nanosleep(&moment, nullptr);
    }
    return scan.take();
}

bool is_under_filter(const Process& process, const TableFile& table, const ThreadView& thread) {
    if (table.live_header().flags.load(std::memory_order_relaxed) & table_seccomp) {
        return true;
    }
    const auto status = process.task_status(thread.id.here);
    return status && status->seccomp != 0;
}

std::optional<uint64_t> waited(const RecordView& record) {
    const uint64_t now = monotonic_now();
    if (record.since == 0 || record.since > now) {  // a container may have a clock of its own
        return std::nullopt;
    }
    return now - record.since;
}

}  // namespace interrupt::control
