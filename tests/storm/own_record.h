// This process's thread table as a reader and a requester of another process would have it: mapped once more, by its
// file.
#pragma once

#include "control/request_protocol.h"

namespace storm {

struct Table {
    interrupt::TableHeader* header = nullptr;
    char path[512] = {};

    // The record of a thread, which must have one.
    interrupt::ThreadRecord& record_of(uint32_t tid) const;
};

// The table that this process has mapped; `path` is that of its file.
Table own_table();
// The one behind a file, in another process.
Table open_table(const char* path);

// A requester outside the target: control/request_protocol.h as a foreign process has it.
class OutsideKernel {
public:
    explicit OutsideKernel(int target, int signal) : target_(target), signal_(signal) {}
    uint32_t self();
    bool gone(uint32_t owner);
    uint64_t now();
    void yield();
    uint64_t block_signals();
    void restore_signals(uint64_t mask);
    void fence();
    int nudge(uint32_t tid);
    void wakeup(interrupt::ThreadRecord&, bool) {}
    interrupt::EventRing* events() { return nullptr; }

private:
    const int target_;
    const int signal_;
};

}  // namespace storm
