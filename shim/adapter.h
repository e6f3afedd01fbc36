// The hooks by which the engine asks one runtime (CPython) what to do with its threads, and what the engine offers to
// it. The engine knows no runtime; an adapter knows no protocol.
#pragma once

#include "control/thread_table_abi.h"
#include "shim/thread_context.h"

namespace interrupt {

enum class Verdict {
    native,           // as in any native thread: the outcome is what the call returns
    give_up,          // the call ends as give_up() says; the runtime makes the exception
    give_up_at_once,  // the same before the call is made: it belongs to something that goes on although it was told
    leave_alone,      // this wait must not be interrupted; the request stays pending
};

// How a wait looks that gives up for the runtime: an errno, or one of these. A wait that cannot look so fails with
// ECANCELED.
inline constexpr int time_limit_passed = 0;
inline constexpr int all_is_ready = -1;

struct Adapter {
    // Before an interposed call, in its thread, until it answers true: nothing more to be done, unless
    // ask_adapter_again() has been called. May call the runtime.
    bool (*settle)(const BlockedCall&);

    // Whether the thread's pending request may end this wait. Async-signal-safe: the nudge handler asks too. A claimed
    // one does so only by give_up.
    Verdict (*verdict)(const BlockedCall&, Request);

    // Whether a wait that gives up only begins the delivery: the request is claimed then, and not counted yet.
    bool (*keeps)(const BlockedCall&);

    // The wait ends for `request`, which the engine has just consumed and counts as delivered, unless the adapter
    // re-posts it by owe(); or which the adapter has claimed, and nothing is consumed. Returns how it looks.
    // Runs in the thread, outside handlers, possibly with the runtime's lock released.
    int (*give_up)(const BlockedCall&, Request);

    // The nudge arrived with an unmasked request pending, but the thread is not blocked where it could act (or the
    // verdict was leave_alone); or with a claimed request, whatever the mask: what the adapter claimed in give_up() it
    // may still have to send on its way. Async-signal-safe; `context` is the ucontext_t of the interruption. May
    // claim() the request, or start_cpu_retry().
    // `in_call`: the thread is in an interposed call.
    void (*nudged)(const void* context, bool in_call);

    // The thread wants to have the claimed request back, to clear it or because it has just masked it: unless it is too
    // late, and then it is counted as delivered, it is unclaimed. Async-signal-safe.
    void (*recall)();

    // Whether a thread that begins in this routine is the runtime's.
    bool (*starts_thread)(const void* routine);

    // The program's signal handler has run, in this thread. If it is the runtime's own, which only notes the signal:
    // whether the handlers written in the runtime's language run in this thread. Async-signal-safe; may
    // nudge_for_signal() the thread in which they do.
    bool (*signal_noted)(const void* handler);

    // Whether they do so when the call in progress, or about to begin, ends with EINTR. Async-signal-safe.
    bool (*looks_after_eintr)();

    // The thread has changed its mask: what is pending may be deliverable now. Async-signal-safe.
    void (*unmasked)();
};

// The one adapter of this process, or null. Set once, when the runtime is found (adapter_search.h).
extern const Adapter* adapter;

// --- what the engine offers to an adapter; all async-signal-safe, for the calling thread ---

// The pending request, if there is one and the mask lets it be delivered: at a blocking call, or (`between_bytecodes`)
// anywhere. Otherwise a Request that is not pending. Costs one load when nothing is pending.
Request deliverable(bool between_bytecodes);

// Consumes `request` and counts it as delivered in `call` (Call::running: between two bytecodes). False if it is no
// longer there: withdrawn, replaced by a newer one, or consumed.
bool consume(Request request, Call call);

// Marks `request` as on its way: no interposed call looks at it and nobody can withdraw it. False as above.
bool claim(Request request);

// Takes the claim back: the request is pending as before, or withdrawn if that was asked for meanwhile. False if the
// thread has no claimed request.
bool unclaim();

// Whether the calling thread runs the runtime's code: others are not nudged while they compute.
void set_runs_runtime(bool runs);

// Whether a requester wants the claimed request back; then unclaim() it if it is not too late.
bool is_recalled();

// The claimed request; one that is not pending if the thread has none.
Request claimed_request();

// Consumes the claimed request and counts it as delivered in `call`. False if the thread has none.
bool deliver_claimed(Call call);

// Puts back a request that was consumed but could not be raised: pending again unless a newer one is.
void owe(Request request);

// Has this thread nudged every `ns` of CPU time that it uses, as long as a request is pending: never while it sleeps,
// so that no system call is disturbed.
void start_cpu_retry(uint64_t ns);

// Asks that a thread of this process be interrupted, as interrupt_thread_as() does.
int send_request(pid_t tid, Outcome outcome, uint16_t error);

// What interrupt_check() answers when it consumes this request.
int errno_of(Request request);

// Gives the calling thread a name, for its record.
void set_thread_name(const ThreadName& name);

// The runtime has marked a signal as arrived, and its handler is to run in thread `tid`: the wait that it is in, or
// about to begin, is ended with EINTR if the adapter looks after that.
void nudge_for_signal(pid_t tid);

// The runtime has ended: from the next interposed call on settle() is asked again.
void ask_adapter_again();

// Says where the runtime keeps its lock, for `interruptctl threads`.
void report_runtime_lock(const RuntimeLock& lock);

// Says how far the adapter is, for doctor. Both strings are copied; null leaves them as they are.
void report_adapter(AdapterState state, const char* runtime, const char* reason);

}  // namespace interrupt
