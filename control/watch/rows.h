// Threads and processes as rows of a list.
#pragma once

#include <vector>

#include "control/process_list.h"
#include "control/thread_list.h"
#include "control/watch/list.h"

namespace interrupt::control {

std::vector<Column> process_columns();
std::vector<Column> thread_columns();

std::vector<Row> rows_of(const std::vector<ProcessEntry>& processes);
std::vector<Row> rows_of(const std::vector<ThreadView>& threads);

}  // namespace interrupt::control
