// A handler of the program at each instruction of the nudge handler, and of what follows it.
#include "stepped_call.h"

namespace interrupt_tests {

namespace {

class SteppedNudge : public SteppedCall {
protected:
    // The nudge is owed to nobody: the wait ends, or does not, as if the program's handler had met it in its system
    // call.
    void nobodys_nudge_then_handler(int signal, bool ends) {
        each_step(17, [&](int at) {
            const uint64_t before = delivered();
            EXPECT_EQ(program_->run_through_signals(true), Stop::asleep);
            if (at % 2 == 0) {
                send(SIGURG);
            } else {
                EXPECT_EQ(
                    OutsideKernel(program_->pid(), outside_->table()).nudge(static_cast<uint32_t>(program_->pid())), 0);
            }
            EXPECT_EQ(program_->run(), Stop::signal);
            EXPECT_EQ(program_->signal(), SIGURG);
            const Stop stop = step(at);
            EXPECT_TRUE(stop == Stop::step || stop == Stop::asleep) << "ended by nobody's nudge: " << returned();
            send(signal);
            EXPECT_TRUE(run_to_handler(signal));
            if (HasFailure()) {
                return false;
            }
            if (ends) {
                EXPECT_TRUE(program_->run_to(Mark::end)) << "the program's signal was to end the wait";
                EXPECT_EQ(program_->registers().rdi, static_cast<unsigned long>(Returned::interrupted)) << returned();
                expect_quiet();
                EXPECT_EQ(delivered(), before);
            } else {
                EXPECT_TRUE(program_->stays_asleep()) << "the wait was to go on; " << returned();
                post();
                expect_one_delivery(before, false);
            }
            return stop == Stop::step;
        });
    }

    // The nudge brings a request: it ends the wait, once, whatever the program's handler would have done to it.
    void nudge_then_handler(int signal) {
        each_step(17, [&](int at) {
            const uint64_t before = delivered();
            EXPECT_EQ(program_->run_through_signals(true), Stop::asleep);
            post();
            EXPECT_EQ(program_->run(), Stop::signal);
            EXPECT_EQ(program_->signal(), SIGURG);
            const Stop stop = step(at);
            if (stop == Stop::mark) {
                return false;
            }
            send(signal);
            EXPECT_TRUE(run_to_handler(signal));
            if (!HasFailure()) {
                expect_one_delivery(before, false);
            }
            return stop == Stop::step;
        });
    }
};

TEST_P(SteppedNudge, OfNobodysWithoutRestart) {
    nobodys_nudge_then_handler(SIGUSR1, GetParam().ends_by_handler);
}

TEST_P(SteppedNudge, OfNobodysWithRestart) {
    nobodys_nudge_then_handler(SIGUSR2, !GetParam().restarts);
}

TEST_P(SteppedNudge, WithoutRestart) {
    nudge_then_handler(SIGUSR1);
}

TEST_P(SteppedNudge, WithRestart) {
    nudge_then_handler(SIGUSR2);
}

INSTANTIATE_TEST_SUITE_P(Rows, SteppedNudge, testing::ValuesIn(rows), name_of_row);

}  // namespace

}  // namespace interrupt_tests
