// The records of this process's table: found, claimed and freed, whoever they are for.
#pragma once

#include "shim/process.h"

namespace interrupt {

uint32_t offset_of(const ThreadRecord& record);  // in the table, bytes

struct Found {
    ThreadRecord* own = nullptr;   // has this tid
    ThreadRecord* free = nullptr;  // the first free one on the way
};

// Looks for the record of `tid`.
Found probe(uint32_t tid, const ThreadRecord* other_than = nullptr);

struct Claimed {
    ThreadRecord* record = nullptr;
    bool found = false;  // somebody had claimed it before
};

// The record of `tid`, claimed with these flags if it has none.
Claimed claim(uint32_t tid, uint32_t flags);

// Frees a record, unless it has changed hands meanwhile.
void free_record(ThreadRecord& record, uint32_t tid);

// The records that have been used, one after the other, from `next` = 0 on; null after the last.
ThreadRecord* next_used_record(uint32_t& next);

// Called by the record's own thread.
void write_name(ThreadRecord& record, const ThreadName& name);

// The record of the thread with this pthread_self(), or null.
ThreadRecord* record_of_ident(uintptr_t ident);

}  // namespace interrupt
