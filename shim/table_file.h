// The file behind the table: where it lies, how it is made safely, and how files of dead processes go.
#pragma once

#include "control/thread_table_abi.h"

namespace interrupt {

struct TableFile {
    NoTable failure = NoTable::unknown;  // why there is none; unknown: there is one
    char* mapping = nullptr;
    uint32_t capacity = 0;
    bool fully_backed = false;  // every page of the records has memory; otherwise the first two
    bool has_rules = false;     // INTERRUPT_INJECT's
};

// Makes the file, maps it and fills its header, all but the magic. `path` gets its name.
TableFile make_table_file(char* path, size_t path_size, uint64_t created);

}  // namespace interrupt
