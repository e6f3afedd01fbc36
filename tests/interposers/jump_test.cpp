// A child that is forked in a handler, on top of a call, has a page in place of its parent's record, which the call has
// in hand. A jump out of the handler leaves the call for good, one inside it does not.
#include <gtest/gtest.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/interposers/descriptors.h"
#include "tests/interposers/scenario.h"
#include "tests/support/own_table.h"

namespace interrupt_tests {

namespace {

// In a child that is forked now.
bool child_has_memory_at(const void* address) {
    const uintptr_t page = reinterpret_cast<uintptr_t>(address) & ~uintptr_t{4095};
    const pid_t child = fork();
    if (child == 0) {
        unsigned char resident;
        const long result = raw_call(SYS_mincore, static_cast<long>(page), 4096, reinterpret_cast<long>(&resident));
        raw_call(SYS_exit_group, result == -ENOMEM ? 2 : 1);
    }
    int status = 0;
    raw_call(SYS_wait4, child, reinterpret_cast<long>(&status), 0, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 0) << status;
    return WEXITSTATUS(status) == 1;
}

thread_local sigjmp_buf away;
thread_local volatile bool had_memory_in_handler;

void fork_and_jump(int) {
    sigjmp_buf inner;
    if (sigsetjmp(inner, 1) == 0) {
        siglongjmp(inner, 1);
    }
    had_memory_in_handler = child_has_memory_at(own_record_of(own_tid()));
    siglongjmp(away, 1);
}

TEST(Jump, OutOfAHandlerLeavesTheCallBelowIt) {
    struct sigaction action = {};
    struct sigaction before;
    action.sa_handler = fork_and_jump;
    ASSERT_EQ(sigaction(SIGUSR2, &action, &before), 0);
    const Pipe pipe;
    std::atomic<pid_t> tid = 0;
    bool in_handler = false;
    bool afterwards = true;
    std::thread thread([&] {
        tid = own_tid();
        char byte;
        if (sigsetjmp(away, 1) == 0) {
            EXPECT_EQ(read(pipe.reader, &byte, 1), -2) << "the handler has jumped away";
        }
        in_handler = had_memory_in_handler;
        afterwards = child_has_memory_at(own_record_of(own_tid()));
    });
    await("the call", [&] { return tid != 0 && blocked_in(tid) == interrupt::Call::read_ && sleeps_undisturbed(tid); });
    EXPECT_EQ(send_signal(tid, SIGUSR2), 0);
    thread.join();
    EXPECT_TRUE(in_handler);
    EXPECT_FALSE(afterwards);
    sigaction(SIGUSR2, &before, nullptr);
}

}  // namespace

}  // namespace interrupt_tests
