// The wakeup fd: a pipe that holds one byte exactly while a request of the thread is pending.
#pragma once

#include "control/thread_table_abi.h"

namespace interrupt {

// The read end of the calling thread's pipe, made on first use; a negative error number on failure.
int wakeup_fd(ThreadRecord& record);
void close_wakeup(ThreadRecord& record);

// A forked child shares its parent's pipe: puts one of its own under the same numbers.
void wakeup_after_fork(ThreadRecord& record);

}  // namespace interrupt
