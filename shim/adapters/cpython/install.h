// How the adapter moves in: verify everything, then put the trampolines in place.
#pragma once

#include "shim/adapter.h"

namespace interrupt::cpython {

enum class Phase : uint8_t {
    waiting,  // for a moment at which Python can be asked; its threads are as native ones meanwhile
    installed,
    refused,  // left alone: an errno is all that its threads get
};
Phase phase();

// Moves in if this call is made with the GIL provably released. True once it has, or has been refused.
bool settle(const BlockedCall& call);

// Python's state for the calling thread, or null. Where that cannot be told, every thread counts as Python's.
// Async-signal-safe.
const void* own_thread_state();

// Whether the address is of code of the object that has CPython in it.
bool is_python_text(const void* address);

}  // namespace interrupt::cpython
