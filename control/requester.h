// The Kernel of request_protocol.h for a thread of another process, and the few things that only a requester outside of
// the process does: claiming a record in a thread's name, and nudging a thread that computes.
#pragma once

#include <csignal>
#include <string>

#include "control/process.h"
#include "control/request_protocol.h"
#include "control/table_file.h"

namespace interrupt::control {

// One thread of the process: its id as seen here, and as the process itself knows it.
struct ThreadId {
    pid_t here = 0;
    uint32_t there = 0;
};

class Requester {
public:
    Requester(const Process& process, TableFile& table, ThreadId thread);

    const Process& process() const { return process_; }
    TableFile& table() const { return table_; }
    ThreadId thread() const { return thread_; }

    // Why a nudge was refused with ESRCH: the process no longer has the table mapped.
    bool table_left() const { return table_left_; }

    // --- what the protocol asks for ---
    uint32_t self() const;
    bool gone(uint32_t owner) const;
    uint64_t now() const;
    void yield() const;
    sigset_t block_signals() const;
    void restore_signals(const sigset_t& before) const;
    void fence() const;
    int nudge(uint32_t tid);
    void wakeup(ThreadRecord& record, bool set) const;
    EventRing* events() const;

private:
    const Process& process_;
    TableFile& table_;
    ThreadId thread_;
    bool table_left_ = false;
};

// The record of the requester's thread, claimed for it if it never called the shim. Throws Failure if there is no room.
uint32_t find_or_claim(Requester& requester);

// Nudges a thread of a runtime's that computes, for request `sequence`: its handler can ask the runtime. Only while the
// kernel shows the thread running, since no system call of it may be disturbed. True if it did.
bool nudge_computing(Requester& requester, ThreadRecord& record, RecordOwner owner, uint32_t sequence);

uint64_t monotonic_now();

}  // namespace interrupt::control
