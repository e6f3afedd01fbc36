#include "shim/program_actions.h"

#include <cerrno>

#include "shim/libc_functions.h"
#include "shim/nudge.h"
#include "shim/on_signal.h"
#include "shim/platform/platform.h"
#include "shim/program_signals.h"
#include "shim/rules_in_force.h"
#include "shim/thread_table.h"

namespace interrupt {

namespace {

constinit ProgramAction actions[65];
constinit std::atomic_flag actions_lock;

// The program has set an action, or has begun to; before that the kernel has nothing of ours.
constinit std::atomic<bool> has_been_set[65];

// Where on_default_signal() is installed.
struct StandIn {
    struct sigaction as_set = {};    // what the program reads back
    std::atomic<bool> over = false;  // requests have been sent once
};
constinit StandIn stand_ins[65];

class ActionsLock {
public:
    ActionsLock() : quiet_(may_call_kernel()), signals_(quiet_ ? os::block_all_signals() : 0) {
        while (actions_lock.test_and_set(std::memory_order_acquire)) {
            arch::spin_pause();
        }
    }
    ~ActionsLock() {
        actions_lock.clear(std::memory_order_release);
        if (quiet_) {
            os::set_signal_mask(signals_);
        }
    }

private:
    const bool quiet_;
    const os::KernelMask signals_;
};

void remember(int signal, const struct sigaction& action) {
    ProgramAction& kept = actions[signal];
    kept.flags.store(action.sa_flags, std::memory_order_relaxed);
    kept.masks_nudge.store(holds_nudge_signal(&action.sa_mask), std::memory_order_relaxed);
    kept.mask.store(*reinterpret_cast<const uint64_t*>(&action.sa_mask), std::memory_order_relaxed);
    kept.handler.store(action.sa_sigaction, std::memory_order_release);
}

void recall(int signal, struct sigaction& action) {
    const ProgramAction& kept = actions[signal];
    action.sa_sigaction = kept.handler.load(std::memory_order_relaxed);
    if (!(kept.flags.load(std::memory_order_relaxed) & SA_SIGINFO)) {
        action.sa_flags &= ~SA_SIGINFO;
    }
    if (kept.masks_nudge.load(std::memory_order_relaxed)) {
        sigaddset(&action.sa_mask, settings.signal);
    }
}

// What the kernel has for a signal that is handled by us, as the program set it.
void as_program_set(int signal, struct sigaction& action) {
    const ProgramAction& kept = actions[signal];
    action.sa_sigaction = kept.handler.load(std::memory_order_relaxed);
    if (signal == settings.signal) {
        action.sa_flags = kept.flags.load(std::memory_order_relaxed);
        *reinterpret_cast<uint64_t*>(&action.sa_mask) = kept.mask.load(std::memory_order_relaxed);
        return;
    }
    if (!(kept.flags.load(std::memory_order_relaxed) & SA_SIGINFO)) {
        action.sa_flags &= ~SA_SIGINFO;
    }
    kept.masks_nudge.load(std::memory_order_relaxed) ? sigaddset(&action.sa_mask, settings.signal)
                                                     : sigdelset(&action.sa_mask, settings.signal);
}

// As libc and the kernel would have kept it.
struct sigaction as_read_back(const struct sigaction& wanted, const struct sigaction& installed) {
    struct sigaction action = wanted;
    action.sa_flags = (wanted.sa_flags & os::action_flags) | (installed.sa_flags & ~os::action_flags);
    action.sa_restorer = installed.sa_restorer;
    sigdelset(&action.sa_mask, SIGKILL);
    sigdelset(&action.sa_mask, SIGSTOP);
    return action;
}

bool can_stand_in(int signal) {
    return requests_replace_default(signal) && !stand_ins[signal].over.load(std::memory_order_relaxed) &&
           may_call_kernel();
}

struct sigaction stand_in_action() {
    struct sigaction action = {};
    action.sa_sigaction = on_default_signal;
    // A system call that is no interposed one goes on by itself, as far as the kernel restarts it.
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    return action;
}

// With the lock held. What the program has set, really.
void remove_stand_in(int signal) {
    struct sigaction installed;
    if (real::sigaction.resolve()(signal, nullptr, &installed) == 0 && installed.sa_sigaction == on_default_signal) {
        struct sigaction action = stand_ins[signal].as_set;
        sigdelset(&action.sa_mask, settings.signal);
        real::sigaction.resolve()(signal, &action, nullptr);
    }
}

// In a vfork child: its actions are its own, and what is kept here is its parent's.
int set_vfork_childs_action(int signal, const struct sigaction* action, struct sigaction* old) {
    thread_context.vfork_child_set_action |= action != nullptr && signal == settings.signal;
    auto& real_function = signal == settings.signal ? real::libcs_sigaction : real::sigaction;
    const int result = real_function.resolve()(signal, action, old);
    if (result == 0 && old != nullptr && (old->sa_sigaction == on_program_signal || old->sa_sigaction == on_nudge)) {
        as_program_set(signal, *old);
    } else if (result == 0 && old != nullptr && old->sa_sigaction == on_default_signal) {
        *old = stand_ins[signal].as_set;
    }
    return result;
}

int set_nudge_signal_action(int signal, const struct sigaction* action, struct sigaction* old) {
    ActionsLock lock;
    struct sigaction installed = {};
    if (real::libcs_sigaction.resolve()(signal, nullptr, &installed) != 0) {
        return -1;
    }
    const struct sigaction wanted = action != nullptr ? *action : installed;  // `old` may be the very object
    if (old != nullptr) {
        *old = {};
        old->sa_restorer = installed.sa_restorer;
        as_program_set(signal, *old);
    }
    if (action != nullptr) {
        const struct sigaction kept = as_read_back(wanted, installed);
        remember(signal, kept);
        if (!is_function(kept.sa_sigaction)) {
            discard_held_signals();  // ignored by default, too: as the kernel does it
        }
        set_nudge_handler();  // under a filter it is the program that has asked for it
    }
    return 0;
}

}  // namespace

ProgramAction& program_action(int signal) {
    return actions[signal];
}

int set_program_action(int signal, const struct sigaction* action, struct sigaction* old) {
    const bool is_signal = signal >= 1 && signal <= 64;
    if (action == nullptr && is_signal && signal != settings.signal && !has_been_set[signal].load()) {
        const int result = real::sigaction.resolve()(signal, nullptr, old);
        if (!has_been_set[signal].load()) {
            return result;
        }
    }
    const bool ours =
        settings.active && is_signal &&
        (!may_call_kernel() || process.pid == 0 || os::getpid() == process.pid || process.table == nullptr);
    if (!ours) {
        return set_vfork_childs_action(signal, action, old);
    }
    if (signal == settings.signal) {
        return set_nudge_signal_action(signal, action, old);
    }
    ActionsLock lock;
    if (action != nullptr) {
        has_been_set[signal].store(true);
    }
    struct sigaction real_action;
    struct sigaction real_old = {};
    struct sigaction wanted;  // `old` may be the very object
    if (action != nullptr) {
        wanted = *action;
        action = &wanted;
        real_action = wanted;
        sigdelset(&real_action.sa_mask, settings.signal);
        if (is_function(action->sa_sigaction)) {
            real_action.sa_sigaction = on_program_signal;
            real_action.sa_flags |= SA_SIGINFO;
            if (action->sa_flags & SA_ONSTACK) {  // an alternate stack may have room for one signal frame only
                sigaddset(&real_action.sa_mask, settings.signal);
            }
        } else if (action->sa_handler == SIG_DFL && can_stand_in(signal)) {
            real_action = stand_in_action();
        }
    }
    const bool stands_in = action != nullptr && real_action.sa_sigaction == on_default_signal;
    // The handler must find its function from the first signal on, and an old one must find its own to the last: if
    // both are functions the kernel's entry does not change in what it calls, only in its flags.
    struct sigaction kept_old = {};
    recall(signal, kept_old);
    const int kept_flags = actions[signal].flags.load(std::memory_order_relaxed);
    const bool kept_mask = actions[signal].masks_nudge.load(std::memory_order_relaxed);
    if (action != nullptr && is_function(action->sa_sigaction)) {
        remember(signal, *action);
    }
    const int result = real::sigaction.resolve()(signal, action != nullptr ? &real_action : nullptr, &real_old);
    if (result != 0) {
        actions[signal].handler.store(kept_old.sa_sigaction, std::memory_order_relaxed);
        actions[signal].flags.store(kept_flags, std::memory_order_relaxed);
        actions[signal].masks_nudge.store(kept_mask, std::memory_order_relaxed);
        return result;
    }
    if (old != nullptr && real_old.sa_sigaction == on_default_signal) {
        *old = stand_ins[signal].as_set;
    } else if (old != nullptr) {
        *old = real_old;
        if (real_old.sa_sigaction == on_program_signal) {
            old->sa_sigaction = kept_old.sa_sigaction;
        }
        // SA_SIGINFO of ours stays behind when SA_RESETHAND has taken the handler away.
        if (!(kept_flags & SA_SIGINFO) &&
            (real_old.sa_sigaction == on_program_signal || !is_function(real_old.sa_sigaction))) {
            old->sa_flags &= ~SA_SIGINFO;
        }
        kept_mask ? sigaddset(&old->sa_mask, settings.signal) : sigdelset(&old->sa_mask, settings.signal);
    }
    if (stands_in) {
        struct sigaction installed = {};
        real::sigaction.resolve()(signal, nullptr, &installed);
        stand_ins[signal].as_set = as_read_back(*action, installed);
    }
    if (action != nullptr) {
        remember(signal, *action);
    }
    return 0;
}

void take_ruled_signals() {
    each_ruled_signal([](int signal) {
        struct sigaction inherited;
        if (real::sigaction.resolve()(signal, nullptr, &inherited) != 0 || inherited.sa_handler == SIG_IGN ||
            inherited.sa_sigaction == on_program_signal || inherited.sa_sigaction == on_default_signal) {
            return;
        }
        if (set_program_action(signal, &inherited, nullptr) == 0 && inherited.sa_handler == SIG_DFL) {
            stand_ins[signal].as_set = inherited;
        }
    });
}

bool put_default_back(int signal) {
    ActionsLock lock;
    const bool first = !stand_ins[signal].over.exchange(true, std::memory_order_relaxed);
    remove_stand_in(signal);
    return first;
}

uint64_t put_defaults_back() {
    uint64_t were_replaced = 0;
    for (int signal = 1; signal <= 64; ++signal) {
        if (requests_replace_default(signal) && put_default_back(signal)) {
            were_replaced |= uint64_t{1} << (signal - 1);
        }
    }
    return were_replaced;
}

void let_requests_stand_in_again(uint64_t signals) {
    for (int signal = 1; signal <= 64; ++signal) {
        struct sigaction action;
        if ((signals >> (signal - 1) & 1) == 0) {
            continue;
        }
        stand_ins[signal].over.store(false, std::memory_order_relaxed);
        if (set_program_action(signal, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
            set_program_action(signal, &action, nullptr);
        }
    }
}

void let_default_act(int signal) {
    stand_ins[signal].over.store(true, std::memory_order_relaxed);
}

void act_by_default(int signal, const siginfo_t& info) {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    real::sigaction.resolve()(signal, &action, nullptr);
    siginfo_t again = info;  // it is blocked here, and acts when our handler returns
    os::rt_tgsigqueueinfo(os::getpid(), os::gettid(), signal, &again);
}

void let_signals_end_process(bool end) {
    static constinit bool ending = false;
    static constinit struct sigaction before[65] = {};
    ActionsLock lock;
    if (ending == end) {
        return;
    }
    ending = end;
    static constexpr auto by_default = [](int signal) {
        struct sigaction action;
        if (real::sigaction.resolve()(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
            before[signal] = action;
            action = {};
            action.sa_handler = SIG_DFL;
            real::sigaction.resolve()(signal, &action, nullptr);
        }
    };
    static constexpr auto as_before = [](int signal) {
        if (before[signal].sa_handler != SIG_DFL) {
            real::sigaction.resolve()(signal, &before[signal], nullptr);
        }
        before[signal] = {};
    };
    end ? each_ruled_signal(by_default) : each_ruled_signal(as_before);
}

void adopt_program_action(int signal, const struct sigaction& action) {
    remember(signal, action);
}

void move_nudge_handler(int signal) {
    // What the program sees goes from the old order into the new one. Where it has no handler the kernel's action stays
    // as it is: to set it again would discard what is pending.
    static constinit struct sigaction seen[65] = {};
    const int left = settings.signal;
    for (int number = 1; number <= 64; ++number) {
        set_program_action(number, nullptr, &seen[number]);
    }
    settings.signal = signal;
    for (int number = 1; number <= 64; ++number) {
        if (number == left || number == signal || is_function(seen[number].sa_sigaction)) {
            set_program_action(number, &seen[number], nullptr);
        } else {
            remember(number, seen[number]);
        }
    }
    if (!is_function(seen[left].sa_sigaction)) {
        os::set_action(left, seen[left]);
    }
}

bool nudge_goes_to_alternate_stack() {
    const ProgramAction& action = actions[settings.signal];
    return !is_function(action.handler.load(std::memory_order_relaxed)) ||
           (action.flags.load(std::memory_order_relaxed) & SA_ONSTACK) != 0;
}

struct sigaction programs_nudge_signal_action() {
    struct sigaction action = {};
    as_program_set(settings.signal, action);
    return action;
}

NudgeSignalGivenBack::NudgeSignalGivenBack() {
    const bool others_block = another_thread_blocks_signal();
    mask_given_back_ = !others_block && thread_context.signal_blocked;
    if (mask_given_back_) {
        os::block_signal(settings.signal);
    }
    {
        ActionsLock lock;
        signal_use.store(others_block ? SignalUse::held : SignalUse::programs);
        set_nudge_handler();
    }
    if (mask_given_back_) {
        hand_over_held_signal();  // after the action: one that ignores the signal discards it
        set_signal_blocked(false);
    }
}

void NudgeSignalGivenBack::take_again() {
    if (mask_given_back_) {
        set_signal_blocked(true);
    }
    {
        ActionsLock lock;
        signal_use.store(SignalUse::nudges);
        set_nudge_handler();
    }
    if (mask_given_back_) {
        os::unblock_signal(settings.signal);  // what is pending is held again
    }
    nudge_again_all();  // what was sent meanwhile is gone
}

bool program_ignores_nudge_signal() {
    return actions[settings.signal].handler.load(std::memory_order_relaxed) == constant(SIG_IGN);
}

}  // namespace interrupt
