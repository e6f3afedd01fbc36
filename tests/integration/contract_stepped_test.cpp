// Requests and signals of the program at each instruction of an interposed call, from the call itself to the system
// call in which it sleeps.
#include "stepped_call.h"

namespace interrupt_tests {

namespace {

TEST_P(SteppedCall, MeetsARequest) {
    each_step(2, [&](int at) {
        const uint64_t before = delivered();
        const Stop stop = step(at);
        EXPECT_TRUE(stop == Stop::step || stop == Stop::asleep);
        post();
        expect_one_delivery(before, false);
        return stop == Stop::step;
    });
}

// The request comes at some moment from inside the handler to long after it.
class SteppedHandler : public SteppedCall {
protected:
    void handler_then_request(int signal, bool may_end_call, int stride) {
        int longest = 500;  // about as many instructions as all that follows the handler has
        each_step(stride, [&](int at) {
            bool before_wait = true;
            bool after_handler = true;
            constexpr int after_stride = 13;
            for (int after = at * 37 % (full_form() ? after_stride : longest); after_handler; after += after_stride) {
                SCOPED_TRACE("request " + std::to_string(after) + " instructions after the handler's work");
                const uint64_t before = delivered();
                const Stop stop = step(at);
                EXPECT_TRUE(stop == Stop::step || stop == Stop::asleep);
                before_wait = stop == Stop::step;
                send(signal);
                EXPECT_EQ(program_->run(), Stop::signal);
                EXPECT_EQ(program_->signal(), signal);
                const bool may_end = program_->signal_ended_wait() && may_end_call;
                EXPECT_TRUE(program_->run_to(Mark::in_handler));
                if (HasFailure()) {
                    return false;
                }
                const Stop then = step(after);
                after_handler = then == Stop::step;
                longest = after_handler ? longest + 20 : steps_done_ + 1;
                if (then == Stop::mark) {
                    end_before_request(before, may_end);
                } else {
                    post();
                    expect_one_delivery(before, may_end);
                }
                if (HasFailure() || !full_form()) {
                    break;
                }
                if (after_handler) {
                    next();
                }
            }
            return before_wait;
        });
    }

private:
    // The handler has ended the call; the request is for the next.
    void end_before_request(uint64_t delivered_before, bool may) {
        EXPECT_EQ(program_->mark(), Mark::end);
        EXPECT_TRUE(may) << "an EINTR of nobody's: " << returned();
        EXPECT_EQ(program_->registers().rdi, static_cast<unsigned long>(Returned::interrupted)) << returned();
        post();
        expect_quiet();
        ASSERT_TRUE(program_->run_to(Mark::begin));
        expect_one_delivery(delivered_before, false);
    }
};

TEST_P(SteppedHandler, WithoutRestart) {
    handler_then_request(SIGUSR1, GetParam().ends_by_handler, 3);
}

TEST_P(SteppedHandler, WithRestart) {
    handler_then_request(SIGUSR2, !GetParam().restarts, 3);
}

// A request is pending when the call begins; a handler of the program runs before the timer has got it out, in part
// while that timer is being armed.
class SteppedEntry : public SteppedCall {
protected:
    void request_then_handler(int signal) {
        each_step(24, [&](int at) {
            const uint64_t before = delivered();
            post();
            const Stop stop = step(at);
            if (stop == Stop::mark) {
                return false;  // delivered before there was a moment for the signal
            }
            send(signal);
            EXPECT_TRUE(run_to_handler(signal));
            if (!HasFailure()) {
                expect_one_delivery(before, false);
            }
            return at < 600;  // the timer has been armed by then, and may have met the wait
        });
    }
};

TEST_P(SteppedEntry, WithoutRestart) {
    request_then_handler(SIGUSR1);
}

TEST_P(SteppedEntry, WithRestart) {
    request_then_handler(SIGUSR2);
}

INSTANTIATE_TEST_SUITE_P(Rows, SteppedCall, testing::ValuesIn(rows), name_of_row);
INSTANTIATE_TEST_SUITE_P(Rows, SteppedHandler, testing::ValuesIn(rows), name_of_row);
INSTANTIATE_TEST_SUITE_P(Rows, SteppedEntry, testing::ValuesIn(rows), name_of_row);

}  // namespace

}  // namespace interrupt_tests
