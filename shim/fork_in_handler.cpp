#include "shim/fork_in_handler.h"

#include <pthread.h>

#include "shim/platform/platform.h"
#include "shim/process.h"

namespace interrupt {

namespace {

char* page_of(const ThreadRecord& record) {
    return reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(&record) & ~uintptr_t{4095});
}

void in_forked_child() {
    if (thread_context.record_below != nullptr && may_call_kernel()) {
        stand_in_for(*thread_context.record_below);
    }
}

}  // namespace

void prepare_forks_in_handlers() {
    pthread_atfork(nullptr, nullptr, in_forked_child);
}

ThreadRecord* set_record_below(ThreadRecord* record) {
    ThreadRecord* const before = thread_context.record_below;
    thread_context.record_below = record;
    return before;
}

// Also under a seccomp filter: without the page the child ends here in any case.
bool stand_in_for(const ThreadRecord& parents) {
    char* const page = page_of(parents);
    if (thread_context.stand_in != page && os::mmap_if_free(page, 4096)) {
        thread_context.stand_in = page;
    }
    return thread_context.stand_in == page;
}

}  // namespace interrupt
