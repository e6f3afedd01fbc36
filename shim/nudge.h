// The nudge: its handler, the retry timers, and who it is that a signal of its number comes from.
#pragma once

#include <csignal>

#include "shim/process.h"

namespace interrupt {

// Installs the handler of settings.signal. What the program had, or inherited, becomes the program's own disposition.
void install_nudge_handler();

// The handler alone, or what `signal_use` wants in its place; what was there before.
struct sigaction set_nudge_handler();

// The runtime's signal handlers have something to do, and the thread may be about to wait: it is nudged until it does,
// as long as the adapter looks after that.
void await_wait_for_signal(ThreadRecord& record);

void on_nudge(int signal, siginfo_t* info, void* context);

// A signal of its number that the shim has sent to its own thread, or that another requester has.
bool is_own_nudge(const siginfo_t& info);

// What the nudge's handler does about the wait that the thread is in, for another handler of ours that has interrupted
// it: the wait goes on, unless a request ends it.
void meet_nudge(void* context);

// The retry timer: nudges this thread after 50 us, then after twice as long each time, up to 10 ms. False if the kernel
// gives no timer (RLIMIT_SIGPENDING); then the requester has to nudge again.
bool arm_retry(ThreadRecord& record, bool first);
void disarm_timers();
void delete_timers();

// Whether the pending request may act on the wait that the thread is in, so far as can be told in a handler.
bool may_act(const ThreadRecord& record, Request request);

}  // namespace interrupt
