#include "shim/give_way.h"

#include <cerrno>

#include "shim/adapter.h"
#include "shim/delivery.h"
#include "shim/held_signal.h"
#include "shim/nudge.h"
#include "shim/platform/platform.h"
#include "shim/program_actions.h"
#include "shim/requester.h"
#include "shim/rules_in_force.h"
#include "shim/thread_table.h"

namespace interrupt {

namespace {

os::KernelMask bit_of(int signal) {
    return os::KernelMask{1} << (signal - 1);
}

// Signals of the nudge's number that are the program's own: one for the thread and one for the process at most, since
// signals of one number do not queue, and as many that are held.
class ProgramsOwn {
public:
    // All that the kernel has of it, and what is held. What is ours and too late is gone: the thread looks by itself.
    void take(int signal) {
        const os::KernelMask set = bit_of(signal);
        for (siginfo_t info; os::rt_sigtimedwait(set, &info) == signal;) {
            if (!is_own_nudge(info)) {
                add(info);
            }
        }
        for (siginfo_t info; take_held_signal(info);) {
            add(info);
        }
    }
    void send_again(int signal) {
        for (int i = 0; i < count_; ++i) {
            if (infos_[i].si_code == SI_TKILL) {
                os::rt_tgsigqueueinfo(process.pid, os::gettid(), signal, &infos_[i]);
            } else {
                os::rt_sigqueueinfo(process.pid, signal, &infos_[i]);
            }
        }
    }

private:
    void add(const siginfo_t& info) {
        if (count_ < most) {
            infos_[count_++] = info;
        }
    }
    static constexpr int most = 4;
    siginfo_t infos_[most];
    int count_ = 0;
};

bool can_give_way() {
    return !thread_context.nudge_shut_out && !has_signal_rules() && os::thread_count() == 1;
}

void take_signal(ThreadRecord& record, int signal, os::KernelMask& mask) {
    const int left = settings.signal;
    const bool cpu_armed = thread_context.cpu_armed;
    ProgramsOwn pending;
    {
        // Requesters read the number under the lock: whoever had it has sent the old one, and it is here by now.
        InProcess kernel;
        RecordLock lock(kernel, table_header(), record);
        pending.take(left);
        delete_timers();
        move_nudge_handler(signal);
        table_header().signal.store(signal, std::memory_order_relaxed);
    }
    const bool left_is_blocked = thread_context.signal_blocked;
    set_signal_blocked((mask & bit_of(signal)) != 0);
    mask = ((mask & ~bit_of(left)) | (left_is_blocked ? bit_of(left) : 0)) & ~bit_of(signal);
    pending.send_again(left);
    if (cpu_armed) {
        start_cpu_retry(1'000'000);
    }
}

}  // namespace

void give_way_to_descriptor(const sigset_t* set) {
    if (look_in_set(set) != InSet::present || !may_call_kernel()) {
        return;
    }
    const int other = settings.signal == SIGURG ? SIGWINCH : SIGURG;
    ThreadRecord* const record = sigismember(set, other) == 0 ? record_for_call({}) : nullptr;
    if (record == nullptr || os::getpid() != process.pid || !can_give_way()) {
        return;
    }
    const int saved_errno = errno;
    os::KernelMask mask = os::block_all_signals();
    take_signal(*record, other, mask);
    os::set_signal_mask(mask);
    errno = saved_errno;
}

}  // namespace interrupt
