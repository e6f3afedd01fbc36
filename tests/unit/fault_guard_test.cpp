// Mapped files that are cut short while they are looked at: several at once, in several threads, in a program that has
// a handler for SIGBUS of its own.
#include "control/fault_guard.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csetjmp>
#include <csignal>
#include <thread>
#include <vector>

namespace interrupt::control {
namespace {

class Mapped {
public:
    Mapped() : file_(::memfd_create("table", MFD_CLOEXEC)) {
        EXPECT_EQ(::ftruncate(file_, size), 0);
        memory_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
        EXPECT_NE(memory_, MAP_FAILED);
    }
    ~Mapped() {
        ::munmap(memory_, size);
        ::close(file_);
    }
    void cut() const { EXPECT_EQ(::ftruncate(file_, 0), 0); }
    void touch() const { *static_cast<volatile char*>(memory_) = 1; }
    void* memory() const { return memory_; }

    static constexpr size_t size = 4096;

private:
    int file_;
    void* memory_ = nullptr;
};

TEST(FaultGuards, KeepWhatIsCutShortApart) {
    const Mapped cut, whole, later;
    const FaultGuard cut_guard(cut.memory(), Mapped::size);
    const FaultGuard whole_guard(whole.memory(), Mapped::size);
    {
        const FaultGuard later_guard(later.memory(), Mapped::size);
        later.cut();
        later.touch();
        EXPECT_TRUE(later_guard.damaged());
    }
    EXPECT_FALSE(cut_guard.damaged());
    cut.cut();
    cut.touch();
    whole.touch();
    EXPECT_TRUE(cut_guard.damaged());
    EXPECT_FALSE(whole_guard.damaged());
    const FaultGuard again(later.memory(), Mapped::size);
    EXPECT_FALSE(again.damaged());
}

TEST(FaultGuards, WorkInManyThreadsAtOnce) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([] {
            for (int round = 0; round < 200; ++round) {
                const Mapped file;
                const FaultGuard guard(file.memory(), Mapped::size);
                EXPECT_FALSE(guard.damaged());
                file.cut();
                file.touch();
                EXPECT_TRUE(guard.damaged());
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

sigjmp_buf back;

TEST(FaultGuards, HandOnWhatIsNotTheirs) {
    struct sigaction own {
    }, before, now;
    own.sa_handler = [](int) { siglongjmp(back, 1); };
    ASSERT_EQ(::sigaction(SIGBUS, &own, &before), 0);
    const Mapped theirs, ours;
    theirs.cut();
    {
        const FaultGuard guard(ours.memory(), Mapped::size);
        if (sigsetjmp(back, 1) == 0) {
            theirs.touch();
            ADD_FAILURE() << "the program's own fault was not told";
        }
        EXPECT_FALSE(guard.damaged());
        ours.cut();
        ours.touch();
        EXPECT_TRUE(guard.damaged());
    }
    ASSERT_EQ(::sigaction(SIGBUS, &before, &now), 0);
    EXPECT_EQ(now.sa_handler, own.sa_handler) << "the program's handler is not as it was";
}

}  // namespace
}  // namespace interrupt::control
