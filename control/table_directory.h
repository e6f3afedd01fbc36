// The directories where tables live, and what dead processes have left in them.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace interrupt::control {

// Where a process of this user and environment puts its table: INTERRUPT_DIR, or /dev/shm/interrupt-UID.
std::string table_directory();

// Both, if they differ.
std::vector<std::string> table_directories();

// Removes the tables in `directory` that nobody uses: their process is dead, is another one now, or has called exec.
// Only in a directory of this user's own, and only files of its own. `mapped`: the device and inode of every table that
// a process has mapped now.
void remove_dead_tables(const std::string& directory, const std::set<std::pair<dev_t, ino_t>>& mapped);

}  // namespace interrupt::control
