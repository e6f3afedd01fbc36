// What positive and undisturbed mean, for any row.
#include <gtest/gtest.h>

#include <vector>

#include "interrupt/interrupt.h"
#include "tests/interposers/raw_calls.h"
#include "tests/interposers/scenario.h"
#include "tests/support/own_table.h"

namespace interrupt_tests {

namespace {

constexpr interrupt_request by_default = {INTERRUPT_DEFAULT, 0};
constexpr interrupt_request by_error = {INTERRUPT_ERROR, ENETDOWN};
constexpr interrupt_request by_timeout = {INTERRUPT_TIMEOUT, 0};
constexpr interrupt_request by_end_of_file = {INTERRUPT_EOF, 0};

enum class When { blocked, blocked_with_all_signals_blocked, blocked_again, pending_at_entry };

void check_interrupted(const Subject& subject, Limit limit, When when, const interrupt_request& request, End end) {
    SCOPED_TRACE(testing::Message() << subject.name << (limit == Limit::far ? ", limited" : ", unlimited")
                                    << ", outcome " << request.outcome << ", when " << static_cast<int>(when));
    const WaitPointer wait = subject.make(limit);
    Waiter::Options options;
    options.held = when == When::pending_at_entry;
    if (when == When::blocked_with_all_signals_blocked) {
        options.all_signals_blocked = true;
        sigfillset(&wait->signals);
    }
    const uint64_t delivered_before = own_table()->delivered;
    Waiter waiter(subject, *wait, options);
    if (!options.held) {
        waiter.await_blocked();
    }
    for (int i = 0; i < 3 && when == When::blocked_again; ++i) {
        ASSERT_EQ(send_signal(waiter.tid(), SIGURG), 0);  // nobody's: the wait is repeated
        waiter.await_blocked();
    }
    ASSERT_EQ(interrupt_thread_as(waiter.tid(), &request), 0);
    waiter.go();
    const Waiter::Found& found = waiter.join();
    EXPECT_EQ(found.returned, end == End::interrupted   ? wait->interrupted()
                              : end == End::failed      ? wait->failed(ENETDOWN)
                              : end == End::end_of_file ? wait->end_of_file()
                                                        : wait->timed_out());
    wait->check(end);
    EXPECT_FALSE(found.pending);
    EXPECT_EQ(own_table()->delivered, delivered_before + 1);
    EXPECT_EQ(found.delivered_in, subject.call);
    EXPECT_EQ(found.raw_interruptions, 0);
}

class CheckedNoWait final : public NoWait {
public:
    void operator()(const char* what, Returned expected, const std::function<long()>& call) override {
        SCOPED_TRACE(what);
        ASSERT_EQ(interrupt_thread(own_tid()), 0);
        errno = untouched;
        Returned returned{call()};
        returned.error = errno;
        EXPECT_EQ(returned, expected);
        EXPECT_EQ(interrupt_clear(), 1) << "the request was not to be consumed";
        EXPECT_EQ(raw_wait(300), 0);
    }
};

// The form that is ended from outside, or by its time if there is no other.
Limit endable(const Subject& subject) {
    if (subject.make(Limit::none) != nullptr) {
        return Limit::none;
    }
    return subject.make(Limit::far)->ends_by_time() ? Limit::near : Limit::far;
}

void check_natural_end(const Waiter::Found& found, Wait& wait) {
    EXPECT_EQ(found.returned, wait.natural());
    wait.check(End::natural);
    if (wait.ends_by_time()) {
        EXPECT_GE(found.nanoseconds, near_ms * 1'000'000ull);
    }
    EXPECT_EQ(found.raw_interruptions, 0);
}

void check_foreign_signals(const Subject& subject, __sighandler_t disposition) {
    SCOPED_TRACE(disposition == SIG_IGN ? "SIGURG ignored" : "SIGURG by default");
    signal(SIGURG, disposition);
    const WaitPointer wait = subject.make(endable(subject));
    Waiter waiter(subject, *wait);
    for (int i = 0; i < 5; ++i) {
        waiter.await_blocked();
        ASSERT_EQ(send_signal(waiter.tid(), SIGURG), 0);
    }
    waiter.await_blocked();
    wait->end(waiter.tid());
    check_natural_end(waiter.join(), *wait);
    EXPECT_FALSE(waiter.join().pending);
    signal(SIGURG, SIG_DFL);
}

// A wait that can have what `request` wants.
Returned wait_that_can_have(const interrupt_request& request) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    char byte;
    struct pollfd fd = {ends[0], POLLIN, 0};
    errno = untouched;
    Returned returned{request.outcome == INTERRUPT_EOF ? read(ends[0], &byte, 1) : poll(&fd, 1, far_seconds * 1'000)};
    returned.error = errno;
    raw_close(ends[0]);
    raw_close(ends[1]);
    return returned;
}

void check_request_that_it_cannot_have(const Subject& subject, const interrupt_request& request) {
    SCOPED_TRACE(testing::Message() << "outcome " << request.outcome);
    const WaitPointer wait = subject.make(endable(subject));
    Waiter::Options options;
    options.afterwards = [&] {
        const bool fails = request.outcome == INTERRUPT_DEFAULT || request.outcome == INTERRUPT_ERROR;
        const Returned failure = {-1, request.outcome == INTERRUPT_ERROR ? request.error : EINTR};
        EXPECT_EQ(wait_that_can_have(request), fails ? failure : Returned{0});
        EXPECT_EQ(interrupt_pending(), 0);
    };
    Waiter waiter(subject, *wait, options);
    for (int i = 0; i < 3; ++i) {
        waiter.await_blocked();
        ASSERT_EQ(interrupt_thread_as(waiter.tid(), &request), 0);
    }
    waiter.await_blocked();
    wait->end(waiter.tid());
    check_natural_end(waiter.join(), *wait);
    EXPECT_TRUE(waiter.join().pending);
}

}  // namespace

void check_positive(const Subject& subject) {
    int forms = 0;
    for (const Limit limit : {Limit::none, Limit::far}) {
        const WaitPointer example = subject.make(limit);
        if (example == nullptr) {
            continue;
        }
        ++forms;
        for (const When when :
             {When::blocked, When::blocked_with_all_signals_blocked, When::blocked_again, When::pending_at_entry}) {
            check_interrupted(subject, limit, when, by_default, End::interrupted);
            check_interrupted(subject, limit, when, by_error, End::failed);
            if (limit == Limit::far) {
                check_interrupted(subject, limit, when, by_timeout, End::timed_out);
            }
            if (example->can_reach_end_of_file()) {
                check_interrupted(subject, limit, when, by_end_of_file, End::end_of_file);
            }
        }
    }
    EXPECT_GT(forms, 0);
}

void check_shown(const Subject& subject) {
    for (const interrupt_request& request : {by_default, by_error, by_timeout, by_end_of_file}) {
        check_request_that_it_cannot_have(subject, request);
    }
}

void check_undisturbed(const Subject& subject) {
    for (const Limit limit : {Limit::none, Limit::far}) {
        if (const WaitPointer wait = subject.make(limit)) {
            std::thread([&] {
                wait->prepare();
                CheckedNoWait check;
                wait->without_waiting(check);
            }).join();
        }
    }
    check_foreign_signals(subject, SIG_DFL);
    check_foreign_signals(subject, SIG_IGN);
    if (is_shown_alone(subject)) {
        return;
    }
    if (const Limit limit = endable(subject); limit == Limit::none) {
        check_request_that_it_cannot_have(subject, by_timeout);
    }
    if (!subject.make(endable(subject))->can_reach_end_of_file()) {
        check_request_that_it_cannot_have(subject, by_end_of_file);
    }
}

}  // namespace interrupt_tests
