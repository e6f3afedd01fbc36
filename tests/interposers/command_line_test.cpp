// Every outcome of a wait that a row can have, asked for by the command line: from another process, with the words that
// a user types. (`cancel`: ways_out_test.cpp; `signal:` is none of a wait.)
#include <gtest/gtest.h>

#include "tests/interposers/each_row.h"
#include "tests/interposers/scenario.h"
#include "tests/support/child_process.h"

namespace interrupt_tests {

namespace {

void check_interrupted(const Subject& subject, Limit limit, const char* outcome, End end) {
    SCOPED_TRACE(testing::Message() << "--as " << outcome << (limit == Limit::far ? ", limited" : ", unlimited"));
    const WaitPointer wait = subject.make(limit);
    Waiter waiter(subject, *wait);
    waiter.await_blocked();
    const Finished done = run({INTERRUPTCTL_PATH, "interrupt", std::to_string(getpid()), std::to_string(waiter.tid()),
                               "--as", outcome, "--timeout", "20"});
    EXPECT_EQ(done.exit_status, 0) << done.out << done.err;
    const std::string where = std::string(", in ") + interrupt::traits(subject.call).name;
    EXPECT_NE(done.out.find(where), std::string::npos) << done.out;
    if (done.exit_status != 0) {
        wait->end(waiter.tid());
    }
    EXPECT_EQ(waiter.join().returned, end == End::interrupted   ? wait->interrupted()
                                      : end == End::failed      ? wait->failed(ENETDOWN)
                                      : end == End::end_of_file ? wait->end_of_file()
                                                                : wait->timed_out());
    wait->check(end);
    EXPECT_FALSE(waiter.join().pending);
}

class CommandLine : public testing::TestWithParam<Subject> {};
INSTANTIATE_TEST_SUITE_P(EachRow, CommandLine, testing::ValuesIn(subjects()), name_of);

TEST_P(CommandLine, GivesEachOutcome) {
    for (const Limit limit : {Limit::none, Limit::far}) {
        const WaitPointer example = GetParam().make(limit);
        if (example == nullptr) {
            continue;
        }
        if (example->is_under_a_filter()) {
            GTEST_SKIP() << "interruptctl leaves threads under a seccomp filter alone, and nothing else lets it wait";
        }
        check_interrupted(GetParam(), limit, "default", End::interrupted);
        check_interrupted(GetParam(), limit, "errno:ENETDOWN", End::failed);
        if (limit == Limit::far) {
            check_interrupted(GetParam(), limit, "timeout", End::timed_out);
        }
        if (example->can_reach_end_of_file()) {
            check_interrupted(GetParam(), limit, "eof", End::end_of_file);
        }
    }
}

}  // namespace

}  // namespace interrupt_tests
