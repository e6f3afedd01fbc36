// The in-process side of control/request_protocol.h.
#pragma once

#include "control/request_protocol.h"
#include "shim/config.h"
#include "shim/platform/platform.h"
#include "shim/process.h"
#include "shim/recording.h"

namespace interrupt {

// A random stay in one of the protocol's windows; nothing in the library that is installed.
void delay_here();
inline void delay_in_window() {
    if constexpr (with_delays) {
        delay_here();
    }
}

// The nudge's signal with one of the cookies of the ABI header: 0, or an error number.
int send_to_own_thread(pid_t tid, int cookie);

class InProcess {
public:
    uint32_t self();
    bool gone(uint32_t owner) { return calls_kernel_ && os::kill(static_cast<pid_t>(owner), 0) == -ESRCH; }
    uint64_t now() { return os::monotonic_ns(); }
    void yield() {
        if (calls_kernel_) {
            os::sched_yield();
        }
    }
    os::KernelMask block_signals() { return calls_kernel_ ? os::block_all_signals() : 0; }
    void restore_signals(os::KernelMask mask) {
        if (calls_kernel_) {
            os::set_signal_mask(mask);
        }
    }
    void fence() {
        if constexpr (with_fences) {
            std::atomic_thread_fence(std::memory_order_seq_cst);
            if (!process.heavy_fences && calls_kernel_) {
                os::membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
            }
        }
        delay_in_window();
    }
    int nudge(uint32_t tid);
    void wakeup(ThreadRecord& record, bool set);
    EventRing* events() { return interrupt::events(); }

private:
    const bool calls_kernel_ = may_call_kernel();  // the same for a whole transaction: what was blocked is restored
};

// A thread of a runtime that computes looks at no pending flag: nudges it, only while it is on a CPU, so that no system
// call is disturbed. Its handler goes on from there. Nothing where there is no adapter.
void nudge_computing(ThreadRecord& record, pid_t tid);

}  // namespace interrupt
