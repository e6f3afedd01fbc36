// `interruptctl record` at work while the storm is.
#pragma once

#include <cstdint>

#include "tests/support/child_process.h"

namespace storm {

class Recording {
public:
    // Returns when it has begun.
    Recording();

    // Ends it: whether all these deliveries are in its file. Says what it has found.
    bool has_all(uint64_t deliveries);

private:
    const interrupt_tests::TemporaryDirectory directory_;
    interrupt_tests::Child recorder_;
};

}  // namespace storm
