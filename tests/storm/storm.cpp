// Storms of requests over threads that wait in every way and over threads that move data: nothing lost, nothing stray,
// no byte lost or repeated, nothing delivered twice.
//
//   storm [--requests N] [--library PATH] [--requesters N] [--outside N] [--stop-and-kill] [--own-signals] [--seed N]
//         [--recorded]        interruptctl records meanwhile: each delivery must be in its file
//         [--at-least N]      fail if a row of the list, or a window, had fewer deliveries
//         [--windows]         fail if a window had none
//         [--must-fail]       succeed if, and only if, something was lost or stray, and end then: for builds with a
//         part taken
//                             out
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cinttypes>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include "interrupt/interrupt.h"
#include "options.h"
#include "requesters.h"
#include "tests/support/recording.h"
#include "tests/support/under_shim.h"
#include "waits_table.h"
#include "worker.h"

namespace {

using namespace interrupt;
using namespace storm;

class OwnSignals {
public:
    explicit OwnSignals(const Workers& workers)
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

Workers start_workers(const Options& options, Counts& counts) {
    Workers workers;
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

void stop_workers(Workers& workers) {
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

void run_requesters(const Options& options, const Table& table, Workers& workers, const Counts& counts,
                    Outcomes& outcomes) {
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

bool report(const Options& options, const Table& table, const Workers& workers, const Counts& counts,
            const Outcomes& outcomes) {
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
    std::optional<interrupt_tests::Recording> recording;
    if (options.recorded) {
        recording.emplace("0.0001");
    }
    auto workers = start_workers(options, counts);
    {
        std::unique_ptr<OwnSignals> signals;
        if (options.own_signals) {
            signals = std::make_unique<OwnSignals>(workers);
        }
        run_requesters(options, table, workers, counts, outcomes);
    }
    stop_workers(workers);
    const bool right = report(options, table, workers, counts, outcomes);
    return right && (!recording || recording->has_all(table.header->delivered)) ? 0 : 1;
}
