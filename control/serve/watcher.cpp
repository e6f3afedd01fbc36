#include "control/serve/watcher.h"

#include <algorithm>

namespace interrupt::control::serve {

Watcher::Watcher(std::shared_ptr<OpenProcess> process) : process_(std::move(process)) {
    look();  // what there is now is no event
    due_ = monotonic_now();
}

void Watcher::add(Listener& listener) {
    listeners_.push_back(&listener);
    due_ = std::min(due_, monotonic_now() + listener.interval());
}

void Watcher::remove(Listener& listener) {
    std::erase(listeners_, &listener);
}

void Watcher::step(uint64_t now) {
    if (now < due()) {
        return;
    }
    try {
        look();
        if (!ended_ && !process_->process.exists()) {
            end("the process has ended");
        } else if (!ended_ && !process_->table.still_mapped()) {
            end("the process has called exec");
        }
    } catch (const Failure& failure) {
        end(failure.what());
    }
    uint64_t interval = UINT64_MAX;
    for (const Listener* listener : listeners_) {
        interval = std::min(interval, listener->interval());
    }
    // A large table is looked at less often: the looks are to take a tenth of the time at most.
    const uint64_t after = monotonic_now();
    due_ = after + std::max(interval, (after - now) * 10);
}

void Watcher::look() {
    for (auto& [index, seen] : seen_) {
        seen.gone = true;
    }
    for (const TableFile::Found& found : process_->table.records()) {
        auto [place, is_new] = seen_.try_emplace(found.index);
        compare(place->second, found.record);
    }
    for (auto place = seen_.begin(); place != seen_.end();) {
        if (place->second.gone) {
            leave(place->second, RecordView(process_->table.record(place->first)));
            process_->table.verify();
            place = seen_.erase(place);
        } else {
            ++place;
        }
    }
}

// The thread has ended. What was delivered to it last stays in its record until another thread has that.
void Watcher::leave(const Seen& before, const RecordView& now) {
    if (now.tid == 0 && now.generation == before.generation + 1 && now.delivered.word != before.delivered.word) {
        tell_delivered(before.tid, now);
    }
    if (before.state.blocked()) {
        tell_left(before, now);
    }
    tell("thread_ended", before.tid, Json::object());
}

void Watcher::compare(Seen& before, const RecordView& now) {
    const Seen old = std::exchange(before, {now.tid, now.generation, now.state, now.delivered, false});
    const bool same = old.tid == now.tid && old.generation == now.generation;
    if (!same) {
        if (old.tid != 0) {
            leave(old, {});
        }
        tell("thread_began", now.tid, {{"name", now.name}});
    }
    const State was = same ? old.state : State{};
    if (same ? old.delivered.word != now.delivered.word : now.delivered.outcome() != Outcome::none) {
        tell_delivered(now.tid, now);
    }
    if (was.blocked() && was.word != now.state.word) {
        tell_left(old, now);
    }
    if (now.state.blocked() && was.word != now.state.word) {
        tell("blocked", now.tid,
             {{"name", now.name},
              {"call", call_name(now.state.call())},
              {"target", target_json(now)},
              {"wait", now.state.wait()}});
    }
}

void Watcher::tell_delivered(uint32_t tid, const RecordView& record) {
    const Call call = record.delivered.call();
    tell("delivered", tid,
         {{"name", record.name},
          {"sequence", record.delivered.sequence()},
          {"outcome", delivered_outcome_name(record.delivered)},
          {"call", call == Call::running ? Json(nullptr) : Json(call_name(call))},
          {"latency_us", static_cast<double>(record.delivered_latency) / 1000}});
}

void Watcher::tell_left(const Seen& before, const RecordView& now) {
    tell("left", before.tid,
         {{"name", now.name}, {"call", call_name(before.state.call())}, {"wait", before.state.wait()}});
}

void Watcher::tell(const char* event, uint32_t tid, Json details) {
    if (listeners_.empty()) {
        return;
    }
    // Of a thread in another PID namespace only its id there is known.
    const bool same_ids = process_->process.status().ids.size() <= 1;
    Json json{{"event", event},
              {"pid", process_->process.pid()},
              {"tid", same_ids ? Json(tid) : Json(nullptr)},
              {"inner_tid", tid}};
    json.update(details);
    for (Listener* listener : listeners_) {
        listener->hear(json);
    }
}

void Watcher::end(const std::string& reason) {
    ended_ = true;
    for (Listener* listener : listeners_) {
        listener->hear({{"event", "ended"}, {"pid", process_->process.pid()}, {"reason", reason}});
    }
}

}  // namespace interrupt::control::serve
