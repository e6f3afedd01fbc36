// Spawned programs inherit what the program ignores. For that the nudge's signal is really ignored for the time of the
// call: also while several threads spawn at once, and without the loss of a request to any other thread.
#include <spawn.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "contract_support.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

// The exit status of targets/ignores, spawned without the shim; -1 if it could not be.
int spawn_ignores() {
    std::string path = std::string(TARGETS_DIR) + "/ignores";
    char* arguments[] = {path.data(), nullptr};
    char* no_environment[] = {nullptr};
    pid_t child = 0;
    if (posix_spawn(&child, path.c_str(), nullptr, nullptr, arguments, no_environment) != 0) {
        return -1;
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The kernel's view of what the process does with SIGURG.
bool sigurg_is_caught() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("SigCgt:")) {
            return std::strtoull(line.c_str() + 7, nullptr, 16) >> (SIGURG - 1) & 1;
        }
    }
    return false;
}

// Threads that spawn without a pause, until they are told to stop.
class Spawners {
public:
    explicit Spawners(int count) {
        for (int i = 0; i < count; ++i) {
            threads_.emplace_back([this] {
                while (!over_) {
                    const int status = spawn_ignores();
                    (status == 0 ? heirs_ : status == 1 ? disinherited_ : failed_) += 1;
                }
            });
        }
    }
    ~Spawners() { stop(); }
    void stop() {
        over_ = true;
        for (std::thread& thread : threads_) {
            if (thread.joinable()) {
                thread.join();
            }
        }
    }
    int heirs() const { return heirs_; }
    int disinherited() const { return disinherited_; }
    int failed() const { return failed_; }

private:
    std::atomic<bool> over_ = false;
    std::atomic<int> heirs_ = 0;
    std::atomic<int> disinherited_ = 0;
    std::atomic<int> failed_ = 0;
    std::vector<std::thread> threads_;
};

TEST(Spawn, BySeveralThreadsWhileInterruptsArrive) {
    Handler ignored(SIGURG, SIG_IGN);
    std::atomic<bool> over = false;
    std::atomic<int> interrupted = 0;
    std::atomic<int> timed_out = 0;
    Worker worker([&] {
        while (!over) {
            (errno_of_wait() == EINTR ? interrupted : timed_out) += 1;
        }
    });
    Spawners spawners(4);
    int requests = 0;
    while (requests < 20 || spawners.heirs() + spawners.disinherited() + spawners.failed() < 1'000) {
        ASSERT_TRUE(worker.await(Call::poll_));
        ASSERT_EQ(interrupt_thread(worker.tid()), 0);
        ++requests;
        ASSERT_TRUE(eventually([&] { return interrupted + timed_out == requests; }))
            << "request " << requests << " is lost";
        ASSERT_EQ(timed_out, 0);
    }
    spawners.stop();
    EXPECT_EQ(spawners.disinherited(), 0) << "of " << spawners.heirs() << ": they had SIGURG not ignored";
    EXPECT_EQ(spawners.failed(), 0);
    EXPECT_TRUE(sigurg_is_caught()) << "the nudge's handler was to be back";
    over = true;
    ASSERT_TRUE(worker.await(Call::poll_));
    ASSERT_EQ(interrupt_thread(worker.tid()), 0);
    worker.join();
    EXPECT_EQ(interrupted, requests + 1);
}

// A child that is forked while another thread spawns inherits the signal ignored for the time of that call.
TEST(Spawn, WhileAnotherThreadForks) {
    Handler ignored(SIGURG, SIG_IGN);
    Spawners spawners(2);
    for (int i = 0; i < 50; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            poll(nullptr, 0, 0);
            alarm(20);
            std::thread requester([victim = gettid()] {
                eventually([&] { return Table(getpid()).call_of(victim) == Call::poll_; });
                interrupt_thread(victim);
            });
            const int error = errno_of_wait();
            requester.join();
            _exit(error == EINTR && spawn_ignores() == 0 && sigurg_is_caught() ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child " << i << " ended with " << status;
    }
    spawners.stop();
    EXPECT_EQ(spawners.disinherited(), 0);
}

}  // namespace
}  // namespace interrupt_tests
