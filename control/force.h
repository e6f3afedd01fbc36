// What `interruptctl interrupt --force` does to a thread that waits in a call that is not on the list: one nudge, and
// no request.
#pragma once

#include "control/interruption.h"

namespace interrupt::control {

// Sends the nudge to a thread that sleeps outside the list, and sees whether it leaves its system call, `timeout` ns at
// most. Others are refused.
InterruptResult nudge_outside(const Process& process, TableFile& table, const ThreadView& thread, uint64_t timeout);

}  // namespace interrupt::control
