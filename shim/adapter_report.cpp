// How far the adapter is, as the table's header says it.
#include <cstring>

#include "shim/adapter.h"
#include "shim/process.h"
#include "shim/thread_table.h"

namespace interrupt {

namespace {

// Outlives a fork: the child's table says it again.
struct AdapterReport {
    AdapterState state = AdapterState::none;
    char runtime[sizeof(TableHeader::adapter_runtime)] = {};
    char reason[sizeof(TableHeader::adapter_reason)] = {};
    RuntimeLock lock = {};
};
constinit AdapterReport adapter_report;

}  // namespace

void write_adapter_report() {
    TableHeader& header = table_header();
    std::memcpy(header.adapter_runtime, adapter_report.runtime, sizeof header.adapter_runtime);
    std::memcpy(header.adapter_reason, adapter_report.reason, sizeof header.adapter_reason);
    header.runtime_lock = adapter_report.lock;
    header.adapter.store(static_cast<uint32_t>(adapter_report.state), std::memory_order_release);
}

void report_adapter(AdapterState state, const char* runtime, const char* reason) {
    adapter_report.state = state;
    if (runtime != nullptr) {
        std::strncpy(adapter_report.runtime, runtime, sizeof adapter_report.runtime - 1);
    }
    if (reason != nullptr) {
        std::strncpy(adapter_report.reason, reason, sizeof adapter_report.reason - 1);
    }
    if (process.table != nullptr) {
        write_adapter_report();
    }
}

void report_runtime_lock(const RuntimeLock& lock) {
    adapter_report.lock = lock;
    if (process.table != nullptr) {
        write_adapter_report();
    }
}

}  // namespace interrupt
