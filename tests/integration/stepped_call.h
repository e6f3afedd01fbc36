// What the tests of contract_stepped*_test.cpp share: a program that makes one interposed call over and over, stopped
// at any instruction of it.
//
// In short form the instructions are sampled, other ones in each run; INTERRUPT_TESTS_FULL=1 takes every one.
#pragma once

#include <cstdlib>
#include <memory>

#include "stepped.h"

namespace interrupt_tests {

struct Row {
    const char* call;
    bool restarts;         // after a handler with SA_RESTART: signal(7)
    bool ends_by_handler;  // after one without
};

inline constexpr Row rows[] = {
    {"poll", false, true},
    {"recv", true, true},
    {"read", true, true},
    {"nanosleep", false, true},
    {"sem_timedwait", false, true},  // the kernel restarts no futex that has a limit, whatever signal(7) says
    {"pthread_cond_timedwait", true, false},
    {"sigtimedwait", false, true},
};

inline void PrintTo(const Row& row, std::ostream* out) {
    *out << row.call;
}

inline bool full_form() {
    static const bool full = std::getenv("INTERRUPT_TESTS_FULL") != nullptr;
    return full;
}

inline constexpr int end_of_steps = 100'000;

class SteppedCall : public testing::TestWithParam<Row> {
protected:
    void SetUp() override { begin_again(); }

    // A new program, its lazily bound functions bound and its record claimed.
    void begin_again() {
        outside_.reset();
        program_ = std::make_unique<Stepped>(GetParam().call);
        ASSERT_TRUE(program_->run_to(Mark::begin));
        ASSERT_EQ(program_->run_through_signals(true), Stop::asleep);
        outside_ = std::make_unique<Outside>(program_->pid());
        for (int i = 0; i < 2; ++i) {
            send(SIGUSR1 + 2 * i);  // SIGUSR1, SIGUSR2
            ASSERT_TRUE(program_->run_to(Mark::in_handler));
            if (program_->run_through_signals(true) == Stop::asleep) {
                outside_->post(program_->pid());
                ASSERT_TRUE(program_->run_to(Mark::end));
            }
            ASSERT_TRUE(program_->run_to(Mark::quiet));
            ASSERT_TRUE(program_->run_to(Mark::begin));
            if (i == 0) {
                ASSERT_EQ(program_->run_through_signals(true), Stop::asleep);
            }
        }
        ASSERT_FALSE(pending());
    }

    bool pending() const { return outside_->table().request_of(program_->pid()).pending(); }
    uint64_t delivered() const { return outside_->table().header().delivered.load(); }
    void send(int signal) const { syscall(SYS_tgkill, program_->pid(), program_->pid(), signal); }

    // Up to `count` instructions on; fewer if it reaches a mark or a wait.
    Stop step(int count) {
        steps_done_ = 0;
        Stop stop = Stop::step;
        while (steps_done_ < count) {
            stop = program_->step();
            if (stop == Stop::step) {
                ++steps_done_;
            } else if (stop != Stop::signal) {
                break;
            }
        }
        return stop;
    }

    // The signal that was sent is delivered, and its handler has done its work. Nudges may come first.
    bool run_to_handler(int signal) {
        Stop stop;
        while ((stop = program_->run()) == Stop::signal && program_->signal() != signal) {
        }
        if (stop != Stop::signal) {
            return false;
        }
        return program_->run_to(Mark::in_handler);
    }

    // A stopped program that holds its record's lock cannot give it back: a requester would break it.
    void post() {
        const auto own = [&] {
            const uint64_t lock = outside_->record(program_->pid()).lock.load();
            return (lock & interrupt::LockWord::owner_mask) == static_cast<uint64_t>(program_->pid());
        };
        while (own() && program_->step() == Stop::step) {
        }
        EXPECT_EQ(outside_->post(program_->pid()).error, 0);
    }

    std::string returned() const {
        const user_regs_struct& registers = program_->registers();
        return "it returned " + std::to_string(static_cast<long>(registers.rsi)) + ", errno " +
               std::to_string(registers.rdx);
    }

    // From the end of the call: nothing was left behind that would meet a raw system call.
    void expect_quiet() {
        if (program_->run_through_signals() != Stop::mark || program_->mark() == Mark::stray) {
            ADD_FAILURE() << "a raw system call after it was cut short";
        }
    }

    // The call, wherever it is, ends by the one request that is posted; or, if `may_end_before`, as interrupted without
    // it, and the next one does.
    void expect_one_delivery(uint64_t delivered_before, bool may_end_before) {
        const auto start = Clock::now();
        const Stop stop = program_->run_through_signals();
        ASSERT_TRUE(stop == Stop::mark && program_->mark() == Mark::end)
            << "the request is lost: it is " << (pending() ? "pending" : "consumed") << ", stop "
            << static_cast<int>(stop) << ", mark " << static_cast<long>(program_->mark());
        EXPECT_LT(Clock::now() - start, seconds(8));
        EXPECT_EQ(program_->registers().rdi, static_cast<unsigned long>(Returned::interrupted)) << returned();
        expect_quiet();
        if (pending()) {
            EXPECT_TRUE(may_end_before) << "the wait was ended by nothing that the program may see";
            EXPECT_EQ(delivered(), delivered_before);
            ASSERT_TRUE(program_->run_to(Mark::begin));
            ASSERT_TRUE(program_->run_to(Mark::end)) << "the next wait was not interrupted";
            EXPECT_EQ(program_->registers().rdi, static_cast<unsigned long>(Returned::interrupted)) << returned();
            expect_quiet();
        }
        EXPECT_FALSE(pending());
        EXPECT_EQ(delivered(), delivered_before + 1);
    }

    // Back to where the call is about to be made.
    void next() {
        if (HasFailure() || outside_->table().header().locks_broken.load() != 0) {
            begin_again();
        } else {
            ASSERT_TRUE(program_->run_to(Mark::begin));
        }
    }

    // `round(step)` for each step, as long as it says that there may be more.
    template <class Round>
    void each_step(int stride, Round round) {
        const int length = full_form() ? 1 : stride;
        const int first = full_form() ? 0 : getpid() % stride;  // other ones in each run
        int failures = 0;
        for (int at = first; at < end_of_steps; at += length) {
            SCOPED_TRACE("at instruction " + std::to_string(at));
            const bool failed_before = HasFailure();
            const bool more = round(at);
            if (HasFailure() && !failed_before && ++failures == 1) {
                return;
            }
            if (!more) {
                break;
            }
            ASSERT_NO_FATAL_FAILURE(next());
        }
    }

    std::unique_ptr<Stepped> program_;
    std::unique_ptr<Outside> outside_;
    int steps_done_ = 0;
};

inline std::string name_of_row(const testing::TestParamInfo<Row>& info) {
    return info.param.call;
}

}  // namespace interrupt_tests
