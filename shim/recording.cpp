#include "shim/recording.h"

#include <atomic>

#include "shim/platform/platform.h"

namespace interrupt {

namespace {

// A ring that has come round without being read for so long has lost its recorder.
constexpr uint64_t recorder_patience_ns = 10'000'000'000;

void switch_off_if_unread(const EventRing& ring, uint64_t now) {
    const uint64_t unread = ring.head.load(std::memory_order_relaxed) - ring.read.load(std::memory_order_relaxed);
    if (unread >= ring_slots && now - ring.read_at.load(std::memory_order_relaxed) > recorder_patience_ns) {
        table_header().attention.fetch_and(~attention_events, std::memory_order_relaxed);
    }
}

}  // namespace

void begin_recorded_wait() {
    if (events() != nullptr) [[unlikely]] {
        std::atomic_ref<uint64_t> since(thread_context.recorded_since);
        since.store(0, std::memory_order_relaxed);
        const uint64_t now = os::monotonic_ns();
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
    const uint64_t now = os::monotonic_ns();
    const Event event{.time = since,
                      .duration = now - since,
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
        ring->shorter.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    ring->write(event);
    switch_off_if_unread(*ring, now);
}

}  // namespace interrupt
