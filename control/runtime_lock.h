// Which thread of a runtime holds the lock that its threads take in turns (CPython's GIL), as the target's memory says.
// Only where this process may read there, as a debugger may; otherwise nothing is known, and nothing else needs it.
#pragma once

#include <cstdint>
#include <optional>

#include "control/process.h"
#include "control/table_file.h"

namespace interrupt::control {

enum class LockState {
    unknown,
    held,      // it runs the runtime's code
    awaited,   // it would, if it had the lock
    released,  // it is in code of C that does without
};

class RuntimeLockView {
public:
    // Reads once.
    RuntimeLockView(const Process& process, const TableFile& table);

    LockState of(const RecordView& record) const;

private:
    RuntimeLock where_;
    std::optional<uint64_t> holder_;  // pthread_self() of the thread; 0: nobody
};

}  // namespace interrupt::control
