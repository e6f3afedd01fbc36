// The program's own signal handlers on top of a blocked call: as without the shim, also while nudges arrive. What each
// call does after a handler is the table of signal(7), which the cases hold (goes_on_after_handler); the last test runs
// the same without the shim, so that the table itself is checked.
#include <spawn.h>

#include "interrupt/interrupt.h"
#include "tests/interposers/each_row.h"
#include "tests/interposers/raw_calls.h"
#include "tests/interposers/scenario.h"
#include "tests/support/own_table.h"

namespace interrupt_tests {

namespace {

constexpr int program_signal = SIGUSR2;

std::atomic<int> handled;
std::atomic<bool> handler_may_return;
std::atomic<int> interruptions_in_handler;

void count(int) {
    ++handled;
}

void stay(int) {
    ++handled;
    while (!handler_may_return) {
        interruptions_in_handler += raw_wait(300) == -EINTR;
    }
}

void install(int signal, void (*handler)(int), bool restarts) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = restarts ? SA_RESTART : 0;
    ASSERT_EQ(sigaction(signal, &action, nullptr), 0);
}

// Signals that mean nothing to the call, from another thread, as long as it lives.
class Storm {
public:
    enum class Of {
        nothing,
        foreign_signals,   // of the nudge's number, nobody's; the program has no handler for it
        refused_requests,  // nudges for a request that the call cannot have
    };
    Storm(Of kind, pid_t tid) : thread_([this, kind, tid] { run(kind, tid); }) {
        await("the storm", [&] { return kind == Of::nothing || sent_ > 1; });
    }
    ~Storm() {
        over_ = true;
        thread_.join();
    }

private:
    void run(Of kind, pid_t tid) {
        while (!over_ && kind != Of::nothing) {
            if (kind == Of::foreign_signals) {
                send_signal(tid, SIGURG);
            } else {
                const interrupt_request request = {INTERRUPT_TIMEOUT, 0};
                interrupt_thread_as(tid, &request);
            }
            ++sent_;
            raw_wait(100);
        }
    }
    std::atomic<bool> over_ = false;
    std::atomic<int> sent_ = 0;
    std::thread thread_;
};

void check_handler(const Subject& subject, Limit limit, int signal, bool restarts, Storm::Of storm_of) {
    const WaitPointer wait = subject.make(limit);
    if (wait == nullptr) {
        return;
    }
    SCOPED_TRACE(testing::Message() << subject.name << (limit == Limit::far ? ", limited" : ", unlimited")
                                    << ", signal " << signal << (restarts ? " with" : " without")
                                    << " SA_RESTART, storm " << static_cast<int>(storm_of));
    install(signal, count, restarts);
    Waiter waiter(subject, *wait);
    waiter.await_blocked();
    const bool goes_on = wait->goes_on_after_handler(restarts);
    {
        const Storm storm(storm_of, waiter.tid());
        for (int sent = 1; sent <= (goes_on ? 3 : 1); ++sent) {
            handled = sent - 1;
            ASSERT_EQ(send_signal(waiter.tid(), signal), 0);
            await("the handler", [&] { return handled == sent; });
        }
        if (!goes_on) {
            EXPECT_EQ(waiter.join().returned, wait->interrupted_by_handler());
        }
    }
    if (goes_on) {
        waiter.await_blocked();
        wait->end(waiter.tid());
        Returned returned = waiter.join().returned;
        if (own_table() == nullptr && subject.call == interrupt::Call::sigwait_) {
            returned.error = untouched;  // glibc repeats the wait and leaves EINTR there
        }
        EXPECT_EQ(returned, wait->natural());
        wait->check(End::natural);
    }
    if (own_table() != nullptr) {
        EXPECT_EQ(waiter.join().pending, storm_of == Storm::Of::refused_requests);
    }
    if (storm_of != Storm::Of::foreign_signals) {  // which meet the thread's raw calls as well
        EXPECT_EQ(waiter.join().raw_interruptions, 0);
    }
    install(signal, SIG_DFL, false);
}

class ProgramSignals : public testing::TestWithParam<Subject> {};
INSTANTIATE_TEST_SUITE_P(EachRow, ProgramSignals, testing::ValuesIn(subjects()), name_of);

TEST_P(ProgramSignals, EndsOrGoesOnAfterAHandlerAsWithoutTheShim) {
    for (const Limit limit : {Limit::none, Limit::far}) {
        for (const bool restarts : {false, true}) {
            check_handler(GetParam(), limit, program_signal, restarts, Storm::Of::nothing);
            check_handler(GetParam(), limit, program_signal, restarts, Storm::Of::foreign_signals);
            // The program's handler of the nudge's own signal.
            check_handler(GetParam(), limit, SIGURG, restarts, Storm::Of::nothing);
        }
    }
}

TEST_P(ProgramSignals, EndsOrGoesOnAfterAHandlerWhileNudgesArrive) {
    for (const bool restarts : {false, true}) {
        if (const WaitPointer wait = GetParam().make(Limit::none)) {
            check_handler(GetParam(), Limit::none, program_signal, restarts, Storm::Of::refused_requests);
        }
    }
}

TEST_P(ProgramSignals, ARequestThatArrivesInAHandlerIsForTheOuterWait) {
    for (const int signal : {program_signal, SIGURG}) {
        for (const bool restarts : {false, true}) {
            SCOPED_TRACE(testing::Message()
                         << "signal " << signal << (restarts ? " with" : " without") << " SA_RESTART");
            const WaitPointer wait = make_blocking(GetParam());
            install(signal, stay, restarts);
            handled = interruptions_in_handler = 0;
            handler_may_return = false;
            Waiter waiter(GetParam(), *wait);
            waiter.await_blocked();
            const uint64_t delivered_before = own_table()->delivered;
            ASSERT_EQ(send_signal(waiter.tid(), signal), 0);
            await("the handler", [] { return handled == 1; });
            for (int i = 0; i < 20; ++i) {
                ASSERT_EQ(interrupt_thread(waiter.tid()), 0);
                raw_wait(100);
            }
            EXPECT_EQ(blocked_in(waiter.tid()), interrupt::Call::running);
            handler_may_return = true;
            EXPECT_EQ(waiter.join().returned, wait->interrupted());
            EXPECT_EQ(interruptions_in_handler, 0);
            EXPECT_FALSE(waiter.join().pending);
            EXPECT_EQ(own_table()->delivered, delivered_before + 1);
            EXPECT_EQ(waiter.join().delivered_in, GetParam().call);
            EXPECT_EQ(waiter.join().raw_interruptions, 0);
            install(signal, SIG_DFL, false);
        }
    }
}

// The exit status of this very program for those tests, in `environment`.
int status_of_run(const char* environment) {
    char filter[] = "--gtest_filter=*AsWithoutTheShim*";
    char brief[] = "--gtest_brief=1";
    char program[] = "/proc/self/exe";
    char* const arguments[] = {program, filter, brief, nullptr};
    setenv(environment, "1", 1);
    pid_t child;
    const int error = posix_spawn(&child, program, nullptr, nullptr, arguments, environ);
    unsetenv(environment);
    int status = -1;
    return error == 0 && waitpid(child, &status, 0) == child ? status : -1;
}

TEST(Control, TheTableOfHandlersHoldsWithoutTheShim) {
    EXPECT_EQ(status_of_run(without_shim), 0);
}
TEST(Control, TheTableOfHandlersHoldsUnderAnInactiveShim) {
    EXPECT_EQ(status_of_run("INTERRUPT_DISABLE"), 0);
}

}  // namespace

}  // namespace interrupt_tests
