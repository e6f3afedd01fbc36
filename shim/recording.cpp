#include "shim/recording.h"

#include <atomic>

#include "shim/platform/platform.h"

namespace interrupt {

namespace {

// Where nobody has read for so long, and there were events for a whole ring, or as many waits that were too short, the
// recorder is gone.
constexpr uint64_t recorder_patience_ns = 10'000'000'000;

bool is_unread(const EventRing& ring, uint64_t now) {
    const uint64_t read_at = ring.read_at.load(std::memory_order_relaxed);
    return now > read_at && now - read_at > recorder_patience_ns;
}

bool is_full(const EventRing& ring) {
    return ring.head.load(std::memory_order_relaxed) - ring.read.load(std::memory_order_relaxed) >= ring_slots;
}

void switch_off() {
    table_header().attention.fetch_and(~attention_events, std::memory_order_relaxed);
}

// Under a filter that the program has chosen no clock may be asked that could be a system call.
uint64_t now_ns() {
    return may_call_kernel() ? os::monotonic_ns() : os::coarse_ns();
}

}  // namespace

void begin_recorded_wait() {
    if (events() != nullptr) [[unlikely]] {
        std::atomic_ref<uint64_t> since(thread_context.recorded_since);
        since.store(0, std::memory_order_relaxed);
        const uint64_t now = now_ns();
        uint64_t nothing = 0;
        since.compare_exchange_strong(nothing, now, std::memory_order_relaxed);  // a handler has begun it again, later
    }
}

void end_recorded_wait(const ThreadRecord& record) {
    ThreadContext& context = thread_context;
    if (context.recorded_since == 0) {
        return;
    }
    // All that is to be said is read first: a handler that runs until the exchange ends the wait itself, and its calls
    // change it.
    const uint64_t since = context.recorded_since;
    const uint64_t now = now_ns();
    const Event event{.time = since,
                      .duration = now > since ? now - since : 0,  // of the coarse clock, perhaps
                      .target = context.blocked.target,
                      .caller = reinterpret_cast<uint64_t>(context.blocked.caller),
                      .wait = State{record.state.load(std::memory_order_relaxed)}.wait(),
                      .tid = record.tid.load(std::memory_order_relaxed),
                      .call = context.blocked.call,
                      .kind = EventKind::wait};
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const bool ended_already = std::atomic_ref(context.recorded_since).exchange(0, std::memory_order_relaxed) == 0;
    EventRing* const ring = events();
    if (ended_already || ring == nullptr) {
        return;
    }
    if (event.duration < ring->shortest.load(std::memory_order_relaxed)) {
        const uint64_t before = ring->shorter.fetch_add(1, std::memory_order_relaxed);
        if (before % ring_slots == 0 && is_unread(*ring, now)) {
            switch_off();
        }
        return;
    }
    ring->write(event);
    if (is_full(*ring) && is_unread(*ring, now)) {
        switch_off();
    }
}

}  // namespace interrupt
