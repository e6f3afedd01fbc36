// What a thread says of itself in its record: *blocked* before the real call, *running* after it, each followed by a
// look (interruption_point.h has the protocol). The slow half of the way back is leave(), in delivery.h.
#pragma once

#include "shim/process.h"
#include "shim/recording.h"
#include "shim/requester.h"

namespace interrupt {

// Publishes *blocked* and says whether a request is pending. The stores before and loads after keep their order
// for the compiler by the fence; for the processor the requester's membarrier does it. Where the kernel has none, no
// record is current_record(), and the slow way fences by itself.
[[gnu::always_inline]] inline bool publish(ThreadRecord& record, const BlockedCall& call) {
    const uint64_t since = os::coarse_ns();  // first: nothing of the rest has to be kept across this call
    ThreadContext& context = thread_context;
    context.blocked.call = call.call;  // field by field: a copy of the whole would wait for the stores that made it
    context.blocked.target = call.target;
    context.blocked.caller = call.caller;
    record.target.store(call.target, std::memory_order_relaxed);
    record.since.store(since, std::memory_order_relaxed);
    delay_in_window();
    if (traits(call.call).kind == Kind::Condition) {  // a constant, once this is inlined
        ++context.condition_waits;
    }
    record.state.store(State::make(++context.waits, call.call).word, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    delay_in_window();
    return Request{record.request.load(std::memory_order_relaxed)}.pending();
}

// The same on the slow way.
inline bool publish_fenced(ThreadRecord& record, const BlockedCall& call) {
    const bool pending = publish(record, call);
    if (!process.heavy_fences) {
        return pending;
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return Request{record.request.load(std::memory_order_relaxed)}.pending();
}

// Publishes *running*. True if nobody has nudged, or is about to: the call's result stands as it is.
[[gnu::always_inline]] inline bool retire(ThreadRecord& record) {
    delay_in_window();
    const State state{record.state.load(std::memory_order_relaxed)};
    record.state.store(State::make(state.wait(), Call::running).word, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return record.lock.load(std::memory_order_relaxed) == 0;
}

}  // namespace interrupt
