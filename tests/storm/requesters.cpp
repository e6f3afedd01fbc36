#include "requesters.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "interrupt/interrupt.h"

namespace storm {

using namespace interrupt;

namespace {

constexpr uint64_t lost_after_ns = 100'000'000;

uint64_t now_ns() {
    return OutsideKernel(0, 0).now();
}

char kernel_state(int pid, uint32_t tid) {
    char path[64];
    char text[256] = {};
    std::snprintf(path, sizeof path, "/proc/%d/task/%u/stat", pid, tid);
    FILE* file = std::fopen(path, "r");
    if (file == nullptr) {
        return '?';
    }
    const size_t size = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
    const char* end = std::strrchr(text, ')');
    return size == 0 || end == nullptr ? '?' : end[2];
}

// CPU time is shared with whatever else the machine does. A thread that sleeps all the time has lost its request; one
// that waits for a CPU has not, for a while.
class Patience {
public:
    Patience(int pid, uint32_t tid) : pid_(pid), tid_(tid), start_(now_ns()) {}
    bool over() {
        const uint64_t now = now_ns();
        if (now - start_ < lost_after_ns) {
            return false;
        }
        if (kernel_state(pid_, tid_) != 'S') {
            start_ = std::max(start_, now - lost_after_ns / 2);
            return now - first_ > 100 * lost_after_ns;
        }
        return true;
    }

private:
    const int pid_;
    const uint32_t tid_;
    uint64_t start_;
    const uint64_t first_ = start_;
};

// A request is lost if it is not delivered in 100 ms to a thread that waited: one that moves data may have found data,
// or room, at each of its calls, and its request stays pending.
bool await_delivery(int pid, ThreadRecord& record, uint32_t sequence, bool always_blocks) {
    Patience patience(pid, record.tid.load());
    const uint64_t state = record.state.load();
    for (int round = 0; !reached(Delivered{record.delivered.load(std::memory_order_acquire)}.sequence(), sequence);
         ++round) {
        if (!always_blocks && round > 210 && record.state.load() != state) {
            return true;
        }
        if (patience.over()) {
            return false;
        }
        if (round > 200) {
            usleep(50);
        }
    }
    return true;
}

// Seven requests in eight go to those that wait.
size_t choose_worker(uint64_t& random, size_t workers) {
    const uint64_t choice = next(random);
    return choice % 8 != 0 ? choice / 8 % waiting_workers : waiting_workers + choice / 8 % (workers - waiting_workers);
}

// Whom to ask next, and when. Often the same thread again, a moment after it was let go: the request then meets it
// about to block, where its store of *blocked* may still be on the way.
class Aim {
public:
    Aim(uint64_t seed, size_t workers) : random_(seed | 1), workers_(workers) {}
    uint64_t random() { return next(random_); }
    size_t choose() {
        if (burst_ > 0) {
            --burst_;
        } else {
            chosen_ = storm_choice();
            burst_ = chosen_ < waiting_workers && random() % 4 == 0 ? random() % 32 : 0;
        }
        return chosen_;
    }
    void hold(const ThreadRecord& record) {
        const uint64_t state = record.state.load();
        const uint64_t way = random() % 4;
        if (way == 0) {  // until it begins or ends a wait
            for (int spins = 0; spins < 20'000 && record.state.load(std::memory_order_relaxed) == state; ++spins) {
                asm volatile("pause");
            }
        }
        // No pause: its length would be coarser than the windows.
        for (uint64_t spins = random() % (way == 1 ? 30'000 : 6'000); spins > 0; --spins) {
            asm volatile("");
        }
    }

private:
    size_t storm_choice() { return choose_worker(random_, workers_); }

    uint64_t random_;
    const size_t workers_;
    size_t chosen_ = 0;
    uint64_t burst_ = 0;
};

}  // namespace

void request_from_inside(const Workers& workers, uint64_t count, uint64_t seed, bool errors, Outcomes& outcomes,
                         const std::function<bool()>& enough) {
    Aim aim(seed, workers.size());
    for (uint64_t i = 0; i < count && !enough(); ++i) {
        Worker& worker = *workers[aim.choose()];
        aim.hold(worker.record());
        interrupt_request request = {INTERRUPT_DEFAULT, 0};
        if (errors && aim.random() % 8 == 0) {
            request = {INTERRUPT_ERROR, ECANCELED};
        }
        interrupt_thread_as(static_cast<pid_t>(worker.tid()), &request);
        ++outcomes.made;
        // Requests of others may have joined ours: the sequence number now is ours or a later one, and delivered
        // together.
        const uint32_t sequence = Request{worker.record().request.load()}.sequence();
        if (!await_delivery(getpid(), worker.record(), sequence, worker.always_blocks())) {
            ++outcomes.lost;
            std::fprintf(stderr,
                         "lost: thread %u in %s, request %#" PRIx64 ", delivered %#" PRIx64 ", lock %#" PRIx64 "\n",
                         worker.tid(), traits(State{worker.record().state.load()}.call()).name,
                         worker.record().request.load(), worker.record().delivered.load(), worker.record().lock.load());
        }
    }
}

int request_from_outside(const Options& options) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const Table table = open_table(options.table.c_str());
    OutsideKernel kernel(options.target, table.header->signal);
    Aim aim(options.seed, options.tids.size());
    uint64_t lost = 0;
    for (uint64_t i = 0; i < options.requests; ++i) {
        const size_t index = aim.choose();
        const uint32_t tid = options.tids[index];
        ThreadRecord& record = table.record_of(tid);
        aim.hold(record);
        const RecordOwner owner{tid, record.generation.load()};
        const Posted posted = post(kernel, *table.header, record, owner, Outcome::default_, 0, 0);
        if (posted.error == 0 && !await_delivery(options.target, record, posted.sequence, index < waiting_workers)) {
            ++lost;
        }
    }
    std::printf("%" PRIu64 " %" PRIu64 "\n", options.requests, lost);
    return 0;
}

OutsideRequester::OutsideRequester(const char* table, const Workers& workers, uint64_t count, uint64_t seed) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        std::abort();
    }
    std::string tids;
    for (const auto& worker : workers) {
        tids += std::to_string(worker->tid()) + ",";
    }
    const std::string requests = std::to_string(count);
    const std::string seed_text = std::to_string(seed);
    const std::string target = std::to_string(getpid());
    pid_ = fork();
    if (pid_ == 0) {
        dup2(ends[1], STDOUT_FILENO);
        unsetenv("LD_PRELOAD");
        execl("/proc/self/exe", "storm", "--target", target.c_str(), "--table", table, "--tids", tids.c_str(),
              "--requests", requests.c_str(), "--seed", seed_text.c_str(), nullptr);
        _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
}

void OutsideRequester::stop_for(useconds_t time) {
    kill(pid_, SIGSTOP);
    usleep(time);
    kill(pid_, SIGCONT);
}

void OutsideRequester::end() {
    kill(pid_, SIGKILL);
    finish(nullptr);
}

void OutsideRequester::finish(Outcomes* outcomes) {
    char text[128] = {};
    size_t size = 0;
    for (ssize_t got; (got = read(output_, text + size, sizeof text - 1 - size)) > 0;) {
        size += static_cast<size_t>(got);
    }
    close(output_);
    waitpid(pid_, nullptr, 0);
    uint64_t made = 0;
    uint64_t lost = 0;
    if (outcomes != nullptr && std::sscanf(text, "%" SCNu64 " %" SCNu64, &made, &lost) == 2) {
        outcomes->made += made;
        outcomes->lost += lost;
    } else if (outcomes != nullptr) {
        std::fputs("an outside requester ended without its result\n", stderr);
        ++outcomes->lost;
    }
}

}  // namespace storm
