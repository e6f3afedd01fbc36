// From the request to the blocked call having returned, for every interruption point of the list, made as the tests of
// the list make it; beside a bare tgkill and the EINTR of a raw system call. By a thread of the process.
#include <signal.h>
#include <sys/socket.h>

#include <vector>

#include "interrupt/interrupt.h"
#include "tests/bench/blocked.h"
#include "tests/bench/paired.h"
#include "tests/interposers/cases_between.h"
#include "tests/interposers/cases_children.h"
#include "tests/interposers/cases_devices.h"
#include "tests/interposers/cases_files.h"
#include "tests/interposers/cases_messages.h"
#include "tests/interposers/cases_queues.h"
#include "tests/interposers/cases_readiness.h"
#include "tests/interposers/cases_shown.h"
#include "tests/interposers/cases_signals.h"
#include "tests/interposers/cases_sleeps.h"
#include "tests/interposers/cases_sockets.h"
#include "tests/interposers/cases_synchronisation.h"
#include "tests/interposers/each_row.h"
#include "tests/interposers/scenario.h"
#include "tests/support/own_table.h"
#include "tests/support/under_shim.h"

namespace {

using namespace interrupt_tests;
using interrupt_bench::Blocked;
using interrupt_bench::now_ns;

// Variants are the same calls by another name.
std::vector<Subject> calls_of_the_list() {
    std::vector<Subject> all = {
#define INTERPOSE(ret, name, ...) subject_of<Row::name>(),
#define VARIANT(...)
#define CUSTOM(name, ...) subject_of<Row::name>(),
#define CUSTOM_VARIANT(...)
#include "shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT
    };
    std::erase_if(all, is_shown_alone);
    return all;
}

// Both sides' threads have been asleep for as long when they are asked.
constexpr long rest_us = 200;

double once(const Subject& subject) {
    const WaitPointer wait = make_blocking(subject);
    uint64_t returned = 0;
    const auto call = [&](Wait& its) {
        const long result = its.call();
        returned = now_ns();
        return result;
    };
    Waiter waiter(subject, *wait, {.caller = call});
    waiter.await_blocked();
    raw_wait(rest_us);
    const uint64_t began = now_ns();
    if (interrupt_thread(waiter.tid()) != 0) {
        std::fprintf(stderr, "%s cannot be interrupted\n", subject.name);
        std::exit(1);
    }
    waiter.join();
    return static_cast<double>(returned - began) / 1000;
}

void latency(benchmark::State& state, const Subject& subject, Blocked& floor) {
    std::vector<double> floor_times;
    std::vector<double> shim_times;
    for (auto _ : state) {
        floor_times.push_back(floor.measure([](pid_t tid) {
            raw_wait(rest_us);
            const uint64_t began = now_ns();
            send_signal(tid, SIGUSR1);
            return began;
        }));
        shim_times.push_back(once(subject));
    }
    interrupt_bench::report(state, "floor", floor_times);
    interrupt_bench::report(state, "shim", shim_times);
}

}  // namespace

int main(int argc, char** argv) {
    ensure_under_shim(argv);
    own_table();  // looks for it now: the search makes interposed calls, which change the thread's record
    benchmark::Initialize(&argc, argv);
    testing::InitGoogleTest(&argc, argv);
    int rounds = 50;
    for (const std::string argument : std::vector<char*>(argv + 1, argv + argc)) {
        if (!argument.starts_with("--rounds=")) {
            std::fprintf(stderr, "latency_rows_bench: what is %s?\n", argument.c_str());
            return 2;
        }
        rounds = std::stoi(argument.substr(9));
    }
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, nullptr);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return 1;
    }
    Blocked floor(
        [&] {
            char byte;
            return raw_call(SYS_recvfrom, ends[0], reinterpret_cast<long>(&byte), 1) == -EINTR;
        },
        [&] { send(ends[1], "x", 1, 0); });
    const std::vector<Subject> all = calls_of_the_list();
    for (const Subject& subject : all) {
        benchmark::RegisterBenchmark(subject.name, [&](benchmark::State& state) {
            latency(state, subject, floor);
        })->Iterations(rounds);
    }
    benchmark::RunSpecifiedBenchmarks();
}
