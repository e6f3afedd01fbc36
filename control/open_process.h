// A process that is open for more than one command.
#pragma once

#include "control/process.h"
#include "control/table_file.h"

namespace interrupt::control {

struct OpenProcess {
    // Throws Failure, as Process and TableFile do.
    explicit OpenProcess(pid_t pid) : process(pid), table(process) {}

    // Whether the table is still that of the process: it has another one after an exec.
    bool current() const { return process.exists() && table.still_mapped(); }

    const Process process;
    TableFile table;
};

}  // namespace interrupt::control
