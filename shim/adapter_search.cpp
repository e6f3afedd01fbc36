#include "shim/adapter_search.h"

#include <link.h>

#include "shim/adapter.h"
#include "shim/adapters/cpython/cpython.h"
#include "shim/process.h"
#include "shim/thread_table.h"

namespace interrupt {

namespace {

// How many objects have been loaded since the process began.
unsigned long long loaded_objects() {
    unsigned long long count = 0;
    const auto first = [](dl_phdr_info* info, size_t, void* data) {
        *static_cast<unsigned long long*>(data) = info->dlpi_adds;
        return 1;
    };
    dl_iterate_phdr(first, &count);
    return count;
}

}  // namespace

void look_for_adapter(bool at_start) {
    static constinit std::atomic<unsigned long long> seen = 0;
    if (adapter != nullptr || !settings.active) {
        return;
    }
    const unsigned long long now = loaded_objects();
    if (seen.exchange(now, std::memory_order_relaxed) == now) {
        return;
    }
    if (const Adapter* const found = cpython_adapter_if_present(at_start)) {
        std::atomic_ref<const Adapter*>(adapter).store(found, std::memory_order_release);
        ask_adapter_again();
    }
}

}  // namespace interrupt
