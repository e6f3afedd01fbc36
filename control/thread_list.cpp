#include "control/thread_list.h"

#include <algorithm>
#include <ctime>

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

std::optional<ThreadView> observe(const Process& process, const TableFile& table, pid_t tid) {
    ThreadView view;
    const auto status = process.task_status(tid);
    if (!status || status->process != process.pid()) {
        return std::nullopt;
    }
    view.id = {tid, static_cast<uint32_t>(status->ids.empty() ? tid : status->ids.back())};
    view.seccomp = status->seccomp != 0;
    const auto index = table.find(view.id.there);
    // The two sides are read one after the other: look again if the thread moved in between.
    for (int attempt = 0; attempt < 5; ++attempt) {
        if (index) {
            view.record = RecordView(table.record(*index));
            table.verify();
        }
        const auto stat = process.task_stat(tid);
        if (!stat) {
            return std::nullopt;
        }
        view.kernel = *stat;
        if (!index || table.record(*index).state.load(std::memory_order_relaxed) == view.record->state.word) {
            break;
        }
    }
    table.verify();
    if (view.record && view.record->tid != view.id.there) {
        view.record.reset();
    }
    if (!view.blocked() && view.kernel.sleeping()) {
        view.outside = process.task_sleeps_in(tid);
    }
    view.name = view.record && !view.record->name.empty() ? view.record->name : printable(view.kernel.name);
    return view;
}

namespace {

std::optional<ThreadView> observe_with_lock(const Process& process, const TableFile& table, pid_t tid) {
    const RuntimeLockView lock(process, table);
    auto view = observe(process, table, tid);
    if (view && view->record) {
        view->lock = lock.of(*view->record);
    }
    return view;
}

// A thread that is about to wait for the lock, or about to run since it has just got it, looks for a moment as if it
// did without.
void look_again_for_lock(const Process& process, const TableFile& table, std::vector<ThreadView>& views) {
    const auto in_c = [](const ThreadView& view) { return view.state() == "in-C"; };
    if (std::none_of(views.begin(), views.end(), in_c)) {
        return;
    }
    const timespec moment{0, 500'000};
    ::nanosleep(&moment, nullptr);
    for (ThreadView& view : views) {
        if (!in_c(view)) {
            continue;
        }
        const uint64_t before = view.record->state.word;
        if (auto again = observe_with_lock(process, table, view.id.here)) {
            view = std::move(*again);
            if (in_c(view) && view.record->state.word != before) {
                view.lock = LockState::unknown;
            }
        }
    }
}

}  // namespace

std::vector<ThreadView> observe_all(const Process& process, const TableFile& table) {
    std::vector<ThreadView> views;
    for (const pid_t tid : process.tasks()) {
        if (auto view = observe_with_lock(process, table, tid)) {
            views.push_back(std::move(*view));
        }
    }
    look_again_for_lock(process, table, views);
    return views;
}

bool is_under_filter(const TableFile& table, const ThreadView& thread) {
    return thread.seccomp || (table.live_header().flags.load(std::memory_order_relaxed) & table_seccomp) != 0;
}

std::optional<uint64_t> waited(const RecordView& record) {
    const uint64_t now = monotonic_now();
    if (record.since == 0 || record.since > now) {  // a container may have a clock of its own
        return std::nullopt;
    }
    return now - record.since;
}

}  // namespace interrupt::control
