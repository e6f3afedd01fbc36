// A thread of the storm: it waits in every way the list has, in a random order, or moves data that it checks; after
// each call it compares what it saw with what its record says was delivered.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "own_record.h"

namespace storm {

struct Counts {
    std::atomic<uint64_t> stray_interposed = 0;  // an interposed call was interrupted without a delivery
    std::atomic<uint64_t> stray_raw = 0;         // a raw system call came back with EINTR
    std::atomic<uint64_t> lost_outcomes = 0;     // a delivery that the call's result does not show
    std::atomic<uint64_t> own_eintr = 0;         // by the program's own signal
    std::atomic<uint64_t> data_errors = 0;       // a byte lost or repeated
    std::atomic<uint64_t> bytes = 0;
};

// The next number of a sequence.
uint64_t next(uint64_t& random);

class Worker {
public:
    enum class Job { waits, pipe_reader, pipe_writer, socket_reader, socket_writer };

    // Readers and writers share the two ends of one pipe or socket pair.
    Worker(Job job, uint64_t seed, Counts& counts, int fd);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    uint32_t tid() const { return tid_; }
    // It waits without end each time: a request must get it out. One that moves data may find data for long.
    bool always_blocks() const { return job_ == Job::waits; }
    interrupt::ThreadRecord& record() const { return *record_; }
    void stop() { stop_ = true; }
    bool stopped() const { return ended_; }
    const std::vector<uint64_t>& deliveries() const { return deliveries_; }  // for each wait; once stopped

private:
    void run();
    void wait_randomly();
    void move_data();
    void make_raw_calls();
    bool delivered_since(uint64_t& before) const;

    const Job job_;
    uint64_t random_;
    Counts& counts_;
    const int fd_;
    std::vector<uint64_t> deliveries_;
    std::atomic<uint32_t> tid_ = 0;
    interrupt::ThreadRecord* record_ = nullptr;
    std::atomic<bool> stop_ = false;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

// How often the program's own handler has run in this thread.
extern thread_local volatile uint64_t own_handler_runs;

}  // namespace storm
