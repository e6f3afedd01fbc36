#include "control/parallel.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace interrupt::control {
namespace {

constexpr size_t few = 500;  // not worth a thread
constexpr size_t batch = 64;
constexpr size_t most_threads = 8;

// The new threads take none of the signals that the command waits for; SIGBUS is FaultGuard's.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::sigdelset(&all, SIGBUS);
        ::pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

}  // namespace

void in_parallel(size_t count, const std::function<void(size_t)>& work) {
    std::atomic<size_t> next = 0;
    std::exception_ptr thrown;
    std::mutex thrown_lock;
    const auto take_part = [&] {
        try {
            for (size_t first; (first = next.fetch_add(batch, std::memory_order_relaxed)) < count;) {
                for (size_t i = first; i < std::min(first + batch, count); ++i) {
                    work(i);
                }
            }
        } catch (...) {
            const std::lock_guard<std::mutex> guard(thrown_lock);
            thrown = std::current_exception();
            next = count;
        }
    };
    std::vector<std::thread> others;
    const size_t wanted = std::min({count / few, size_t{std::thread::hardware_concurrency()}, most_threads});
    try {
        const SignalsBlocked signals_blocked;
        for (size_t i = 1; i < wanted; ++i) {
            others.emplace_back(take_part);
        }
    } catch (const std::system_error&) {
        // No more threads here: those that there are do it.
    }
    take_part();
    for (std::thread& other : others) {
        other.join();
    }
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

}  // namespace interrupt::control
