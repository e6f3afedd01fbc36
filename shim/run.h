// This process's part in a run that interruptctl has started (control/run_file.h): INTERRUPT_RUN.
#pragma once

#include "control/run_file.h"
#include "shim/thread_context.h"

namespace interrupt {

// The run's file; null if there is none. A forked child has it, too.
extern constinit RunFile* run_file;

// Once, in the constructor.
void join_run();

// The path of the thread that the calling thread is about to start.
ThreadPath next_thread_path();

// A sweep: counts the call, which could wait, at its point. True if this is the call to be interrupted.
bool is_target_of_run(const BlockedCall& call, bool has_time_limit);

}  // namespace interrupt
