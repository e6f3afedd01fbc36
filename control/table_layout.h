// The table's file as a whole: the header, the records, the injection rules, the ring of events. Only the header and
// the records that are in use have memory; what comes behind them gets it when it is switched on.
#pragma once

#include "control/event_ring.h"
#include "control/injection_table.h"
#include "control/thread_table_abi.h"

namespace interrupt {

// TableHeader::attention: what makes a thread look further when a call begins.
inline constexpr uint32_t attention_rules = 1;
inline constexpr uint32_t attention_points = 2;  // a sweep's run (run_file.h)
inline constexpr uint32_t attention_events = 4;  // somebody records

// Offsets and sizes in bytes.
constexpr uint64_t injection_rules_offset(uint32_t capacity) {
    return (sizeof(TableHeader) + uint64_t{capacity} * sizeof(ThreadRecord) + 4095) / 4096 * 4096;
}
constexpr uint64_t event_ring_offset(uint32_t capacity) {
    return injection_rules_offset(capacity) + sizeof(InjectionRules);
}
constexpr uint64_t table_file_size(uint32_t capacity) {
    return event_ring_offset(capacity) + sizeof(EventRing);
}

inline bool is_recorded(const TableHeader& table) {
    return (table.attention.load(std::memory_order_acquire) & attention_events) != 0;
}

// An event about a request of the thread that has `record`; `ring` is null where nobody records.
inline void record_event(EventRing* ring, const ThreadRecord& record, EventKind kind, Request request, Event event) {
    if (ring == nullptr) {
        return;
    }
    event.kind = kind;
    event.tid = record.tid.load(std::memory_order_relaxed);
    event.wait = State{record.state.load(std::memory_order_relaxed)}.wait();
    event.sequence = request.sequence();
    event.outcome = request.outcome();
    event.error = request.error();
    ring->write(event);
}

}  // namespace interrupt
