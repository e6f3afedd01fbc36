// Storms of requests over threads that wait in every way and over threads that move data: nothing lost, nothing stray,
// no byte lost or repeated, nothing delivered twice.
//
//   storm [--requests N] [--library PATH] [--requesters N] [--outside N] [--stop-and-kill] [--own-signals] [--seed N]
//         [--at-least N]      fail if a row of the list, or a window, had fewer deliveries
//         [--windows]         fail if a window had none
//         [--must-fail]       succeed if, and only if, something was lost or stray, and end then: for builds with a
//         part taken
//                             out
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "interrupt/interrupt.h"
#include "tests/support/under_shim.h"
#include "waits_table.h"
#include "worker.h"

namespace {

using namespace interrupt;
using namespace storm;

struct Options {
    uint64_t requests = 100'000;
    std::string library = LIBINTERRUPT_PATH;
    int requesters = 1;
    int outside = 0;
    bool stop_and_kill = false;
    bool own_signals = false;
    uint64_t seed = 1;
    uint64_t at_least = 1;
    bool windows = false;
    bool must_fail = false;
    // how an outside requester is started again
    int target = 0;
    std::string table;
    std::vector<uint32_t> tids;
};

constexpr uint64_t lost_after_ns = 100'000'000;
constexpr size_t waiting_workers = 4;  // the first; the others move data

struct Outcomes {
    std::atomic<uint64_t> made = 0;
    std::atomic<uint64_t> lost = 0;
};

uint64_t now_ns() {
    return OutsideKernel(0, 0).now();
}

uint64_t next(uint64_t& random) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
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

// --- requesters ---

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

void request_from_inside(const std::vector<std::unique_ptr<Worker>>& workers, uint64_t count, uint64_t seed,
                         bool errors, Outcomes& outcomes, const std::function<bool()>& enough) {
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

// A process of its own; its parent may stop it, or kill it in the middle. Prints what it has lost.
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

class OutsideRequester {
public:
    OutsideRequester(const char* table, const std::vector<std::unique_ptr<Worker>>& workers, uint64_t count,
                     uint64_t seed) {
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
    void stop_for(useconds_t time) {
        kill(pid_, SIGSTOP);
        usleep(time);
        kill(pid_, SIGCONT);
    }
    void end() {
        kill(pid_, SIGKILL);
        finish(nullptr);
    }
    void finish(Outcomes* outcomes) {
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

private:
    pid_t pid_ = -1;
    int output_ = -1;
};

// --- the whole ---

class OwnSignals {
public:
    explicit OwnSignals(const std::vector<std::unique_ptr<Worker>>& workers)
        : thread_([this, &workers] {
              uint64_t random = 7;
              for (bool restart = false; !stop_; restart = !restart) {
                  struct sigaction action = {};
                  action.sa_handler = [](int) { own_handler_runs = own_handler_runs + 1; };
                  action.sa_flags = restart ? SA_RESTART : 0;
                  sigaction(SIGUSR1, &action, nullptr);
                  for (int i = 0; i < 20; ++i) {
                      Worker& worker = *workers[next(random) % workers.size()];
                      if (!worker.stopped()) {
                          tgkill(getpid(), static_cast<pid_t>(worker.tid()), SIGUSR1);
                      }
                      usleep(200);
                  }
              }
          }) {}
    ~OwnSignals() {
        stop_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

std::vector<std::unique_ptr<Worker>> start_workers(const Options& options, Counts& counts) {
    std::vector<std::unique_ptr<Worker>> workers;
    for (uint64_t i = 0; i < waiting_workers; ++i) {
        workers.push_back(std::make_unique<Worker>(Worker::Job::waits, options.seed * 1000 + i * 77 + 5, counts, -1));
    }
    int pipe_ends[2];
    int sockets[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        std::abort();
    }
    workers.push_back(std::make_unique<Worker>(Worker::Job::pipe_reader, options.seed + 11, counts, pipe_ends[0]));
    workers.push_back(std::make_unique<Worker>(Worker::Job::pipe_writer, options.seed + 22, counts, pipe_ends[1]));
    workers.push_back(std::make_unique<Worker>(Worker::Job::socket_reader, options.seed + 33, counts, sockets[0]));
    workers.push_back(std::make_unique<Worker>(Worker::Job::socket_writer, options.seed + 44, counts, sockets[1]));
    return workers;
}

void stop_workers(std::vector<std::unique_ptr<Worker>>& workers) {
    for (const auto& worker : workers) {
        worker->stop();
    }
    for (const auto& worker : workers) {
        while (!worker->stopped()) {
            interrupt_thread(static_cast<pid_t>(worker->tid()));
            usleep(500);
        }
    }
}

void run_requesters(const Options& options, const Table& table, std::vector<std::unique_ptr<Worker>>& workers,
                    const Counts& counts, Outcomes& outcomes) {
    const auto enough = [&] {
        return options.must_fail &&
               outcomes.lost + counts.stray_interposed + counts.stray_raw + counts.lost_outcomes > 0;
    };
    const auto parts = static_cast<uint64_t>(options.requesters + options.outside);
    const uint64_t share = options.requests / parts;
    std::vector<OutsideRequester> outside;
    for (int i = 0; i < options.outside; ++i) {
        outside.emplace_back(table.path, workers, share, options.seed + 100 + static_cast<uint64_t>(i));
    }
    std::vector<std::thread> inside;
    std::atomic<int> left = options.requesters;
    for (int i = 0; i < options.requesters; ++i) {
        inside.emplace_back([&, i] {
            // Only where nobody else asks is it sure that an errno asked for is not replaced by somebody's default.
            request_from_inside(workers, share, options.seed + 500 + static_cast<uint64_t>(i), parts == 1, outcomes,
                                enough);
            --left;
        });
    }
    for (uint64_t round = 0; options.stop_and_kill && left > 0; ++round) {
        // One stopped and going on, one more that is killed somewhere in the middle.
        if (!outside.empty()) {
            outside.front().stop_for(20'000);
        }
        OutsideRequester killed(table.path, workers, UINT32_MAX, options.seed + 900 + round);
        usleep(30'000);
        killed.end();
    }
    for (std::thread& thread : inside) {
        thread.join();
    }
    for (OutsideRequester& requester : outside) {
        requester.finish(&outcomes);
    }
}

bool report(const Options& options, const Table& table, const std::vector<std::unique_ptr<Worker>>& workers,
            const Counts& counts, const Outcomes& outcomes) {
    bool enough = true;
    for (int i = 0; i < wait_count; ++i) {
        uint64_t sum = 0;
        for (const auto& worker : workers) {
            sum += worker->deliveries()[static_cast<size_t>(i)];
        }
        enough &= sum >= options.at_least;
        std::printf("  %-24s %8" PRIu64 "%s", waits[i].name, sum, i % 3 == 2 ? "\n" : "");
    }
    static const char* const window_names[] = {"before the call", "at entry", "in the kernel", "on the way out"};
    std::puts("\nwindows");
    for (size_t i = 0; i < static_cast<size_t>(Window::count); ++i) {
        const uint64_t count = table.header->windows[i].load();
        enough &= count > 0 || !options.windows;
        std::printf("  %-24s %8" PRIu64 "\n", window_names[i], count);
    }
    const uint64_t wrong =
        outcomes.lost + counts.stray_interposed + counts.stray_raw + counts.lost_outcomes + counts.data_errors;
    std::printf("requests %" PRIu64 ", delivered %" PRIu64 ", record locks broken %" PRIu64 ", bytes moved %" PRIu64
                ", own EINTR %" PRIu64 "\n",
                outcomes.made.load(), table.header->delivered.load(), table.header->locks_broken.load(),
                counts.bytes.load(), counts.own_eintr.load());
    std::printf("lost %" PRIu64 ", stray in interposed calls %" PRIu64 ", stray in raw calls %" PRIu64
                ", outcomes not seen %" PRIu64 ", data errors %" PRIu64 "\n",
                outcomes.lost.load(), counts.stray_interposed.load(), counts.stray_raw.load(),
                counts.lost_outcomes.load(), counts.data_errors.load());
    if (options.must_fail) {
        std::printf("%s\n", wrong > 0 ? "failed, as it must" : "did NOT fail");
        return wrong > 0;
    }
    if (!enough) {
        std::printf("some row had fewer than %" PRIu64 " deliveries, or some window none\n", options.at_least);
    }
    return wrong == 0 && enough;
}

Options parse(int argc, char** argv) {
    static const option long_options[] = {
        {"requests", required_argument, nullptr, 'n'},   {"library", required_argument, nullptr, 'l'},
        {"requesters", required_argument, nullptr, 'r'}, {"outside", required_argument, nullptr, 'o'},
        {"stop-and-kill", no_argument, nullptr, 'k'},    {"own-signals", no_argument, nullptr, 's'},
        {"seed", required_argument, nullptr, 'S'},       {"at-least", required_argument, nullptr, 'a'},
        {"must-fail", no_argument, nullptr, 'f'},        {"windows", no_argument, nullptr, 'w'},
        {"target", required_argument, nullptr, 't'},     {"table", required_argument, nullptr, 'T'},
        {"tids", required_argument, nullptr, 'i'},       {}};
    Options options;
    for (int c; (c = getopt_long(argc, argv, "", long_options, nullptr)) != -1;) {
        switch (c) {
            case 'n':
                options.requests = std::strtoull(optarg, nullptr, 10);
                break;
            case 'l':
                options.library = optarg;
                break;
            case 'r':
                options.requesters = std::atoi(optarg);
                break;
            case 'o':
                options.outside = std::atoi(optarg);
                break;
            case 'k':
                options.stop_and_kill = true;
                break;
            case 's':
                options.own_signals = true;
                break;
            case 'S':
                options.seed = std::strtoull(optarg, nullptr, 10);
                break;
            case 'a':
                options.at_least = std::strtoull(optarg, nullptr, 10);
                break;
            case 'f':
                options.must_fail = true;
                break;
            case 'w':
                options.windows = true;
                break;
            case 't':
                options.target = std::atoi(optarg);
                break;
            case 'T':
                options.table = optarg;
                break;
            case 'i':
                for (char* tid = std::strtok(optarg, ","); tid != nullptr; tid = std::strtok(nullptr, ",")) {
                    options.tids.push_back(static_cast<uint32_t>(std::atoi(tid)));
                }
                break;
            default:
                std::exit(2);
        }
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    if (options.target != 0) {
        return request_from_outside(options);
    }
    interrupt_tests::ensure_under_shim(argv, options.library.c_str());
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    struct sigaction action = {};
    action.sa_handler = [](int) { own_handler_runs = own_handler_runs + 1; };
    sigaction(SIGUSR1, &action, nullptr);
    const Table table = own_table();
    Counts counts;
    Outcomes outcomes;
    auto workers = start_workers(options, counts);
    {
        std::unique_ptr<OwnSignals> signals;
        if (options.own_signals) {
            signals = std::make_unique<OwnSignals>(workers);
        }
        run_requesters(options, table, workers, counts, outcomes);
    }
    stop_workers(workers);
    return report(options, table, workers, counts, outcomes) ? 0 : 1;
}
