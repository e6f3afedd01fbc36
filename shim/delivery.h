// From pending and mask to an outcome: consuming a request, exactly once, and leaving a wait.
#pragma once

#include "shim/adapter.h"
#include "shim/process.h"

namespace interrupt {

// The attempt of the wait that `record` is in; started afresh if the one kept is of an earlier wait.
Attempt& attempt_of(const ThreadRecord& record);

// Whether `request` may be delivered to this thread's wait at all: pending, not claimed, mask, this_wait.
bool deliverable_here(const ThreadRecord& record, Request request);

// The calling thread's record whether or not interposers may use the table already; null if it has none.
ThreadRecord* own_record();

// Consumes `request` if it is still there: 64-bit compare and exchange, and the wakeup pipe is drained. Counts it.
bool consume(ThreadRecord& record, Request request, Call call, Window window);

// Publishes running and makes sure that no nudge and no retry can arrive any more: if this thread was nudged, waits for
// the requester to be done, disarms the timer and lets signals that are on their way arrive.
void leave(ThreadRecord& record);

// The slow half of leave().
void flush_nudge(ThreadRecord& record);

// A this_wait request whose wait is over is withdrawn by the thread itself.
void drop_if_for_another_wait(ThreadRecord& record);

}  // namespace interrupt
