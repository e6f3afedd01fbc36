#include <gtest/gtest.h>

#include "tests/interposers/scenario.h"
#include "tests/support/own_table.h"
#include "tests/support/under_shim.h"

int main(int argc, char** argv) {
    if (std::getenv(interrupt_tests::without_shim) == nullptr) {
        interrupt_tests::ensure_under_shim(argv);
    } else if (std::getenv("LD_PRELOAD") != nullptr) {
        unsetenv("LD_PRELOAD");
        execv("/proc/self/exe", argv);
    }
    interrupt_tests::own_table();  // looks for it now: the search makes interposed calls, which change the thread's
                                   // record
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
