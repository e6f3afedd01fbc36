// This process's table: made once, and again in a forked child; records claimed and released; thread exit.
#pragma once

#include "shim/process.h"

namespace interrupt {

// Makes the table of this process if it has none yet. False if it cannot have one.
bool ensure_table();

// The calling thread's record, claimed now if it has none; null where it cannot have one. Also where adapters are
// asked.
ThreadRecord* record_for_call(const BlockedCall& call);

// The record of `tid`, a thread of this process; claimed in its name if it has none (the thread adopts it at its first
// interposed call). Null if there is no such thread or no free record.
ThreadRecord* record_of(pid_t tid);

// Gives the calling thread's record back: at its end.
void release_record();

// Writes what the adapter has reported into the header of a table that has just been made.
void write_adapter_report();

// Nudges every thread of this process once more that is blocked where its pending request can act.
void nudge_again_all();

// Removes the file of this process's table.
void unlink_table();

// How many threads wait for another one's release_record() on its record's generation.
extern constinit std::atomic<uint32_t> joiners;

// Says why there is no table, in a way that can be seen from outside: NoTable in the ABI header.
void mark_no_table(NoTable reason);
extern constinit NoTable no_table_reason;

}  // namespace interrupt
