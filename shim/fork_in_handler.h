// A handler of the program that runs on top of an interposed call forks, and the child returns from it: there the call
// goes on. It has a record of the parent's table in hand, which the child does not have: a page of the child's own
// takes its place, where nobody looks.
#pragma once

#include "control/thread_table_abi.h"

namespace interrupt {

// Once, in the constructor. By fork() the child has the page before anything else can take the place; by other ways it
// is made when the handler returns.
void prepare_forks_in_handlers();

// The record that a call below the handler may have in hand, null if there is none. Returns what it was before.
ThreadRecord* set_record_below(ThreadRecord* record);

// In a forked child. False if there is no page of the child's own.
bool stand_in_for(const ThreadRecord& parents);

}  // namespace interrupt
