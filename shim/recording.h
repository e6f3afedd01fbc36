// What goes into the ring of events while somebody records this process (control/event_ring.h). All of it
// async-signal-safe, without system calls.
#pragma once

#include "control/table_layout.h"
#include "shim/process.h"

namespace interrupt {

// Where events go; null while nobody records.
inline EventRing* events() {
    return process.table != nullptr && is_recorded(table_header()) ? &event_ring() : nullptr;
}

// The calling thread has published *blocked*, with thread_context.blocked for its call.
void begin_recorded_wait();
// It has published *running*; nothing if begin_recorded_wait() did not see a recording.
void end_recorded_wait(const ThreadRecord& record);

inline bool wait_is_recorded() {
    return thread_context.recorded_since != 0;
}

}  // namespace interrupt
