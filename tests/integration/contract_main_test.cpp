// main() of the contract tests: they run under the shim.
#include <gtest/gtest.h>

#include "tests/support/under_shim.h"

int main(int argc, char** argv) {
    interrupt_tests::ensure_under_shim(argv);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
