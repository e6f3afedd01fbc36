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
        thread_context.recorded_since = os::monotonic_ns();
    }
}

void end_recorded_wait(const ThreadRecord& record) {
    ThreadContext& context = thread_context;
    if (context.recorded_since == 0) {
        return;
    }
    // A handler that runs now ends the wait itself.
    const uint64_t since = std::atomic_ref(context.recorded_since).exchange(0, std::memory_order_relaxed);
    EventRing* const ring = events();
    if (since == 0 || ring == nullptr) {
        return;
    }
    const uint64_t now = os::monotonic_ns();
    if (now - since < ring->shortest.load(std::memory_order_relaxed)) {
        ring->shorter.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    ring->write({.time = since,
                 .duration = now - since,
                 .target = context.blocked.target,
                 .caller = reinterpret_cast<uint64_t>(context.blocked.caller),
                 .wait = State{record.state.load(std::memory_order_relaxed)}.wait(),
                 .tid = record.tid.load(std::memory_order_relaxed),
                 .call = context.blocked.call,
                 .kind = EventKind::wait});
    switch_off_if_unread(*ring, now);
}

}  // namespace interrupt
