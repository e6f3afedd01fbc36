// Alternate signal stacks with room for one signal frame and little more, with a page behind them that nobody may
// touch: what the shim adds must not need a second frame there.
#include <setjmp.h>

#include "contract_support.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

// Of the calling thread, as long as it lives.
class AlternateStack {
public:
    explicit AlternateStack(size_t for_the_handler = 1024) {
        const auto size = static_cast<size_t>(sysconf(_SC_MINSIGSTKSZ)) + for_the_handler;
        memory_ = static_cast<char*>(mmap(nullptr, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        mprotect(memory_ + page, (pages - 1) * page, PROT_READ | PROT_WRITE);
        stack_t stack = {};
        stack.ss_sp = memory_ + page;
        stack.ss_size = size;
        if (size > (pages - 1) * page || sigaltstack(&stack, &before_) != 0) {
            throw std::runtime_error("no alternate stack");
        }
    }
    ~AlternateStack() {
        sigaltstack(&before_, nullptr);
        munmap(memory_, pages * page);
    }
    AlternateStack(const AlternateStack&) = delete;
    AlternateStack& operator=(const AlternateStack&) = delete;

private:
    static constexpr size_t page = 4096;
    static constexpr size_t pages = 8;
    char* memory_;
    stack_t before_ = {};
};

std::atomic<int> handled;
std::atomic<int> result_in_handler;
std::atomic<int> waits_in_handler;
std::atomic<bool> entered;
std::atomic<bool> may_return;
thread_local sigjmp_buf way_out;

void count(int) {
    ++handled;
}

void wait_in_handler(int) {
    entered = true;
    struct pollfd nothing = {-1, 0, 0};
    do {
        result_in_handler = poll(&nothing, 1, 1);
        ++waits_in_handler;
    } while (!may_return && result_in_handler == 0);
}

TEST(OnAnAlternateStack, HandlersAndNudgesNeverNeedTwoFrames) {
    Handler low(SIGUSR1, count, SA_ONSTACK | SA_RESTART);  // dequeued before the nudge
    Handler high(SIGRTMIN + 3, count, SA_ONSTACK | SA_RESTART);
    struct sigaction action;
    for (const int signal : {SIGUSR1, SIGRTMIN + 3}) {  // the two shut each other out: the program needs one frame only
        sigaction(signal, nullptr, &action);
        sigaddset(&action.sa_mask, SIGUSR1);
        sigaddset(&action.sa_mask, SIGRTMIN + 3);
        sigaction(signal, &action, nullptr);
    }
    std::atomic<bool> done = false;
    std::atomic<int> interrupted = 0;
    std::atomic<int> error = 0;
    Worker worker([&] {
        AlternateStack stack;
        while (!done) {
            interrupted += errno_of_wait(1) == EINTR;
        }
        error = errno_of_wait();
    });
    for (int i = 0; i < 10'000; ++i) {
        send_to_thread(worker.tid(), i % 3 == 0 ? SIGRTMIN + 3 : SIGUSR1);
        interrupt_thread(worker.tid());
        send_to_thread(worker.tid(), SIGURG);
        if (i % 64 == 0) {
            usleep(100);
        }
    }
    done = true;
    ASSERT_TRUE(eventually([&] {
        interrupt_thread(worker.tid());
        return worker.done();
    }));
    worker.join();
    EXPECT_EQ(error, EINTR);
    EXPECT_GT(handled, 0);
    EXPECT_GT(interrupted, 0);
}

// There is no room to interrupt it: the request is for the wait under the handler.
TEST(OnAnAlternateStack, AHandlerThatWaitsIsNotInterrupted) {
    Handler handler(SIGUSR1, wait_in_handler, SA_ONSTACK | SA_RESTART);
    entered = may_return = false;
    errno_of_wait(0);  // the dynamic linker has found poll: it needs more stack than the handler has
    std::atomic<ssize_t> got = -2;
    std::atomic<int> error = 0;
    Pipe pipe;
    Worker worker([&] {
        AlternateStack stack;
        char byte;
        got = read(pipe.reader(), &byte, 1);
        error = errno;
    });
    ASSERT_TRUE(worker.await(Call::read_));
    send_to_thread(worker.tid(), SIGUSR1);
    ASSERT_TRUE(eventually([] { return entered.load(); }));
    ASSERT_TRUE(worker.await(Call::poll_));
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    send_to_thread(worker.tid(), SIGURG);
    const int delivered_before = static_cast<int>(own_table().header().delivered.load());
    EXPECT_TRUE(worker.pending());
    const int waits_before = waits_in_handler;
    EXPECT_TRUE(eventually([&] { return waits_in_handler > waits_before + 20; }));
    EXPECT_TRUE(worker.pending());
    EXPECT_EQ(result_in_handler, 0);
    EXPECT_EQ(static_cast<int>(own_table().header().delivered.load()), delivered_before);
    may_return = true;
    worker.join();
    EXPECT_EQ(got, -1);
    EXPECT_EQ(error, EINTR);
}

void jump_out(int) {
    siglongjmp(way_out, 1);
}

// The nudge, shut out in the handler, is let in again.
TEST(OnAnAlternateStack, AHandlerThatIsLeftByAJump) {
    for (const int saves_mask : {0, 1}) {
        for (const int flags : {SA_ONSTACK, SA_ONSTACK | static_cast<int>(SA_NODEFER)}) {
            SCOPED_TRACE(testing::Message() << "saves the mask: " << saves_mask << ", flags " << flags);
            Handler handler(SIGUSR1, jump_out, flags);
            std::atomic<int> error = 0;
            Worker worker([&] {
                AlternateStack stack(8192);  // the dynamic linker finds siglongjmp there
                if (sigsetjmp(way_out, saves_mask) == 0) {
                    raise(SIGUSR1);
                }
                error = errno_of_wait();
            });
            ASSERT_TRUE(worker.await(Call::poll_));
            interrupt_thread(worker.tid());
            worker.join();
            EXPECT_EQ(error, EINTR);
        }
    }
}

}  // namespace
}  // namespace interrupt_tests
