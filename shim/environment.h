// What the shim reads from the environment, and takes out of it.
#pragma once

#include <cstring>

#include "control/thread_table_abi.h"

namespace interrupt {

// Set, and neither empty nor 0.
bool is_set(const char* variable);

// INTERRUPT_*, into `settings`. NoTable::unknown if nothing forbids the shim; otherwise why it does nothing.
NoTable read_settings();

// What `run` has put into LD_PRELOAD for this program alone: the shim itself with --no-follow, and a sanitizer's
// library, with which a program that was built without it would crash. Once, in the constructor.
void leave_environment();

// Takes an entry out of the value of LD_PRELOAD (ld.so(8): separated by spaces or colons), in place.
inline void remove_entry(char* list, const char* entry) {
    char* to = list;
    for (const char* from = list; *from != 0;) {
        const size_t length = std::strcspn(from, ": ");
        if (length != 0 && (std::strncmp(from, entry, length) != 0 || entry[length] != 0)) {
            if (to != list) {
                *to++ = ':';
            }
            std::memmove(to, from, length);
            to += length;
        }
        from += length + (from[length] != 0);
    }
    *to = 0;
}

}  // namespace interrupt
