// libinterruptctl, by its C face, on real programs.
#include <interrupt/interruptctl.h>
#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

class Handle {
public:
    explicit Handle(const std::string& pid) {
        EXPECT_EQ(interruptctl_open(std::stoi(pid), &handle_), 0) << interruptctl_error(nullptr);
    }
    ~Handle() { interruptctl_close(handle_); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    operator interruptctl_process*() const { return handle_; }

    const interruptctl_thread* thread(const std::string& tid) const {
        size_t count = 0;
        EXPECT_EQ(interruptctl_threads(handle_, &count), 0) << interruptctl_error(handle_);
        for (size_t i = 0; i < count; ++i) {
            if (interruptctl_thread_at(handle_, i)->tid == std::stoi(tid)) {
                return interruptctl_thread_at(handle_, i);
            }
        }
        return nullptr;
    }

private:
    interruptctl_process* handle_ = nullptr;
};

interruptctl_request request(const char* outcome, unsigned flags = 0, uint64_t timeout = 1'000'000'000) {
    interruptctl_request request = INTERRUPTCTL_REQUEST_INIT;
    request.outcome = outcome;
    request.flags = flags;
    request.timeout = timeout;
    return request;
}

TEST(Library, ListsThreads) {
    Sleeper sleeper({"recv", "sem"});
    const Handle handle(sleeper.pid());
    size_t count = 0;
    ASSERT_EQ(interruptctl_threads(handle, &count), INTERRUPTCTL_DONE);
    EXPECT_EQ(count, 3u);
    EXPECT_EQ(interruptctl_thread_at(handle, count), nullptr);
    const interruptctl_thread* thread = handle.thread(sleeper.tid("recv"));
    ASSERT_NE(thread, nullptr);
    EXPECT_STREQ(thread->name, "recv");
    EXPECT_STREQ(thread->state, "blocked");
    EXPECT_STREQ(thread->call, "recv");
    EXPECT_EQ(thread->fd, sleeper.seen("recv").at("target"));
    EXPECT_STREQ(thread->mask, "none");
    EXPECT_EQ(thread->pending, nullptr);
    EXPECT_EQ(thread->delivered_outcome, nullptr);
    const interruptctl_thread* semaphore = handle.thread(sleeper.tid("sem"));
    EXPECT_EQ(semaphore->fd, -1);
    EXPECT_NE(semaphore->target, 0u);
}

TEST(Library, InterruptsAndSaysWhatBecameOfIt) {
    Sleeper sleeper({"recv", "masked"});
    const Handle handle(sleeper.pid());
    const interruptctl_result* result = nullptr;
    const auto reset = request("errno:ECONNRESET");
    ASSERT_EQ(interruptctl_interrupt(handle, std::stoi(sleeper.tid("recv")), &reset, &result), INTERRUPTCTL_DONE);
    EXPECT_STREQ(result->word, "delivered");
    EXPECT_TRUE(std::string(result->call).starts_with("recv(fd "));
    EXPECT_GT(result->latency, 0u);
    EXPECT_STREQ(interruptctl_error(handle), "");
    EXPECT_EQ(sleeper.result("recv"), "-1 ECONNRESET");
    const auto brief = request(nullptr, 0, 10'000'000);
    ASSERT_EQ(interruptctl_interrupt(handle, std::stoi(sleeper.tid("masked")), &brief, &result),
              INTERRUPTCTL_NOT_DELIVERED);
    EXPECT_STREQ(result->word, "withdrawn");
    EXPECT_NE(std::string(interruptctl_error(handle)).find("it is masked"), std::string::npos);
}

TEST(Library, LeavesPendingAndClears) {
    Sleeper sleeper({"masked"});
    const Handle handle(sleeper.pid());
    const pid_t tid = std::stoi(sleeper.tid("masked"));
    const auto sticky = request("errno:EPIPE", INTERRUPTCTL_STICKY, 0);
    ASSERT_EQ(interruptctl_interrupt(handle, tid, &sticky, nullptr), INTERRUPTCTL_DONE) << interruptctl_error(handle);
    EXPECT_STREQ(handle.thread(sleeper.tid("masked"))->pending, "errno:EPIPE");
    const char* cleared = nullptr;
    ASSERT_EQ(interruptctl_clear(handle, tid, &cleared), INTERRUPTCTL_DONE);
    EXPECT_STREQ(cleared, "errno:EPIPE");
    ASSERT_EQ(interruptctl_clear(handle, tid, &cleared), INTERRUPTCTL_DONE);
    EXPECT_EQ(cleared, nullptr);
}

TEST(Library, WaitsForThreads) {
    Sleeper sleeper({"recv", "sem"});
    const Handle handle(sleeper.pid());
    interruptctl_wanted wanted = INTERRUPTCTL_WANTED_INIT;
    wanted.calls = "recv,sem_wait";
    wanted.count = 2;
    size_t count = 0;
    ASSERT_EQ(interruptctl_wait(handle, &wanted, &count), INTERRUPTCTL_DONE) << interruptctl_error(handle);
    EXPECT_EQ(count, 2u);
    wanted.calls = "accept";
    wanted.timeout = 1'000'000;
    EXPECT_EQ(interruptctl_wait(handle, &wanted, &count), INTERRUPTCTL_NOT_DELIVERED);
    EXPECT_NE(std::string(interruptctl_error(handle)).find("blocked in accept"), std::string::npos);
}

TEST(Library, RefusesWhatCanNeverBeRight) {
    Sleeper sleeper({"recv"});
    const Handle handle(sleeper.pid());
    const pid_t tid = std::stoi(sleeper.tid("recv"));
    interruptctl_process* none = reinterpret_cast<interruptctl_process*>(1);
    EXPECT_EQ(interruptctl_open(0, &none), INTERRUPTCTL_USAGE);
    EXPECT_EQ(none, nullptr);
    EXPECT_EQ(interruptctl_open(1 << 30, &none), INTERRUPTCTL_NOT_FOUND);
    EXPECT_NE(std::string(interruptctl_error(nullptr)), "");
    EXPECT_EQ(interruptctl_open(::getpid(), &none), INTERRUPTCTL_NOT_UNDER_SHIM);
    EXPECT_EQ(interruptctl_open(::getpid(), nullptr), INTERRUPTCTL_USAGE);
    EXPECT_EQ(interruptctl_threads(nullptr, nullptr), INTERRUPTCTL_USAGE);
    EXPECT_EQ(interruptctl_thread_at(nullptr, 0), nullptr);
    interruptctl_close(nullptr);

    for (const auto& wrong : {request("errno:NONSENSE"), request("eofs"), request(nullptr, 4), request(nullptr, 0, 0),
                              request(nullptr, INTERRUPTCTL_STICKY | INTERRUPTCTL_THIS_WAIT), interruptctl_request{}}) {
        const interruptctl_result* result = reinterpret_cast<const interruptctl_result*>(1);
        EXPECT_EQ(interruptctl_interrupt(handle, tid, &wrong, &result), INTERRUPTCTL_USAGE);
        EXPECT_EQ(result, nullptr);
    }
    EXPECT_EQ(interruptctl_interrupt(handle, 1, nullptr, nullptr), INTERRUPTCTL_NOT_FOUND);
    // A newer header's structure: what it has more is zero, or else is asked for in vain.
    struct {
        interruptctl_request known;
        uint64_t more;
    } newer{request("errno:EPIPE"), 0};
    newer.known.size = sizeof newer;
    newer.more = 1;
    EXPECT_EQ(interruptctl_interrupt(handle, tid, &newer.known, nullptr), INTERRUPTCTL_USAGE);
    newer.more = 0;
    EXPECT_EQ(interruptctl_interrupt(handle, tid, &newer.known, nullptr), INTERRUPTCTL_DONE);
}

TEST(Library, FollowsItsProcessThroughAnExec) {
    Child child({INTERRUPTCTL_PATH, "run", "sh", "-c", "echo ready; read line; exec sleep 1000"});
    ASSERT_EQ(child.line(), "ready");
    const Handle handle(std::to_string(child.pid()));
    child.write("go\n");
    // Between the two programs there is a moment without a table.
    ASSERT_TRUE(eventually([&] {
        size_t count = 0;
        const int status = interruptctl_threads(handle, &count);
        EXPECT_TRUE(status == INTERRUPTCTL_DONE || status == INTERRUPTCTL_NOT_UNDER_SHIM) << interruptctl_error(handle);
        return status == INTERRUPTCTL_DONE && std::string(interruptctl_thread_at(handle, 0)->name) == "sleep";
    }));
}

TEST(Library, KnowsThatItsProcessHasLeftTheShimOrEnded) {
    Sleeper sleeper({"recv"});
    const Handle handle(sleeper.pid());
    sleeper.child().write("exec\n");
    ASSERT_TRUE(eventually([&] { return interruptctl_threads(handle, nullptr) == INTERRUPTCTL_NOT_UNDER_SHIM; }));
    sleeper.child().send(SIGKILL);
    sleeper.child().finish();
    EXPECT_EQ(interruptctl_threads(handle, nullptr), INTERRUPTCTL_NOT_FOUND);
    EXPECT_NE(std::string(interruptctl_error(handle)).find("has ended"), std::string::npos);
}

TEST(Library, IsNotNoticedByItsProgram) {
    Sleeper sleeper({"recv"});
    sigset_t before, bus, after;
    ::sigemptyset(&bus);
    ::sigaddset(&bus, SIGBUS);
    ::pthread_sigmask(SIG_BLOCK, &bus, &before);
    int state = 0;
    ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    {
        const Handle handle(sleeper.pid());
        errno = 77;
        EXPECT_EQ(interruptctl_threads(handle, nullptr), 0);
        EXPECT_EQ(interruptctl_interrupt(handle, 1, nullptr, nullptr), INTERRUPTCTL_NOT_FOUND);
        EXPECT_EQ(errno, 77);
    }
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    EXPECT_EQ(sigismember(&after, SIGBUS), 1);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setcancelstate(state, &state);
    EXPECT_EQ(state, PTHREAD_CANCEL_ENABLE);
    struct sigaction action {};
    ::sigaction(SIGBUS, nullptr, &action);
    EXPECT_EQ(action.sa_handler, SIG_DFL);
}

TEST(Library, HasHandlesInManyThreads) {
    Sleeper sleeper({"recv", "sem", "poll", "nanosleep", "pause", "read"});
    std::vector<std::thread> threads;
    for (const std::string call : {"recv", "sem", "poll", "nanosleep", "pause", "read"}) {
        threads.emplace_back([&sleeper, call] {
            const Handle handle(sleeper.pid());
            for (int i = 0; i < 50; ++i) {
                EXPECT_NE(handle.thread(sleeper.tid(call)), nullptr);
            }
            EXPECT_EQ(interruptctl_interrupt(handle, std::stoi(sleeper.tid(call)), nullptr, nullptr), 0)
                << interruptctl_error(handle);
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

}  // namespace
}  // namespace interrupt_tests
