// The forms of connect that the rows' cases do not use: a local one under a time limit, one over the network without.
#include <gtest/gtest.h>

#include "tests/interposers/cases_sockets.h"
#include "tests/interposers/scenario.h"

namespace interrupt_tests {

namespace {

using interrupt::Call;

TEST(Connect, LocalUnderATimeLimit) {
    const Subject local = {"connect", Call::connect_, [](Limit limit) -> WaitPointer {
                               return limit == Limit::none ? nullptr : std::make_unique<LocalConnect>(limit, &connect);
                           }};
    check_positive(local);
    const WaitPointer wait = local.make(Limit::near);
    Waiter waiter(local, *wait);
    EXPECT_EQ(waiter.join().returned, wait->timed_out()) << "the outcome `timeout` gives what the kernel gives";
}

TEST(Connect, OverTheNetworkWithoutATimeLimit) {
    const Subject network = {"connect", Call::connect_, [](Limit limit) -> WaitPointer {
                                 return limit != Limit::none ? nullptr
                                                             : std::make_unique<NetworkConnect>(limit, &connect);
                             }};
    check_positive(network);
    // Nobody's signals: connect() is made again while its connection is on its way, and comes back when it is there.
    const WaitPointer wait = network.make(Limit::none);
    Waiter waiter(network, *wait);
    for (int i = 0; i < 3; ++i) {
        waiter.await_blocked();
        ASSERT_EQ(send_signal(waiter.tid(), SIGURG), 0);
    }
    waiter.await_blocked();
    wait->end(waiter.tid());
    EXPECT_EQ(waiter.join().returned, wait->natural());
}

}  // namespace

}  // namespace interrupt_tests
