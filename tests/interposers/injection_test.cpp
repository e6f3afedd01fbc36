// Injection rules, for every row: at entry the call is not made, whether it would wait or not; with `after` it is made,
// and ended when it has been blocked for so long; where the kernel could not wait, a rule acts by force alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "tests/interposers/each_row.h"
#include "tests/interposers/scenario.h"
#include "tests/support/child_process.h"

namespace interrupt_tests {

namespace {

Finished inject(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {INTERRUPTCTL_PATH, "inject", std::to_string(getpid())});
    return run(arguments);
}

// Rules of this process, for as long as it lives.
class InForce {
public:
    explicit InForce(const std::vector<std::string>& rules) {
        const Finished done = inject(rules);
        EXPECT_EQ(done.exit_status, 0) << done.err;
    }
    ~InForce() {
        const Finished done = inject({"--clear"});
        EXPECT_EQ(done.exit_status, 0) << done.err;
    }
    InForce(const InForce&) = delete;
    InForce& operator=(const InForce&) = delete;

    std::string list() const { return inject({"--list"}).out; }
};

// The tests wait by calls of the list themselves.
std::string for_waiter(const Subject& subject, const std::string& wanted) {
    return std::string(interrupt::traits(subject.call).name) + ":" + wanted + ":thread=wait?r";
}

void check_rule(const Subject& subject, Limit limit, const std::string& wanted, End end) {
    const std::string rule = for_waiter(subject, wanted);
    SCOPED_TRACE(rule + (limit == Limit::far ? ", limited" : ", unlimited"));
    const WaitPointer wait = subject.make(limit);
    const InForce in_force({rule});
    Waiter waiter(subject, *wait);
    EXPECT_EQ(waiter.join().returned, end == End::interrupted   ? wait->interrupted()
                                      : end == End::failed      ? wait->failed(ENETDOWN)
                                      : end == End::end_of_file ? wait->end_of_file()
                                                                : wait->timed_out());
    wait->check(end);
    EXPECT_FALSE(waiter.join().pending);
    EXPECT_EQ(waiter.join().raw_interruptions, 0);
    EXPECT_NE(in_force.list().find(" 1    1      " + rule), std::string::npos) << in_force.list();
}

class Injection : public testing::TestWithParam<Subject> {};
INSTANTIATE_TEST_SUITE_P(EachRow, Injection, testing::ValuesIn(subjects()), name_of);

TEST_P(Injection, EndsTheCallAtEntry) {
    for (const Limit limit : {Limit::none, Limit::far}) {
        const WaitPointer example = GetParam().make(limit);
        if (example == nullptr) {
            continue;
        }
        check_rule(GetParam(), limit, "default", End::interrupted);
        check_rule(GetParam(), limit, "errno:ENETDOWN:when=1", End::failed);
        if (limit == Limit::far) {
            check_rule(GetParam(), limit, "timeout", End::timed_out);
        }
        if (example->can_reach_end_of_file()) {
            check_rule(GetParam(), limit, "eof", End::end_of_file);
        }
    }
}

TEST_P(Injection, EndsTheCallWhenItHasBeenBlockedForSoLong) {
    for (const Limit limit : {Limit::none, Limit::far}) {
        if (GetParam().make(limit) != nullptr) {
            check_rule(GetParam(), limit, "default:after=0.002", End::interrupted);
            check_rule(GetParam(), limit, "errno:ENETDOWN:after=0.000001", End::failed);
        }
    }
}

TEST_P(Injection, SendsASignal) {
    for (const bool restarts : {false, true}) {
        SCOPED_TRACE(restarts ? "SA_RESTART" : "no SA_RESTART");
        static std::atomic<int> handled;
        handled = 0;
        struct sigaction action = {};
        action.sa_handler = [](int) { ++handled; };
        action.sa_flags = restarts ? SA_RESTART : 0;
        struct sigaction before;
        sigaction(SIGUSR2, &action, &before);
        const WaitPointer wait = make_blocking(GetParam());
        const InForce in_force({for_waiter(GetParam(), "signal:USR2:when=1")});
        Waiter waiter(GetParam(), *wait);
        if (wait->goes_on_after_handler(restarts)) {
            waiter.await_blocked();
            wait->end(waiter.tid());
            if (!wait->ends_by_time()) {
                EXPECT_EQ(waiter.join().returned, wait->natural());
            }
        } else {
            EXPECT_EQ(waiter.join().returned, wait->interrupted_by_handler());
        }
        EXPECT_EQ(handled, 1);
        sigaction(SIGUSR2, &before, nullptr);
    }
}

// While it lives the calling thread has the name that the rules are about.
class Named {
public:
    Named() { prctl(PR_SET_NAME, "waiter"); }
    ~Named() { prctl(PR_SET_NAME, "tests"); }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;
};

Returned returned(long value) {
    return value == -1 ? Returned{value, errno} : Returned{value};
}

TEST(InjectionRules, DoNotActWhereTheKernelCouldNotWait) {
    int sockets[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    ASSERT_EQ(send(sockets[1], "abcd", 4, 0), 4);
    const int file = open("/proc/self/exe", O_RDONLY);
    char byte;
    struct pollfd none = {-1, 0, 0};
    const auto made = [&] {
        const Named named;
        const Returned results[] = {returned(recv(sockets[0], &byte, 1, MSG_DONTWAIT)), returned(read(file, &byte, 1)),
                                    returned(poll(&none, 1, 0))};
        fcntl(sockets[0], F_SETFL, O_NONBLOCK);
        const Returned nonblocking = returned(read(sockets[0], &byte, 1));
        fcntl(sockets[0], F_SETFL, 0);
        // Ready, and not made: the same at every run.
        return std::vector<Returned>{results[0], results[1], results[2], nonblocking,
                                     returned(recv(sockets[0], &byte, 1, 0))};
    };
    {
        const InForce in_force({"recv,read,poll:errno:EIO:thread=waiter"});
        EXPECT_EQ(made(), (std::vector<Returned>{{1}, {1}, {0}, {1}, {-1, EIO}}));
    }
    {
        const InForce in_force({"recv,read,poll:errno:EIO:thread=waiter:force"});
        EXPECT_EQ(made(), std::vector<Returned>(5, {-1, EIO}));
    }
    EXPECT_EQ(recv(sockets[0], &byte, 1, 0), 1);
    EXPECT_EQ(byte, 'c');
    close(file);
    close(sockets[0]);
    close(sockets[1]);
}

}  // namespace

}  // namespace interrupt_tests
