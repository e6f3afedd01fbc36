// Tests that are made for every row: TEST_P(a suite of its own, ...), with the row as GetParam().
#pragma once

#include <gtest/gtest.h>

#include "tests/interposers/rows.h"

namespace interrupt_tests {

inline void PrintTo(const Subject& subject, std::ostream* out) {
    *out << subject.name;
}

inline std::string name_of(const testing::TestParamInfo<Subject>& info) {
    return info.param.name;
}

// A form of the call that blocks until it is ended: by end() if it can be.
inline WaitPointer make_blocking(const Subject& subject) {
    WaitPointer wait = subject.make(Limit::none);
    return wait != nullptr ? std::move(wait) : subject.make(Limit::far);
}

}  // namespace interrupt_tests
