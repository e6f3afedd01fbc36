#include "control/wait_blocked.h"

#include <pthread.h>
#include <semaphore.h>

#include <algorithm>
#include <ctime>
#include <map>

namespace interrupt::control {
namespace {

constexpr uint64_t millisecond = 1'000'000;

bool matches(const RecordView& record, const WantedWait& wanted) {
    return record.state.blocked() && is_one_of(wanted.calls, record.state.call()) &&
           (!wanted.descriptor || (target_of(record.state.call()) == Target::descriptor &&
                                   static_cast<int32_t>(record.target) == *wanted.descriptor));
}

// Whether the system call that the thread sleeps in can be the wait that its record names. On its way out of a
// condition variable a thread waits for the mutex, and on its way into any call for memory.
bool may_be_its_wait(const Process& process, const ThreadView& thread) {
    const auto line = process.task_system_call_line(thread.id.here);
    if (!line) {
        return true;  // it may not be read: then its sleeping is all that is known
    }
    const auto call = parse_system_call(*line);
    if (!call) {
        return false;
    }
    const Kind kind = thread.record->state.call() < Call::count ? traits(thread.record->state.call()).kind : Kind::Join;
    const size_t size = kind == Kind::Condition ? sizeof(pthread_cond_t) : kind == Kind::Semaphore ? sizeof(sem_t) : 0;
    return size == 0 || system_call_name(*line) != "futex" || call->argument - thread.record->target < size;
}

std::optional<ThreadView> blocked_at(const Process& process, const TableFile& table, ThreadId id, uint32_t index,
                                     const WantedWait& wanted) {
    auto thread = observe_at(process, table, id, index);
    if (!thread || !thread->record || !matches(*thread->record, wanted) || !thread->named_like(wanted.name) ||
        !thread->kernel.sleeping() || !may_be_its_wait(process, *thread)) {
        return std::nullopt;
    }
    const RecordView again(table.record(index));
    table.verify();
    const bool same = again.tid == thread->record->tid && again.generation == thread->record->generation &&
                      again.state.word == thread->record->state.word;
    return same ? thread : std::nullopt;
}

Failure has_ended_meanwhile(const Process& process, const WantedWait& wanted) {
    return {Status::not_found, wanted.tid && process.exists()
                                   ? text("thread ", *wanted.tid, " of process ", process.pid(), " has ended.")
                                   : text("process ", process.pid(), " has ended.")};
}

std::string place_of(const ThreadView& thread, const WantedWait& wanted) {
    const std::string state = thread.state();
    if (state == "blocked") {
        return text(matches(*thread.record, wanted) ? "only passing through " : "in ",
                    wanted.descriptor ? thread.call() : call_name(thread.record->state.call()));
    }
    if (state == "outside" && !thread.outside.empty()) {
        return text("outside the list in ", thread.outside);
    }
    return state == "no record" ? "not known yet" : state == "outside" ? "outside the list" : state;
}

// "2 in poll, 1 running": the most frequent first.
std::string places(const std::vector<ThreadView>& threads, const WantedWait& wanted) {
    constexpr size_t most = 5;
    std::map<std::string, size_t> counts;
    for (const ThreadView& thread : threads) {
        ++counts[place_of(thread, wanted)];
    }
    std::vector<std::pair<std::string, size_t>> sorted(counts.begin(), counts.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string words;
    for (size_t i = 0; i < std::min(most, sorted.size()); ++i) {
        words += text(i == 0 ? "" : ", ", sorted[i].second, " ", sorted[i].first);
    }
    return sorted.size() > most ? text(words, " and others elsewhere") : words;
}

}  // namespace

void check(const WantedWait& wanted) {
    if (wanted.count == 0) {
        throw Failure(Status::usage, "--count 0 would wait for nothing.");
    }
    if (wanted.tid && (wanted.count > 1 || !wanted.name.empty())) {
        throw Failure(Status::usage, "one thread id is one thread: --count and --thread do not go with it.");
    }
    if (wanted.descriptor && *wanted.descriptor < 0) {
        throw Failure(Status::usage, text(*wanted.descriptor, " is no descriptor."));
    }
    for (const Call call : wanted.calls) {
        if (wanted.descriptor && target_of(call) != Target::descriptor) {
            throw Failure(Status::usage, text("`", call_name(call), "` is not shown with a descriptor",
                                              traits(call).kind == Kind::Poll ? ", since it waits for many" : "",
                                              ": --fd does not go with it."));
        }
    }
}

std::vector<ThreadView> look_for_blocked(const Process& process, const TableFile& table, const WantedWait& wanted) {
    // By the table alone first: it costs next to nothing, however many threads there are.
    std::vector<TableFile::Found> candidates;
    for (TableFile::Found& found : table.records()) {
        if (matches(found.record, wanted)) {
            candidates.push_back(std::move(found));
        }
    }
    std::vector<ThreadView> there;
    // Of other namespaces' threads the table has other ids than we.
    const bool same_ids = process.status().ids.size() <= 1;
    std::vector<pid_t> tids;
    if (wanted.tid) {
        tids = {*wanted.tid};
    } else if (same_ids) {
        for (const TableFile::Found& found : candidates) {
            tids.push_back(static_cast<pid_t>(found.record.tid));
        }
        std::sort(tids.begin(), tids.end());
    } else if (!candidates.empty()) {
        tids = process.tasks();
    }
    std::map<uint32_t, uint32_t> indexes;
    for (const TableFile::Found& found : candidates) {
        indexes.emplace(found.record.tid, found.index);
    }
    for (const pid_t tid : tids) {
        const auto inner = process.inner_tid(tid);
        const auto index = inner ? indexes.find(*inner) : indexes.end();
        if (index != indexes.end() && there.size() < wanted.count) {
            if (auto thread = blocked_at(process, table, {tid, *inner}, index->second, wanted)) {
                there.push_back(std::move(*thread));
            }
        }
    }
    // They were looked at one after the other. Those that are in the same waits still have been there together.
    if (there.size() > 1) {
        std::erase_if(there, [&](const ThreadView& thread) {
            const auto again = blocked_at(process, table, thread.id, indexes.at(thread.id.there), wanted);
            return !again || again->record->state.word != thread.record->state.word ||
                   again->record->generation != thread.record->generation;
        });
    }
    if (there.size() < wanted.count) {
        if (!process.exists() || (wanted.tid && !process.task_stat(*wanted.tid))) {
            throw has_ended_meanwhile(process, wanted);
        }
        if (!table.still_mapped()) {
            throw process.exists()
                ? Failure(Status::not_under_shim, text("process ", process.pid(), " has called exec since."))
                : has_ended_meanwhile(process, wanted);
        }
    }
    return there;
}

std::vector<ThreadView> wait_until_blocked(const Process& process, const TableFile& table, const WantedWait& wanted,
                                           uint64_t timeout) {
    const uint64_t start = monotonic_now();
    for (uint64_t pause = millisecond / 10;; pause = std::min(pause * 2, 5 * millisecond)) {
        auto there = look_for_blocked(process, table, wanted);
        if (there.size() >= wanted.count) {
            return there;
        }
        const uint64_t waited = monotonic_now() - start;
        if (waited >= timeout) {
            throw Failure(Status::not_delivered, time_is_over(process, table, wanted, timeout));
        }
        const timespec moment{0, static_cast<long>(std::min(pause, timeout - waited))};
        ::nanosleep(&moment, nullptr);
    }
}

std::string time_is_over(const Process& process, const TableFile& table, const WantedWait& wanted, uint64_t timeout) {
    const std::string where =
        text(calls_text(wanted.calls), wanted.descriptor ? text(" of fd ", *wanted.descriptor) : "");
    const std::string in_time = text(" within ", static_cast<double>(timeout) / 1e9, " s");
    if (wanted.tid) {
        if (auto thread = observe(process, table, *wanted.tid)) {
            return text("thread ", *wanted.tid, " was not blocked in ", where, in_time, ": it is ",
                        place_of(*thread, wanted), ".");
        }
        return text("thread ", *wanted.tid, " was not blocked in ", where, in_time, " and has ended now.");
    }
    WantedWait all = wanted;
    all.count = SIZE_MAX;
    const auto there = look_for_blocked(process, table, all);
    const auto is_there = [&](const ThreadView& thread) {
        return std::any_of(there.begin(), there.end(),
                           [&](const ThreadView& other) { return other.id.here == thread.id.here; });
    };
    std::vector<ThreadView> others = observe_all(process, table);
    std::erase_if(others,
                  [&](const ThreadView& thread) { return !thread.named_like(wanted.name) || is_there(thread); });
    if (there.empty() && others.empty()) {
        return text("no thread of process ", process.pid(), " is named like `", printable(wanted.name), "`.");
    }
    const std::string named = wanted.name.empty() ? "" : text(" named like `", printable(wanted.name), "`");
    const std::string how_many = wanted.count == 1
                                     ? text("no thread", named, " was")
                                     : text(there.size(), " of ", wanted.count, " threads", named, " are");
    const std::string instead = others.empty() ? "" : text("; the others: ", places(others, wanted));
    return text(how_many, " blocked in ", where, in_time, instead, ".");
}

}  // namespace interrupt::control
