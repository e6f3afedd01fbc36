#include "control/fault_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace interrupt::control {
namespace {

std::atomic<uintptr_t> guarded_start;
std::atomic<uintptr_t> guarded_end;
std::atomic<bool> page_missing;
size_t page_size;

void on_bus_error(int signal, siginfo_t* info, void*) {
    const int saved_errno = errno;
    const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
    if (address >= guarded_start && address < guarded_end) {
        page_missing = true;
        void* page = reinterpret_cast<void*>(address & ~(page_size - 1));
        if (::mmap(page, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page) {
            errno = saved_errno;
            return;
        }
    }
    // Not ours, or no memory left: let the repeated access have its default effect.
    ::signal(signal, SIG_DFL);
    errno = saved_errno;
}

}  // namespace

FaultGuard::FaultGuard(void* mapping, size_t size) {
    page_size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    guarded_start = reinterpret_cast<uintptr_t>(mapping);
    guarded_end = guarded_start + size;
    page_missing = false;
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &action, nullptr);
}

FaultGuard::~FaultGuard() {
    ::signal(SIGBUS, SIG_DFL);
    guarded_start = guarded_end = 0;
}

bool FaultGuard::damaged() const {
    return page_missing;
}

}  // namespace interrupt::control
