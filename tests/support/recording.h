// `interruptctl record` of this process, meanwhile.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/child_process.h"

namespace interrupt_tests {

class Recording {
public:
    // Returns when it has begun. `shortest`: as --shortest.
    explicit Recording(const std::string& shortest);

    // Ends it: whether all these deliveries are in its file. Says what it has found.
    bool has_all(uint64_t deliveries);

private:
    const TemporaryDirectory directory_;
    Child recorder_;
};

}  // namespace interrupt_tests
