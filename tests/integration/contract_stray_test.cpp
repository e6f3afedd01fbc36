// No stray: a nudge or a retry is never visible where no request is owed, in interposed and in raw system calls; and a
// signal of the nudge's number that is somebody else's acts by the program's own disposition.
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include <limits>

#include "contract_support.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

// A system call without libc: nothing of the shim stands before it.
long raw(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    long result;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

template <class T>
long address(T* pointer) {
    return reinterpret_cast<long>(pointer);
}

// Raw waits of 100 us each; how many ended with EINTR.
int raw_waits(int round) {
    const timespec moment = {0, 100'000};
    timespec time = moment;
    int word = 0;
    int strays = 0;
    switch (round % 3) {
        case 0:
            strays += raw(SYS_nanosleep, address(&time)) == -EINTR;
            break;
        case 1:
            strays += raw(SYS_ppoll, 0, 0, address(&time)) == -EINTR;
            break;
        default:
            strays += raw(SYS_futex, address(&word), FUTEX_WAIT_PRIVATE, 0, address(&time)) == -EINTR;
            break;
    }
    return strays;
}

// Between interposed waits that requests end, the same thread makes raw calls.
TEST(NoStray, InRawCallsBetweenInterposedOnes) {
    constexpr int enough = 10'000;
    std::atomic<int> strays = 0;
    std::atomic<int> interrupted = 0;
    Worker victim([&] {
        for (int round = 0; interrupted < enough; ++round) {
            interrupted += poll(nullptr, 0, 1) == -1;
            strays += raw_waits(round);
        }
    });
    int failed = 0;
    for (int i = 0; !victim.done(); ++i) {
        failed += !victim.pending() && interrupt_thread(victim.tid()) != 0 && !victim.done();
        spin(i * 31 % 10'000);
    }
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(strays, 0);
}

TEST(NoStray, InAThreadThatMakesRawCallsOnly) {
    std::atomic<bool> stop = false;
    std::atomic<int> strays = 0;
    std::atomic<int> waits = 0;
    Worker victim([&] {
        while (!stop.load()) {
            strays += raw_waits(waits++);
        }
    });
    while (waits < 500) {
        ASSERT_EQ(interrupt_thread(victim.tid()), 0);
    }
    EXPECT_TRUE(victim.pending());
    stop = true;
    victim.join();
    EXPECT_EQ(strays, 0);
}

TEST(NoStray, InOtherThreads) {
    std::atomic<bool> stop = false;
    std::atomic<int> strays = 0;
    Worker target([&] {
        while (!stop.load()) {
            poll(nullptr, 0, 1);
        }
    });
    Worker raw_neighbour([&] {
        for (int round = 0; !stop.load(); ++round) {
            strays += raw_waits(round);
        }
    });
    Worker neighbour([&] {
        while (!stop.load()) {
            strays += poll(nullptr, 0, 1) != 0;
        }
    });
    for (int i = 0; i < 20'000; ++i) {
        interrupt_thread(target.tid());
    }
    stop = true;
    EXPECT_TRUE(eventually([&] { return target.done() && raw_neighbour.done() && neighbour.done(); }));
    EXPECT_EQ(strays, 0);
}

// A masked thread is not nudged: its waits, interposed ones too, go on.
TEST(NoStray, InAMaskedThread) {
    std::atomic<bool> stop = false;
    std::atomic<int> strays = 0;
    std::atomic<int> waits = 0;
    Worker victim([&] {
        interrupt_mask(INTERRUPT_MASK_ALL);
        while (!stop.load()) {
            strays += poll(nullptr, 0, 1) != 0;
            strays += raw_waits(waits++);
        }
    });
    while (waits < 200) {
        interrupt_thread(victim.tid());
    }
    stop = true;
    victim.join();
    EXPECT_EQ(strays, 0);
}

// --- SIGURG from elsewhere, ignored by default ---

class ForeignSignal : public testing::TestWithParam<const char*> {};

// Sends SIGURG to a thread that waits in `call`, many times, until `enough`.
void send_foreign(Worker& worker, Call call, int count = 30) {
    ASSERT_TRUE(worker.await(call));
    for (int i = 0; i < count && !worker.done(); ++i) {
        ASSERT_EQ(send_to_thread(worker.tid(), SIGURG), 0);
        std::this_thread::sleep_for(milliseconds(1));
    }
}

TEST(ForeignSigurg, PollGoesOnToItsFullTime) {
    std::atomic<int> result = -2;
    std::atomic<long> took = 0;
    Worker worker([&] {
        const auto start = Clock::now();
        result = poll(nullptr, 0, 200);
        took = std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
    });
    send_foreign(worker, Call::poll_);
    worker.join();
    EXPECT_EQ(result, 0);
    EXPECT_GE(took, 200);
    EXPECT_LT(took, 2000);
}

TEST(ForeignSigurg, SleepGoesOnToItsFullTime) {
    std::atomic<int> result = -2;
    std::atomic<long> took = 0;
    Worker worker([&] {
        const auto start = Clock::now();
        timespec time = {0, 200'000'000};
        result = nanosleep(&time, nullptr);
        took = std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
    });
    send_foreign(worker, Call::nanosleep_);
    worker.join();
    EXPECT_EQ(result, 0);
    EXPECT_GE(took, 200);
    EXPECT_LT(took, 2000);
}

// As `sleep infinity` asks for it.
TEST(ForeignSigurg, TheLongestTimesStayLong) {
    const timespec longest = {std::numeric_limits<time_t>::max(), 999'999'999};
    const std::pair<Call, std::function<int()>> waits[] = {
        {Call::nanosleep_, [&] { return nanosleep(&longest, nullptr); }},
        {Call::ppoll_, [&] { return ppoll(nullptr, 0, &longest, nullptr); }},
    };
    for (const auto& [call, wait] : waits) {
        std::atomic<int> error = 0;
        Worker worker([&, wait = wait] { error = wait() == -1 ? errno : 0; });
        send_foreign(worker, call);
        ASSERT_TRUE(worker.await(call));
        EXPECT_FALSE(worker.done());
        interrupt_thread(worker.tid());
        worker.join();
        EXPECT_EQ(error, EINTR);
    }
}

// The kernel's rest of a sleep has the timer's slack in it; a thousand of them must not add up.
TEST(ForeignSigurg, ManyDoNotProlongASleep) {
    timespec before;
    timespec after;
    prctl(PR_SET_TIMERSLACK, 20'000'000);
    std::atomic<bool> sleeping = true;
    const pid_t sleeper = gettid();
    Worker storm([&] {
        while (sleeping) {
            send_to_thread(sleeper, SIGURG);
            usleep(500);
        }
    });
    clock_gettime(CLOCK_MONOTONIC, &before);
    const timespec time = {0, 200'000'000};
    EXPECT_EQ(nanosleep(&time, nullptr), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    sleeping = false;
    prctl(PR_SET_TIMERSLACK, 0);
    const int64_t took = (after.tv_sec - before.tv_sec) * 1'000'000'000 + after.tv_nsec - before.tv_nsec;
    EXPECT_GE(took, 200'000'000);
    EXPECT_LT(took, 5'000'000'000);
}

TEST(ForeignSigurg, ReadGoesOnUntilDataComes) {
    Pipe pipe;
    std::atomic<ssize_t> got = -2;
    Worker worker([&] {
        char byte;
        got = read(pipe.reader(), &byte, 1);
    });
    send_foreign(worker, Call::read_);
    EXPECT_FALSE(worker.done());
    pipe.put();
    worker.join();
    EXPECT_EQ(got, 1);
}

TEST(ForeignSigurg, WriteOfManyBytesIsNotCutShort) {
    Pipe pipe;
    constexpr size_t size = 1 << 20;
    const std::string data(size, 'd');
    std::atomic<ssize_t> written = -2;
    Worker worker([&] {
        written = write(pipe.writer(), data.data(), data.size());
        pipe.close(1);
    });
    size_t received = 0;
    std::string buffer(4096, 0);
    for (ssize_t count = 1; count > 0; received += static_cast<size_t>(count)) {
        send_to_thread(worker.tid(), SIGURG);
        count = read(pipe.reader(), buffer.data(), buffer.size());
    }
    worker.join();
    EXPECT_EQ(written, static_cast<ssize_t>(size));
    EXPECT_EQ(received, size);
}

TEST(ForeignSigurg, RequestIsStillDelivered) {
    std::atomic<int> error = -1;
    Worker worker([&] { error = errno_of_wait(); });
    send_foreign(worker, Call::poll_, 10);
    EXPECT_FALSE(worker.done());
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    worker.join();
    EXPECT_EQ(error, EINTR);
}

// The nudge's cookie alone, with nothing pending, ends no wait: it is nobody's.
TEST(ForeignSigurg, NudgeWithoutARequestEndsNoWait) {
    std::atomic<int> result = -2;
    Worker worker([&] { result = poll(nullptr, 0, 150); });
    ASSERT_TRUE(worker.await(Call::poll_));
    OutsideKernel kernel(getpid(), own_table());
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(kernel.nudge(static_cast<uint32_t>(worker.tid())), 0);
        std::this_thread::sleep_for(milliseconds(1));
    }
    worker.join();
    EXPECT_EQ(result, 0);
}

std::atomic<int> handled;
void count_signal(int) {
    ++handled;
}

// What the kernel does with a program's handler (signal(7)): with SA_RESTART a read goes on, a poll does not.
TEST(ForeignSigurg, HandledWithRestart) {
    Handler handler(SIGURG, count_signal, SA_RESTART);
    handled = 0;
    Pipe pipe;
    std::atomic<ssize_t> got = -2;
    std::atomic<int> error = 0;
    Worker worker([&] {
        char byte;
        got = read(pipe.reader(), &byte, 1);
        error = errno_of_wait();
    });
    send_foreign(worker, Call::read_, 5);
    EXPECT_TRUE(eventually([] { return handled > 0; }));
    EXPECT_FALSE(worker.done());
    pipe.put();
    ASSERT_TRUE(worker.await(Call::poll_));
    send_to_thread(worker.tid(), SIGURG);
    worker.join();
    EXPECT_EQ(got, 1);
    EXPECT_EQ(error, EINTR);
}

TEST(ForeignSigurg, HandledWithoutRestart) {
    Handler handler(SIGURG, count_signal, 0);
    handled = 0;
    Pipe pipe;
    std::atomic<int> error = -1;
    Worker worker([&] {
        char byte;
        error = read(pipe.reader(), &byte, 1) == -1 ? errno : 0;
    });
    ASSERT_TRUE(worker.await(Call::read_));
    send_to_thread(worker.tid(), SIGURG);
    worker.join();
    EXPECT_EQ(error, EINTR);
    EXPECT_EQ(handled, 1);
}

// Requests, with a handler of the program's for the nudge's signal: it never runs for a nudge.
TEST(ForeignSigurg, ProgramsHandlerNeverSeesANudge) {
    Handler handler(SIGURG, count_signal, 0);
    handled = 0;
    std::atomic<int> interrupted = 0;
    constexpr int rounds = 200;
    Worker worker([&] {
        while (interrupted < rounds) {
            interrupted += errno_of_wait(1) == EINTR;
        }
    });
    while (!worker.done()) {
        interrupt_thread(worker.tid());
        sched_yield();
    }
    EXPECT_EQ(handled, 0);
}

}  // namespace
}  // namespace interrupt_tests
