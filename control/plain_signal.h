// What `interruptctl interrupt --as signal:NAME` does to a thread.
#pragma once

#include "control/interruption.h"

namespace interrupt::control {

// Sends the signal to that thread, and waits until it has taken it, `timeout` ns at most. It cannot be taken back.
InterruptResult send_signal(const Process& process, pid_t tid, int signal, uint64_t timeout);

}  // namespace interrupt::control
