// Those who make the storm's requests, inside its process and outside.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "options.h"
#include "worker.h"

namespace storm {

constexpr size_t waiting_workers = 4;  // the first; the others move data

using Workers = std::vector<std::unique_ptr<Worker>>;

struct Outcomes {
    std::atomic<uint64_t> made = 0;
    std::atomic<uint64_t> lost = 0;
};

// `errors`: some requests ask for an errno.
void request_from_inside(const Workers& workers, uint64_t count, uint64_t seed, bool errors, Outcomes& outcomes,
                         const std::function<bool()>& enough);

// A process of its own; its parent may stop it, or kill it in the middle. Prints what it has lost.
int request_from_outside(const Options& options);

class OutsideRequester {
public:
    OutsideRequester(const char* table, const Workers& workers, uint64_t count, uint64_t seed);
    void stop_for(useconds_t time);
    void end();
    void finish(Outcomes* outcomes);

private:
    pid_t pid_ = -1;
    int output_ = -1;
};

}  // namespace storm
