// For each line with a name that comes, one batch of calls that need not wait, by the public name and so by whatever is
// preloaded; how many there were, and the nanoseconds for one, go back. getppid() is called before and after each
// batch, and nowhere else: where somebody who counts instructions can divide them.
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "ready.h"

int main() {
    const std::vector<interrupt_bench::Ready> all = interrupt_bench::all_ready(false);
    for (std::string name; std::getline(std::cin, name);) {
        bool found = false;
        for (const interrupt_bench::Ready& each : all) {
            if (each.name == name) {
                found = true;
                each.prepare(each.calls);
                getppid();
                const auto start = std::chrono::steady_clock::now();
                each.shim(each.calls);
                const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
                getppid();
                std::cout << each.calls << ' ' << time.count() / each.calls << std::endl;
            }
        }
        if (!found) {
            std::cerr << "ready_calls: there is no " << name << '\n';
            return 2;
        }
    }
}
