#include "control/fault_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>

namespace interrupt::control {

// What the handler reads: a list that only grows, whose members are used again, so that it can be walked at any moment.
struct FaultGuard::Area {
    std::atomic<bool> taken = true;
    std::atomic<uintptr_t> start = 0;
    std::atomic<uintptr_t> end = 0;  // written last and cleared first; pairs with the acquire in holds()
    std::atomic<bool> page_missing = false;
    Area* next = nullptr;

    bool holds(uintptr_t address) const {
        return address < end.load(std::memory_order_acquire) && address >= start.load(std::memory_order_relaxed);
    }
};

namespace {

std::atomic<FaultGuard::Area*> areas;
std::mutex installing;
size_t guards = 0;           // with `installing` held
bool installed = false;      // with `installing` held
struct sigaction before {};  // what was there when it was installed
std::atomic<size_t> page_size{0};

// The program's own SIGBUS, by what it had set up.
void hand_on(int signal, siginfo_t* info, void* context) {
    if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != nullptr) {
        before.sa_sigaction(signal, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(signal);
    } else if (before.sa_handler == SIG_DFL || info->si_code > 0) {
        ::signal(signal, SIG_DFL);  // the repeated access, or signal, has its default effect
        if (info->si_code <= 0) {
            ::raise(signal);
        }
    }
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
    for (FaultGuard::Area* area = areas.load(std::memory_order_acquire); area != nullptr && info->si_code > 0;
         area = area->next) {
        if (!area->holds(address)) {
            continue;
        }
        area->page_missing = true;
        const size_t size = page_size.load(std::memory_order_relaxed);
        void* page = reinterpret_cast<void*>(address & ~(size - 1));
        if (::mmap(page, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page) {
            errno = saved_errno;
            return;
        }
    }
    hand_on(signal, info, context);
    errno = saved_errno;
}

FaultGuard::Area& take_area() {
    for (FaultGuard::Area* area = areas.load(std::memory_order_acquire); area != nullptr; area = area->next) {
        bool taken = false;
        if (area->taken.compare_exchange_strong(taken, true)) {
            return *area;
        }
    }
    auto* area = new FaultGuard::Area;  // for ever: the handler may be looking at it at any time
    area->next = areas.load(std::memory_order_relaxed);
    while (!areas.compare_exchange_weak(area->next, area, std::memory_order_release, std::memory_order_relaxed)) {
    }
    return *area;
}

bool is_ours(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_bus_error;
}

}  // namespace

FaultGuard::FaultGuard(void* mapping, size_t size) : area_(take_area()) {
    area_.page_missing = false;
    area_.start.store(reinterpret_cast<uintptr_t>(mapping), std::memory_order_relaxed);
    area_.end.store(reinterpret_cast<uintptr_t>(mapping) + size, std::memory_order_release);
    const std::lock_guard lock(installing);
    page_size.store(static_cast<size_t>(::sysconf(_SC_PAGESIZE)), std::memory_order_relaxed);
    ++guards;
    if (!installed) {
        struct sigaction action {};
        action.sa_sigaction = on_bus_error;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        ::sigaction(SIGBUS, &action, &before);
        installed = true;
    }
}

FaultGuard::~FaultGuard() {
    const std::lock_guard lock(installing);
    area_.end.store(0, std::memory_order_release);
    area_.taken.store(false, std::memory_order_release);
    if (--guards == 0) {
        struct sigaction now {};
        ::sigaction(SIGBUS, nullptr, &now);
        // Otherwise somebody has come after us, and may hand on to us: installed again we would hand on in a circle.
        if (is_ours(now)) {
            ::sigaction(SIGBUS, &before, nullptr);
            installed = false;
        }
    }
}

bool FaultGuard::damaged() const {
    return area_.page_missing;
}

}  // namespace interrupt::control
