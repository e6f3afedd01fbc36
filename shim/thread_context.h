// What the shim knows of the calling thread besides its record in the table: private to the process, in initial-exec
// thread-local storage, so that a signal handler may use it.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "control/injection_table.h"
#include "control/run_file.h"
#include "control/thread_table_abi.h"

namespace interrupt {

// One interposed call on its way. The wrapper of the program's signal handlers saves it and starts a fresh one, since
// the handler may make interposed calls of its own.
struct BlockedCall {
    Call call = Call::running;
    uint64_t target = 0;
    const void* caller = nullptr;  // return address of the interposer: where in the program the call stands
};

// What the injection rule that acts on a call wants; `acts` is false where none does.
struct ActingRule {
    bool acts = false;
    Outcome outcome = Outcome::none;
    uint16_t error = 0;
    int32_t signal = 0;
    uint64_t after = 0;  // ns
    InjectionRule* rule = nullptr;
    uint32_t generation = 0;
};

// When a rule with `after` is to end the call in progress: CLOCK_MONOTONIC, ns; 0: none is.
struct RuleDue {
    uint64_t at = 0;
    ActingRule rule;
};

// What happened to the call in progress. Written by the nudge handler and the wrapper of the program's handlers, read
// by the interruption point, all on one thread: compiler barriers are enough.
struct Attempt {
    uint64_t wait = 0;  // number of the wait that the rest is about
    Window window = Window::in_kernel;
    bool repeating = false;           // the real function has been called at least twice
    bool part_done = false;           // what goes on is the rest of a transfer
    bool nudged = false;              // a nudge or the retry timer met this call
    bool nudge_made_eintr = false;    // ... and the system call came back with EINTR
    bool program_made_eintr = false;  // a handler of the program did that, or would have, or cut a transfer short
    uint32_t handlers_run = 0;        // handlers of the program since the call began
    Request faked;                    // delivered by the handler: a condition variable's wait ended as if timed out
    int errno_before = EINTR;         // errno when the system call came back with EINTR, before libc had set it
    uintptr_t repeats_in = 0;  // first argument of the system call that a repetition waits in, if not the call's own
    uint32_t refused = 0;      // sequence number of a request that this wait cannot have, plus one; 0: none
    RuleDue rule_due;
};

// As it goes into the record: UTF-8, ends with 0; empty: none.
struct ThreadName {
    char text[sizeof ThreadRecord::name];
};

struct alignas(64) ThreadContext {
    // One cache line: what each call that need not wait touches.
    uint32_t record_offset = 0;    // of this thread's record in the mapped table, bytes; 0: none
    uint32_t epoch = 0;            // Process::epoch when the record was claimed; a fork makes it stale
    uint64_t waits = 0;            // numbers the waits of this thread
    uint64_t condition_waits = 0;  // those of them that were for a condition variable
    BlockedCall blocked;
    void* adapter_frame = nullptr;
    bool runtime_signal = false;  // the runtime's signal handlers have something to do, and may not know it

    Attempt attempt;
    Mask mask = Mask::none;

    // the retry timers, made on first use; -1: none
    int retry_timer = -1;
    int cpu_timer = -1;
    bool retry_armed = false;
    bool cpu_armed = false;
    uint64_t retry_delay = 0;  // ns; doubles with each attempt

    // the nudge's signal as the program sees it
    bool signal_blocked = false;
    bool signal_pending = false;
    bool signal_let_in = false;               // blocked, but not while the call in progress waits
    uint32_t signal_held_in = 0;              // Process::epoch when it came: a forked child does not inherit it
    int32_t signal_held_by = 0;               // the thread, if it came before its process had a table
    uint32_t signal_held_before_discard = 0;  // Process::signal_discards when it came
    bool nudge_shut_out = false;              // really blocked: a handler of the program runs on an alternate stack
    bool signal_blocked_before_vfork = false;
    bool vfork_child_set_action = false;  // for the nudge's signal: what its exec hands on
    siginfo_t signal_info{};

    // a fork in a handler of the program's (fork_in_handler.h)
    ThreadRecord* record_below = nullptr;  // of the call that the handler runs on top of
    void* stand_in = nullptr;              // the page in its place that this process has made last

    // a sweep (run.h)
    ThreadPath path;
    uint16_t starts = 0;  // threads and forked processes that it has started

    // injection rules (injection.h)
    int rule_timer = -1;
    bool rule_timer_armed = false;
    RuleCount rule_counts[most_injection_rules] = {};  // of the rules by which each thread counts for itself

    uint64_t recorded_since = 0;       // when the wait in progress began, if it is recorded: CLOCK_MONOTONIC, ns
    bool runs_runtime = false;         // of the adapter (record_runs_runtime)
    bool claim_failed = false;         // the table was full when this thread asked
    ThreadName name = {};              // this thread's, if the runtime has given it one
    ThreadName next_thread_name = {};  // of the thread that the runtime is about to start from this one
    void** way_out = nullptr;          // while the nudge handler makes a call that must not wait (handler_call.h)
};

extern constinit thread_local ThreadContext thread_context __attribute__((tls_model("initial-exec")));

}  // namespace interrupt
