// All calls that need not wait, from the files that have them by subject.
#include "ready.h"

namespace interrupt_bench {

std::vector<Ready> all_ready(bool with_threads) {
    std::vector<Ready> all;
    add_transfers(all);
    add_readiness(all);
    add_files(all);
    add_queues(all);
    add_threads(all);
    if (with_threads) {
        add_signalled(all);
    }
    return all;
}

}  // namespace interrupt_bench
