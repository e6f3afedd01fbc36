// The table of this very process, found by its mapping as control finds it, for tests that look at records from inside.
// Null where the shim is not active.
#pragma once

#include <sys/types.h>

#include "control/thread_table_abi.h"

namespace interrupt_tests {

const interrupt::TableHeader* own_table();

// The record that `tid` holds now; null if it has none.
const interrupt::ThreadRecord* own_record_of(pid_t tid);

// The call that `tid` is blocked in by its record; Call::running if it is in none, or has no record.
interrupt::Call blocked_in(pid_t tid);

}  // namespace interrupt_tests
