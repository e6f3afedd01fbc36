// The rows of shim/interposers.def as the tests see them. Each row has a specialisation of Case in cases_*.h: it makes
// one wait of the call by that very name, and inherits positive() and undisturbed(). rows_test.cpp names every one of
// them, so that a row without a case does not build.
#pragma once

#include <span>

#include "control/thread_table_abi.h"
#include "tests/interposers/public_names.h"
#include "tests/interposers/wait.h"

namespace interrupt_tests {

enum class Row {
#define INTERPOSE(ret, name, ...) name,
#define VARIANT(ret, name, ...) name,
#define CUSTOM(name, ...) name,
#define CUSTOM_VARIANT(name, ...) name,
#include "shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT
};

// A row at run time.
struct Subject {
    const char* name;
    interrupt::Call call;        // that it reports as
    WaitPointer (*make)(Limit);  // null if the call cannot have such a limit
};

constexpr Subject row_of(Row row) {
    using interrupt::Call;
    switch (row) {
#define INTERPOSE(ret, name, ...) VARIANT(ret, name, name)
#define VARIANT(ret, name, of, ...) \
    case Row::name:                 \
        return {#name, Call::of##_, nullptr};
#define CUSTOM(name, kind) VARIANT(, name, name)
#define CUSTOM_VARIANT(name, of, kind) VARIANT(, name, of)
#include "shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT
    }
    return {};
}

// Has `static WaitPointer make(Limit)`.
template <Row row>
struct Case;

template <Row row>
Subject subject_of() {
    Subject subject = row_of(row);
    subject.make = &Case<row>::make;
    return subject;
}

// A call that really blocks is interrupted, with each outcome that it can have.
void check_positive(const Subject&);
// A call that needs no wait, and one that meets signals owed to nobody or requests that it cannot have, ends as without
// them.
void check_undisturbed(const Subject&);

template <Row row>
struct TwoCases {
    static void positive() { check_positive(subject_of<row>()); }
    static void undisturbed() { check_undisturbed(subject_of<row>()); }
};

// A call that is shown and no interruption point: no request disturbs it.
void check_shown(const Subject&);

template <Row row>
struct ShownCases {
    static void positive() { check_shown(subject_of<row>()); }
    static void undisturbed() { check_undisturbed(subject_of<row>()); }
};

constexpr bool is_shown_alone(const Subject& subject) {
    return interrupt::traits(subject.call).kind == interrupt::Kind::Shown;
}

// All interruption points (rows_test.cpp).
std::span<const Subject> subjects();

}  // namespace interrupt_tests
