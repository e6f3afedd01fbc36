// Ways out of an interposed call that are not a return: cancellation, siglongjmp, pthread_exit and a C++ exception from
// a handler. After each of them the record says running, nothing of the call is left armed, and the thread's raw system
// calls meet no EINTR while requests are sent to it.
#include <setjmp.h>

#include "interrupt/interrupt.h"
#include "tests/interposers/c_cleanup.h"
#include "tests/interposers/each_row.h"
#include "tests/interposers/raw_calls.h"
#include "tests/interposers/scenario.h"
#include "tests/support/child_process.h"
#include "tests/support/own_table.h"

namespace interrupt_tests {

namespace {

constexpr int program_signal = SIGUSR2;

enum class WayOut { cancellation, jump, thread_exit, exception };

bool record_says_running() {
    return blocked_in(own_tid()) == interrupt::Call::running;
}

// One thread, from the call that it leaves to what it finds afterwards.
class Leaver {
public:
    struct Found {
        bool returned = false;
        bool c_handler_ran = false;
        bool running_in_c_handler = false;
        bool destructor_ran = false;
        bool running_in_destructor = false;
        bool running_afterwards = false;
        int raw_interruptions = 0;
        bool poll_was_interrupted = false;
        bool pending = true;
    };

    Leaver(const Subject& subject, WayOut way, bool held)
        : subject_(subject), wait_(make_blocking(subject)), way_(way), held_(held) {
        EXPECT_EQ(pthread_create(
                      &thread_, nullptr, [](void* self) { return static_cast<Leaver*>(self)->run(); }, this),
                  0);
        await("the start of the thread", [this] { return tid_ != 0; });
    }

    pthread_t thread() const { return thread_; }
    pid_t tid() const { return tid_; }
    void go() { held_ = false; }
    void await_blocked() const {
        await(subject_.name, [this] { return blocked_in(tid_) == subject_.call && sleeps_undisturbed(tid_); });
    }

    // Requests while the thread makes raw calls, on its way out or after it.
    void send_requests() {
        await("the way out", [this] { return makes_raw_calls_.load(); });
        for (int i = 0; i < 20; ++i) {
            EXPECT_EQ(interrupt_thread(tid_), 0);
            raw_wait(100);
        }
        makes_raw_calls_ = false;
    }

    const Found& join(void* expected) {
        await("the thread's end", [this] { return done_.load(); });
        void* result = nullptr;
        EXPECT_EQ(pthread_join(thread_, &result), 0);
        EXPECT_EQ(result, expected);
        return found_;
    }

private:
    static inline thread_local sigjmp_buf way_back;
    static inline char exit_value;

    // In C++ frames that are unwound.
    class Probe {
    public:
        explicit Probe(Leaver& leaver) : leaver_(leaver) {}
        ~Probe() {
            if (leaver_.way_ == WayOut::cancellation || leaver_.way_ == WayOut::thread_exit) {
                leaver_.found_.destructor_ran = true;
                leaver_.found_.running_in_destructor = record_says_running();
                leaver_.look_around();
                leaver_.done_ = true;
            }
        }

    private:
        Leaver& leaver_;
    };

    void* run() {
        struct sigaction action = {};
        action.sa_handler = leave_by_handler;
        way_of_this_thread = way_;
        sigaction(program_signal, &action, nullptr);
        wait_->prepare();
        if (held_) {
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
        }
        tid_ = own_tid();
        while (held_) {
            raw_call(SYS_sched_yield);
        }
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
        const Probe probe(*this);
        switch (way_) {
            case WayOut::jump:
                if (sigsetjmp(way_back, 1) == 0) {
                    call(this);
                }
                break;
            case WayOut::exception:
                try {
                    call(this);
                } catch (int) {
                }
                break;
            default:
                call_with_c_cleanup(call, clean_up, this);
        }
        found_.running_afterwards = record_says_running();
        look_around();
        done_ = true;
        return nullptr;
    }

    static void call(void* self) {
        static_cast<Leaver*>(self)->wait_->call();
        static_cast<Leaver*>(self)->found_.returned = true;
    }

    static void clean_up(void* self) {
        Found& found = static_cast<Leaver*>(self)->found_;
        found.c_handler_ran = true;
        found.running_in_c_handler = record_says_running();
        found.raw_interruptions += raw_wait(300) == -EINTR;
    }

    static inline thread_local WayOut way_of_this_thread;
    static void leave_by_handler(int) {
        switch (way_of_this_thread) {
            case WayOut::jump:
                siglongjmp(way_back, 1);
            case WayOut::exception:
                throw 1;
            default:
                pthread_exit(&exit_value);
        }
    }

    // Raw calls while requests arrive; then an interposed one, which gets what is pending.
    void look_around() {
        int state;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
        makes_raw_calls_ = true;
        found_.raw_interruptions += count_raw_interruptions([this] { return makes_raw_calls_.load(); });
        found_.poll_was_interrupted = poll(nullptr, 0, far_seconds * 1'000) == -1 && errno == EINTR;
        found_.pending = interrupt_pending() == 1;
        pthread_setcancelstate(state, nullptr);
    }

    const Subject& subject_;
    const WaitPointer wait_;
    const WayOut way_;
    std::atomic<bool> held_;
    std::atomic<pid_t> tid_ = 0;
    std::atomic<bool> makes_raw_calls_ = false;
    std::atomic<bool> done_ = false;
    Found found_;
    pthread_t thread_;

public:
    static void* value_of_exit() { return &exit_value; }
};

void check_left(const Leaver::Found& found) {
    EXPECT_FALSE(found.returned);
    EXPECT_EQ(found.raw_interruptions, 0);
    EXPECT_TRUE(found.poll_was_interrupted) << "the request was to be delivered at the next interruption point";
    EXPECT_FALSE(found.pending);
}

void check_unwound(const Leaver::Found& found) {
    EXPECT_TRUE(found.c_handler_ran);
    EXPECT_TRUE(found.running_in_c_handler);
    EXPECT_TRUE(found.destructor_ran);
    EXPECT_TRUE(found.running_in_destructor);
    check_left(found);
}

bool is_cancellation_point(const Subject& subject) {
    switch (subject.call) {
        case interrupt::Call::flock_:
        case interrupt::Call::sendfile_:
        case interrupt::Call::semop_:
        case interrupt::Call::semtimedop_:
        case interrupt::Call::ioctl_:
        case interrupt::Call::syscall_:
            return false;
        default:
            return true;
    }
}

// libc's list of who waits for asynchronous requests keeps the frame that a handler has left: it crashes bare as well.
bool may_be_left_by_a_handler(const Subject& subject) {
    return subject.call != interrupt::Call::aio_suspend_;
}

class WaysOut : public testing::TestWithParam<Subject> {};
INSTANTIATE_TEST_SUITE_P(EachRow, WaysOut, testing::ValuesIn(subjects()), name_of);

TEST_P(WaysOut, CancellationOfABlockedCall) {
    if (!is_cancellation_point(GetParam())) {
        GTEST_SKIP() << "glibc does not cancel it";
    }
    Leaver leaver(GetParam(), WayOut::cancellation, false);
    leaver.await_blocked();
    ASSERT_EQ(pthread_cancel(leaver.thread()), 0);
    leaver.send_requests();
    check_unwound(leaver.join(PTHREAD_CANCELED));
}

TEST_P(WaysOut, CancellationThatIsPendingAtEntry) {
    if (!is_cancellation_point(GetParam())) {
        GTEST_SKIP() << "glibc does not cancel it";
    }
    Leaver leaver(GetParam(), WayOut::cancellation, true);
    ASSERT_EQ(pthread_cancel(leaver.thread()), 0);
    leaver.go();
    leaver.send_requests();
    check_unwound(leaver.join(PTHREAD_CANCELED));
}

// The retry timer is armed when the call is left.
TEST_P(WaysOut, CancellationAndARequestThatArePendingAtEntry) {
    if (!is_cancellation_point(GetParam())) {
        GTEST_SKIP() << "glibc does not cancel it";
    }
    Leaver leaver(GetParam(), WayOut::cancellation, true);
    ASSERT_EQ(pthread_cancel(leaver.thread()), 0);
    ASSERT_EQ(interrupt_thread(leaver.tid()), 0);
    leaver.go();
    leaver.send_requests();
    check_unwound(leaver.join(PTHREAD_CANCELED));
}

constexpr interrupt_request by_cancel = {INTERRUPT_CANCEL, 0};

TEST_P(WaysOut, RequestToCancelABlockedCall) {
    if (!is_cancellation_point(GetParam())) {
        GTEST_SKIP() << "glibc does not cancel it";
    }
    Leaver leaver(GetParam(), WayOut::cancellation, false);
    leaver.await_blocked();
    const bool waits_for_any_child = interrupt::traits(GetParam().call).kind == interrupt::Kind::Child;
    if (waits_for_any_child || make_blocking(GetParam())->is_under_a_filter()) {  // which interruptctl leaves alone
        ASSERT_EQ(interrupt_thread_as(leaver.tid(), &by_cancel), 0);
    } else {
        const Finished done = run({INTERRUPTCTL_PATH, "interrupt", std::to_string(getpid()),
                                   std::to_string(leaver.tid()), "--as", "cancel", "--timeout", "20"});
        EXPECT_EQ(done.exit_status, 0) << done.out << done.err;
    }
    leaver.send_requests();
    check_unwound(leaver.join(PTHREAD_CANCELED));
}

TEST_P(WaysOut, RequestToCancelThatIsPendingAtEntry) {
    if (!is_cancellation_point(GetParam())) {
        GTEST_SKIP() << "glibc does not cancel it";
    }
    Leaver leaver(GetParam(), WayOut::cancellation, true);
    ASSERT_EQ(interrupt_thread_as(leaver.tid(), &by_cancel), 0);
    leaver.go();
    leaver.send_requests();
    check_unwound(leaver.join(PTHREAD_CANCELED));
}

TEST_P(WaysOut, JumpFromAHandler) {
    if (!may_be_left_by_a_handler(GetParam())) {
        GTEST_SKIP() << "glibc does not expect it";
    }
    Leaver leaver(GetParam(), WayOut::jump, false);
    leaver.await_blocked();
    ASSERT_EQ(send_signal(leaver.tid(), program_signal), 0);
    leaver.send_requests();
    const Leaver::Found& found = leaver.join(nullptr);
    EXPECT_TRUE(found.running_afterwards);
    check_left(found);
}

TEST_P(WaysOut, ThreadExitFromAHandler) {
    if (!may_be_left_by_a_handler(GetParam())) {
        GTEST_SKIP() << "glibc does not expect it";
    }
    Leaver leaver(GetParam(), WayOut::thread_exit, false);
    leaver.await_blocked();
    ASSERT_EQ(send_signal(leaver.tid(), program_signal), 0);
    leaver.send_requests();
    check_unwound(leaver.join(Leaver::value_of_exit()));
}

TEST_P(WaysOut, ExceptionFromAHandler) {
    if (!may_be_left_by_a_handler(GetParam())) {
        GTEST_SKIP() << "glibc does not expect it";
    }
    if (interrupt::traits(GetParam().call).kind == interrupt::Kind::Condition) {
        GTEST_SKIP() << "glibc does not take the mutex again when an exception passes through its wait";
    }
    Leaver leaver(GetParam(), WayOut::exception, false);
    leaver.await_blocked();
    ASSERT_EQ(send_signal(leaver.tid(), program_signal), 0);
    leaver.send_requests();
    const Leaver::Found& found = leaver.join(nullptr);
    EXPECT_TRUE(found.running_afterwards);
    check_left(found);
}

}  // namespace

}  // namespace interrupt_tests
