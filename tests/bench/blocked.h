// A thread that waits in the same call again and again, and the time from a request to each wait's return.
#pragma once

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <thread>

#include "tests/interposers/raw_calls.h"

namespace interrupt_bench {

using interrupt_tests::own_tid;
using interrupt_tests::raw_call;

// Past the shim: neither side of what is measured is to do more than the other.
inline uint64_t now_ns() {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Until the thread sleeps in the kernel.
inline void await_asleep(pid_t tid) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    for (;; raw_call(SYS_sched_yield)) {
        char text[256] = {};
        std::FILE* const file = std::fopen(path, "r");
        const size_t size = std::fread(text, 1, sizeof text - 1, file);
        std::fclose(file);
        const char* const end = std::strrchr(text, ')');
        if (size > 0 && end != nullptr && end[2] == 'S') {
            return;
        }
    }
}

class Blocked {
public:
    // `wait` waits once, and says whether it was interrupted; `end` makes it return otherwise.
    Blocked(std::function<bool()> wait, std::function<void()> end)
        : end_(std::move(end)), thread_([this, wait = std::move(wait)] { run(wait); }) {
        while (tid_ == 0) {
            raw_call(SYS_sched_yield);
        }
    }
    Blocked(const Blocked&) = delete;
    ~Blocked() {
        stop_ = true;
        end_();
        thread_.join();
    }

    pid_t tid() const { return tid_; }
    int rounds() const { return rounds_.load(std::memory_order_acquire); }

    // Microseconds; `request(tid)` tells when it began.
    double measure(auto&& request) {
        const int round = rounds_;
        await_asleep(tid_);
        const uint64_t began = request(tid());
        while (rounds() == round) {
            raw_call(SYS_sched_yield);
        }
        return (static_cast<double>(returned_) - static_cast<double>(began)) / 1000;
    }

private:
    void run(const std::function<bool()>& wait) {
        tid_ = own_tid();
        while (!stop_) {
            const bool interrupted = wait();
            returned_ = now_ns();
            if (interrupted) {
                rounds_.fetch_add(1, std::memory_order_release);
            }
        }
    }

    const std::function<void()> end_;
    std::atomic<pid_t> tid_ = 0;
    std::atomic<int> rounds_ = 0;
    std::atomic<bool> stop_ = false;
    uint64_t returned_ = 0;
    std::thread thread_;
};

}  // namespace interrupt_bench
