// Calls that need not wait: what they work on is prepared beforehand, a batch at a time. Each can be made by libc's own
// function and by the interposer, so that both are measured in one process.
#pragma once

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace interrupt_bench {

struct Ready {
    std::string name;
    int calls;  // a batch has no more
    std::function<void(int)> prepare;
    std::function<void(int)> bare;
    std::function<void(int)> shim;
};

// libc's function itself, past every interposer.
template <class Function>
Function* libc_function(const char* name) {
    static void* const libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    void* const found = dlsym(libc, name);
    if (found == nullptr) {
        std::fprintf(stderr, "libc has no %s\n", name);
        std::exit(1);
    }
    return reinterpret_cast<Function*>(found);
}

inline void expect(bool holds, const char* what) {
    if (!holds) {
        std::perror(what);
        std::exit(1);
    }
}

// `call(function)` makes one call, and says whether it ended as it should. Both sides go through a pointer that is read
// each time, as a program does through its PLT.
template <class Function>
Ready ready(const char* name, Function* interposer, int calls, std::function<void(int)> prepare, auto call) {
    const auto batch = [name, call](Function* function) {
        return [name, call, function](int n) {
            Function* const volatile place = function;
            for (int i = 0; i < n; ++i) {
                if (!call(place)) {
                    expect(false, name);
                }
            }
        };
    };
    return {name, calls, std::move(prepare), batch(libc_function<Function>(name)), batch(interposer)};
}

inline void nothing_to_prepare(int) {}

// What they work on is made with them, and lives as long as the process.
void add_transfers(std::vector<Ready>&);
void add_readiness(std::vector<Ready>&);
void add_files(std::vector<Ready>&);
void add_queues(std::vector<Ready>&);
void add_threads(std::vector<Ready>&);
void add_signalled(std::vector<Ready>&);  // starts a thread

// All of them; those that need a second thread only where the process is to have one.
std::vector<Ready> all_ready(bool with_threads);

}  // namespace interrupt_bench
