// The words a user may give for outcomes and calls, and the ones that are shown for them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/thread_table_abi.h"

namespace interrupt::control {

struct WantedOutcome {
    Outcome outcome = Outcome::default_;
    uint16_t error = 0;
    std::string exception = {};  // "package.module.Class", of Outcome::exception
    int signal = 0;              // of `signal:NAME`, which is no request: then nothing else holds
};

// `default`, `errno:NAME`, `timeout`, `eof`, `exception:NAME`, `signal:NAME`. Throws Failure(usage) for anything else,
// with the nearest name.
WantedOutcome parse_outcome(std::string_view word);

// "errno:ECONNRESET"; "unknown" for what is none.
std::string outcome_name(Outcome outcome, uint16_t error);

// The same of what was delivered, of which the error is not kept: "errno".
std::string delivered_outcome_name(Delivered delivered);

// The call of that name. Throws Failure(usage) if there is none, with the nearest name.
Call parse_call(std::string_view name);

// What else might be meant by a word that names no call, or no error: " Did you mean `recv`?" or "".
std::string call_hint(std::string_view name);
std::string error_hint(std::string_view name);
// `recv` or `recv,read`, or `any`, which is none in particular: empty. Throws as parse_call does.
std::vector<Call> parse_calls(std::string_view names);
// The same for calls that are to end with this outcome: `any` are all that can.
std::vector<Call> parse_calls_to_end(std::string_view names, Outcome outcome);
// "recv", "recv, read or write", "any call of the list".
std::string calls_text(const std::vector<Call>& calls);
bool is_one_of(const std::vector<Call>& calls, Call call);

// "recv"; "unknown call" for a number that is none.
std::string call_name(Call call);

// What a record's target is while its thread waits in a call.
enum class Target { none, descriptor, identifier, address, child };
Target target_of(Call call);

// "recv(fd 5)", "semop(id 3)", "waitpid(any)", "poll": the call and what it waits for.
// The address that a target of Target::address is.
uint64_t address_in(Call call, uint64_t target);

std::string call_text(Call call, uint64_t target);

// "none", "on_blocking", "all"; "unknown".
std::string mask_name(Mask mask);

// The candidate that is most like `word`, or "" if none is much like it.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// " Did you mean `recv`?" or "".
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

// "350ms", "12.1s", "3m05s", "2h03m", "3d04h".
std::string duration_text(uint64_t nanoseconds);

// "31 us", "12 ms", "2.5 s".
std::string latency_text(uint64_t nanoseconds);

}  // namespace interrupt::control
