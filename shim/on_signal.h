// INTERRUPT_ON: a signal that comes sends requests to threads. Where the program has a handler of its own, that runs as
// always, and the requests go out before it, since it need not return. Where the program has the default action and
// that would end the process, the requests take its place once.
#pragma once

#include <csignal>

namespace interrupt {

// Whether there is a rule for the signal, and its default action ends the process.
bool requests_replace_default(int signal);

// A handler of the program is about to run for this signal, in this thread: requests to the threads that the rules
// choose, but for the one that the handler tells about the signal, unless a rule names it as `main`. Nothing where
// there is no rule. Async-signal-safe.
void send_requests_beside_handler(int signal);

// The handler in place of a default action.
void on_default_signal(int signal, siginfo_t* info, void* context);

}  // namespace interrupt
