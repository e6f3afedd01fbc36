// Coroutines that wait on stacks of their own, with room for one signal frame and little more and a page behind them
// that nobody may touch.
#include <sys/socket.h>
#include <ucontext.h>

#include "contract_support.h"
#include "ways_to_fork.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

class Coroutine {
public:
    explicit Coroutine(void (*body)()) {
        const auto size = static_cast<size_t>(sysconf(_SC_MINSIGSTKSZ)) + 1024;
        memory_ = static_cast<char*>(mmap(nullptr, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (size > (pages - 1) * page || mprotect(memory_ + page, (pages - 1) * page, PROT_READ | PROT_WRITE) != 0 ||
            getcontext(&context_) != 0) {
            throw std::runtime_error("no stack for a coroutine");
        }
        context_.uc_stack.ss_sp = memory_ + page;
        context_.uc_stack.ss_size = size;
        context_.uc_link = &caller_;
        makecontext(&context_, body, 0);
    }
    ~Coroutine() { munmap(memory_, pages * page); }
    Coroutine(const Coroutine&) = delete;
    Coroutine& operator=(const Coroutine&) = delete;

    void resume() { swapcontext(&caller_, &context_); }
    void yield() { swapcontext(&context_, &caller_); }

private:
    static constexpr size_t page = 4096;
    static constexpr size_t pages = 8;
    char* memory_;
    ucontext_t context_ = {};
    ucontext_t caller_ = {};
};

thread_local int reader;
thread_local Coroutine* current;
thread_local int interrupted;
thread_local int received;

void receive(int flags) {
    char byte = 0;
    const ssize_t count = recv(reader, &byte, 1, flags);
    interrupted += count < 0 && errno == EINTR;
    received += count == 1;
}

void receive_for_ever() {
    for (;;) {
        receive(0);
        current->yield();
    }
}

// The dynamic linker needs more stack than they have to find a function at its first call.
void find_functions() {
    Coroutine once([] { receive(MSG_DONTWAIT); });
    once.resume();
}

TEST(Coroutines, ThatWaitInTurnAreInterrupted) {
    int sockets[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    std::atomic<int> interrupts = 0;
    std::atomic<int> bytes = 0;
    constexpr int rounds = 100;
    Worker worker([&] {
        reader = sockets[0];
        find_functions();
        interrupted = received = 0;
        Coroutine first(receive_for_ever);
        Coroutine second(receive_for_ever);
        current = &first;
        for (int i = 0; i < 2 * rounds; ++i) {
            current = i % 3 == 0 ? &first : &second;
            current->resume();
        }
        interrupts = interrupted;
        bytes = received;
    });
    for (int i = 0; i < rounds; ++i) {
        ASSERT_TRUE(worker.await(Call::recv_));
        const uint32_t sequence = own_table().request_of(worker.tid()).sequence();
        ASSERT_EQ(interrupt_thread(worker.tid()), 0);
        ASSERT_TRUE(eventually(
            [&] { return interrupt::Delivered{worker.record()->delivered.load()}.sequence() == sequence + 1; }));
        ASSERT_EQ(send(sockets[1], "x", 1, 0), 1);
    }
    worker.join();
    EXPECT_EQ(interrupts, rounds);
    EXPECT_EQ(bytes, rounds);
    close(sockets[0]);
    close(sockets[1]);
}

// A forked child makes its thread table at its first interruption point, on whatever stack that is, and in one child of
// sixteen removes the files of dead processes.
TEST(Coroutines, OfAForkedChildThatHasNoTable) {
    int sockets[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    reader = sockets[0];
    find_functions();
    for (int i = 0; i < 100; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            Coroutine first([] { receive(MSG_DONTWAIT); });
            first.resume();
            _exit(0);
        }
        ASSERT_EQ(status_of(child), 0) << "child " << i;
    }
    close(sockets[0]);
    close(sockets[1]);
}

}  // namespace
}  // namespace interrupt_tests
