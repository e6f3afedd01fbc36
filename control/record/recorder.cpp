#include "control/record/recorder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "control/call_site.h"
#include "control/names.h"
#include "control/requester.h"

namespace interrupt::control {
namespace {

// The beginning of a wait that was seen is known to one of these.
constexpr uint64_t coarsest_tick_ns = 10'000'000;
constexpr uint64_t look_every_ns = 100'000'000;
// A writer that has taken a number and is not done after so long will not be: its thread was ended in between.
constexpr uint64_t patience_ns = 1'000'000'000;

constexpr const char* unseen_end = "about then: no event came";

constexpr const char* window_names[] = {"before the call", "at entry", "in the kernel", "way out"};
static_assert(std::size(window_names) == static_cast<size_t>(Window::count));

Json outcome_json(const Event& event) {
    return {{"outcome", outcome_name(event.outcome, event.error)}, {"sequence", event.sequence}};
}

}  // namespace

RecordCounts& RecordCounts::operator+=(const RecordCounts& other) {
    waits += other.waits;
    shorter += other.shorter;
    requests += other.requests;
    deliveries += other.deliveries;
    withdrawals += other.withdrawals;
    rules += other.rules;
    lost += other.lost;
    gaps += other.gaps;
    return *this;
}

Recorder::Recorder(pid_t pid, uint64_t shortest, TraceFile& trace)
    : open_(pid), trace_(trace), callers_(open_.process), names_(open_), shortest_(shortest) {
    if (!open_.table.lock_events()) {
        throw Failure(Status::not_permitted, errno == EAGAIN || errno == EACCES
                                                 ? text("process ", pid, " is being recorded already.")
                                                 : text("the thread table of process ", pid,
                                                        " cannot be locked: ", std::strerror(errno), "."));
    }
    open_.table.make_room_for_events();
    ring_ = &open_.table.events();
    const uint64_t now = monotonic_now();
    ring_->shortest.store(shortest, std::memory_order_relaxed);
    ring_->read.store(ring_->head.load(std::memory_order_relaxed), std::memory_order_relaxed);
    ring_->read_at.store(now, std::memory_order_relaxed);
    shorter_before_ = ring_->shorter.load(std::memory_order_relaxed);
    look_for_open_waits(
        false);  // before: what ends in between would be in no event; and once more below: what begins then
    open_.table.live_header().attention.fetch_or(attention_events, std::memory_order_release);
    open_.table.verify();
    look_for_open_waits();
}

void Recorder::begin() {
    trace_.add({{"ph", "M"}, {"name", "process_name"}, {"pid", pid()}, {"args", {{"name", open_.process.command()}}}});
    write_process_instant(ring_->read_at.load(std::memory_order_relaxed), "recording begins", Json::object());
}

Recorder::~Recorder() {
    if (!finished_) {
        open_.table.live_header().attention.fetch_and(~attention_events, std::memory_order_relaxed);
    }
}

bool Recorder::poll() {
    const uint64_t now = monotonic_now();
    if (!open_.table.is_recorded()) {  // we were stopped for so long that its threads have given us up
        open_.table.live_header().attention.fetch_or(attention_events, std::memory_order_release);
        ++counts_.gaps;
        write_process_instant(now, "the process did not record before this", Json::object());
    }
    const bool behind = drain(now);
    end_open_waits(now);
    if (now >= next_look_) {
        look_for_open_waits();
    }
    open_.table.verify();
    return behind;
}

bool Recorder::drain(uint64_t now) {
    const uint64_t head = ring_->head.load(std::memory_order_acquire);
    const uint64_t read = ring_->read.load(std::memory_order_relaxed);
    const uint64_t unread = head - read;
    const uint64_t from = unread > ring_slots ? head - ring_slots : read;
    if (from != read) {
        lose(from - read, now);
    }
    take(from, head, now);
    ring_->read.store(head, std::memory_order_relaxed);
    ring_->read_at.store(now, std::memory_order_relaxed);
    take_late_ones(now);
    counts_.shorter = ring_->shorter.load(std::memory_order_relaxed) - shorter_before_;
    return unread > ring_slots / 4;
}

void Recorder::take(uint64_t from, uint64_t to, uint64_t now) {
    for (uint64_t number = from; number != to; ++number) {
        Event event;
        if (ring_->take(number, event)) {
            write(event);
        } else {
            late_ones_.emplace(number, now);
        }
    }
}

void Recorder::take_late_ones(uint64_t now) {
    uint64_t lost = 0;
    for (auto late = late_ones_.begin(); late != late_ones_.end();) {
        Event event;
        if (ring_->take(late->first, event)) {
            write(event);
        } else if (!finished_ && now - late->second < patience_ns &&
                   ring_->head.load(std::memory_order_relaxed) - late->first <= ring_slots) {
            ++late;
            continue;
        } else {
            ++lost;
        }
        late = late_ones_.erase(late);
    }
    if (lost != 0) {
        lose(lost, now);
    }
}

void Recorder::lose(uint64_t count, uint64_t now) {
    counts_.lost += count;
    write_process_instant(now, text(count, count == 1 ? " event" : " events", " lost"), {{"count", count}});
}

void Recorder::write(const Event& event) {
    if (event.call >= Call::count) {
        ++counts_.lost;  // the process has overwritten its own memory
        return;
    }
    introduce(event.tid);
    switch (event.kind) {
        case EventKind::wait:
            settle_open_wait(event);
            write_wait(event, nullptr);
            break;
        case EventKind::request: {
            ++counts_.requests;
            Json args = outcome_json(event);
            args["by"] = event.target & ~LockWord::foreign_bit;
            write_instant(event, text("request ", outcome_name(event.outcome, event.error)), std::move(args));
            break;
        }
        case EventKind::delivery: {
            ++counts_.deliveries;
            if (const auto open = open_waits_.find(event.tid);
                open != open_waits_.end() && open->second.state.wait() == event.wait) {
                open->second.at_least = event.time;
            }
            Json args = outcome_json(event);
            args["call"] = event.call == Call::running ? Json(nullptr) : Json(call_name(event.call));
            args["latency_us"] = microseconds(event.duration);
            args["window"] = event.window < std::size(window_names) ? Json(window_names[event.window]) : Json(nullptr);
            write_instant(event, text("delivered ", outcome_name(event.outcome, event.error)), std::move(args));
            break;
        }
        case EventKind::withdrawal:
            ++counts_.withdrawals;
            write_instant(event, text("withdrawn ", outcome_name(event.outcome, event.error)), outcome_json(event));
            break;
        case EventKind::returned:
            write_instant(event, text("pending again ", outcome_name(event.outcome, event.error)), outcome_json(event));
            break;
        case EventKind::rule: {
            ++counts_.rules;
            Json args{{"call", call_name(event.call)}};
            if (event.target < most_injection_rules) {
                const InjectionRule& rule = open_.table.rules().rules[event.target];
                args["rule"] = printable({rule.text, ::strnlen(rule.text, sizeof rule.text)});
            }
            write_instant(event, text("rule ", event.target + 1), std::move(args));
            break;
        }
        default:
            ++counts_.lost;  // the process has overwritten its own memory
    }
}

void Recorder::write_wait(const Event& event, const char* note) {
    // Slices of one track may not overlap. Waits of events do not, but need not come in order: a handler of the program
    // may have run, and waited, while one was on its way.
    Written& written = written_[event.tid];
    const bool told = note == nullptr;
    const uint64_t end = event.time + event.duration;
    const uint64_t begin = std::max({event.time, written.seen, told ? 0 : written.told});
    if (end < begin) {
        return;  // in the file already, as one that was seen
    }
    ++counts_.waits;
    uint64_t& last = told ? written.told : written.seen;
    last = std::max(last, end);
    Json args = Json::object();
    const Json target = target_json(event.call, event.target);
    if (!target.is_null()) {
        args[target_of(event.call) == Target::descriptor ? "fd" : "target"] = target;
    }
    Json json{{"ph", "X"},
              {"cat", "wait"},
              {"name", call_name(event.call)},
              {"pid", pid()},
              {"tid", event.tid},
              {"ts", microseconds(begin)},
              {"dur", microseconds(end - begin)}};
    if (event.caller != 0) {
        const CallSite& site = callers_.at(event.caller);
        args["site"] = printable(site_text(site.module, site.offset));
        json["sf"] = trace_.frame(site);
    }
    if (note != nullptr) {
        args["end"] = note;
    }
    json["args"] = std::move(args);
    trace_.add(json);
}

void Recorder::write_instant(const Event& event, const std::string& name, Json args) {
    trace_.add({{"ph", "i"},
                {"s", "t"},
                {"cat", "interrupt"},
                {"name", name},
                {"pid", pid()},
                {"tid", event.tid},
                {"ts", microseconds(event.time)},
                {"args", std::move(args)}});
}

void Recorder::write_process_instant(uint64_t time, const std::string& name, Json args) {
    trace_.add({{"ph", "i"},
                {"s", "p"},
                {"cat", "recording"},
                {"name", name},
                {"pid", pid()},
                {"tid", open_.process.inner_pid()},
                {"ts", microseconds(time)},
                {"args", std::move(args)}});
}

void Recorder::look_for_open_waits(bool counted) {
    const uint64_t now = monotonic_now();
    const auto records = open_.table.records();
    names_.look(records);
    for (const TableFile::Found& found : records) {
        const RecordView& record = found.record;
        if (!record.state.blocked() || record.state.call() >= Call::count) {
            continue;
        }
        const auto [open, is_new] = open_waits_.try_emplace(record.tid);
        if (is_new) {
            open->second = {found.index, record.state, record.target, record.since, now, counted};
        }
    }
    next_look_ = now + look_every_ns;
}

// An event of the thread has come: of that wait, or of one after it.
void Recorder::settle_open_wait(const Event& event) {
    const auto open = open_waits_.find(event.tid);
    if (open == open_waits_.end() || open->second.state.wait() > event.wait) {
        return;
    }
    const OpenWait wait = open->second;
    open_waits_.erase(open);
    if (wait.state.wait() < event.wait) {
        const uint64_t end = wait.over_by == 0 ? event.time : std::min(wait.over_by, event.time);
        write_unseen_end(event.tid, wait, end);
    }
}

// Unless it may have been one of those that are too short for an event.
void Recorder::write_unseen_end(uint32_t tid, const OpenWait& wait, uint64_t end) {
    if (!wait.counted || wait.seen >= wait.since + coarsest_tick_ns + shortest_) {
        write_open_wait(tid, wait, end, unseen_end);
    }
}

// A thread that is seen elsewhere has written an event, or is about to; if it was to write one.
void Recorder::end_open_waits(uint64_t now) {
    for (auto open = open_waits_.begin(); open != open_waits_.end();) {
        auto& [tid, wait] = *open;
        const ThreadRecord& record = open_.table.record(wait.index);
        const State state{record.state.load(std::memory_order_relaxed)};
        if (record.tid.load(std::memory_order_relaxed) == tid && state.word == wait.state.word) {
            wait.over_by = 0;
            wait.seen = now;
        } else if (wait.over_by == 0) {
            wait.over_by = state.blocked() ? std::min(now, record.since.load(std::memory_order_relaxed)) : now;
        } else if (now - wait.over_by > patience_ns) {
            write_unseen_end(tid, wait, wait.over_by);
            open = open_waits_.erase(open);
            continue;
        }
        ++open;
    }
}

void Recorder::write_open_wait(uint32_t tid, const OpenWait& wait, uint64_t end, const char* note) {
    introduce(tid);
    write_wait({.time = wait.since,
                .duration = std::max({end, wait.since, wait.at_least}) - wait.since,
                .target = wait.target,
                .wait = wait.state.wait(),
                .tid = tid,
                .call = wait.state.call()},
               note);
}

void Recorder::finish() {
    open_.table.live_header().attention.fetch_and(~attention_events, std::memory_order_relaxed);
    drain(monotonic_now());
    if (!late_ones_.empty()) {
        const timespec moment{0, 10'000'000};
        ::nanosleep(&moment, nullptr);
    }
    finished_ = true;
    const uint64_t now = monotonic_now();
    take_late_ones(now);
    look_for_open_waits();
    end_open_waits(now);
    const char* const still_there =
        open_.process.exists() ? "not yet, when the recording ended" : "with the process, or not at all";
    for (const auto& [tid, wait] : open_waits_) {
        if (wait.over_by == 0) {
            write_open_wait(tid, wait, now, still_there);
        } else {
            write_unseen_end(tid, wait, wait.over_by);
        }
    }
    for (auto& [tid, name] : introduced_) {
        const std::string& newest = names_.of(tid);
        if (!newest.empty() && newest != name) {
            write_name(tid, newest);
        }
    }
    open_.table.verify();
}

void Recorder::introduce(uint32_t tid) {
    const auto [thread, is_new] = introduced_.try_emplace(tid);
    if (is_new) {
        thread->second = names_.of(tid);
        write_name(tid, thread->second.empty() ? text("thread ", tid) : thread->second);
    }
}

void Recorder::write_name(uint32_t tid, const std::string& name) {
    trace_.add({{"ph", "M"}, {"name", "thread_name"}, {"pid", pid()}, {"tid", tid}, {"args", {{"name", name}}}});
}

}  // namespace interrupt::control
