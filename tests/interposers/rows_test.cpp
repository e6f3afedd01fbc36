// One positive and one undisturbed case for every row of the list.
#include <gtest/gtest.h>

#include <vector>

#include "tests/interposers/cases_between.h"
#include "tests/interposers/cases_children.h"
#include "tests/interposers/cases_devices.h"
#include "tests/interposers/cases_files.h"
#include "tests/interposers/cases_messages.h"
#include "tests/interposers/cases_queues.h"
#include "tests/interposers/cases_readiness.h"
#include "tests/interposers/cases_shown.h"
#include "tests/interposers/cases_signals.h"
#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/cases_sockets.h"
#include "tests/interposers/cases_synchronisation.h"

namespace interrupt_tests {

#define ROW(name)                       \
    TEST(Positive, name) {              \
        Case<Row::name>::positive();    \
    }                                   \
    TEST(Undisturbed, name) {           \
        Case<Row::name>::undisturbed(); \
    }
#define INTERPOSE(ret, name, ...) ROW(name)
#define VARIANT(ret, name, ...) ROW(name)
#define CUSTOM(name, ...) ROW(name)
#define CUSTOM_VARIANT(name, ...) ROW(name)
#include "shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT

std::span<const Subject> subjects() {
    static std::vector<Subject> all = {
#define INTERPOSE(ret, name, ...) subject_of<Row::name>(),
#define VARIANT(ret, name, ...) subject_of<Row::name>(),
#define CUSTOM(name, ...) subject_of<Row::name>(),
#define CUSTOM_VARIANT(name, ...) subject_of<Row::name>(),
#include "shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT
    };
    static const auto shown = std::erase_if(all, is_shown_alone);
    EXPECT_GT(shown, 0u);
    return all;
}

}  // namespace interrupt_tests
