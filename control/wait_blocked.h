// Whether threads of a process are where somebody wants them: blocked in a call, and not just passing through it. A
// thread is there if its record names the same wait twice and the kernel says in between that it sleeps in a system
// call. That holds for the moment of the look; what ends a wait may come at the next one.
//
// It reads the thread table and /proc: the threads notice nothing of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/names.h"
#include "control/thread_list.h"

namespace interrupt::control {

struct WantedWait {
    std::vector<Call> calls;        // one of these; empty: any call of the list
    std::optional<int> descriptor;  // which the call waits for
    std::string name;               // a pattern for the thread's; empty: any
    std::optional<pid_t> tid;       // this one alone
    size_t count = 1;               // threads at the same time
};

// What can be told of the words alone. Throws Failure(usage): calls that wait for no descriptor, a thread id with
// what chooses among several.
void check(const WantedWait& wanted);

// One look, which waits for nothing: the threads that are there now, in order of their ids; as many as are wanted, or
// fewer. Throws Failure if it can never be: the process or the thread has ended or there is none of that id
// (not_found), it has become another program (not_under_shim).
std::vector<ThreadView> look_for_blocked(const Process& process, const TableFile& table, const WantedWait& wanted);

// Looks until they are there. `timeout` in ns. Throws Failure(not_delivered) with time_is_over() when it has passed.
std::vector<ThreadView> wait_until_blocked(const Process& process, const TableFile& table, const WantedWait& wanted,
                                           uint64_t timeout);

// The sentence for it: who was there, and where the others are instead.
std::string time_is_over(const Process& process, const TableFile& table, const WantedWait& wanted, uint64_t timeout);

}  // namespace interrupt::control
