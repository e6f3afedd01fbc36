// The calls by which a program sets signal handlers and masks: the nudge's signal is never really blocked, nor
// another's handler installed for it, and the program reads back exactly what it set.
#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>

#include "shim/give_way.h"
#include "shim/libc_functions.h"
#include "shim/program_actions.h"
#include "shim/program_signals.h"

#define EXPORTED extern "C" [[gnu::visibility("default")]]

namespace interrupt {
namespace {

// What siginterrupt(3) has asked for: signal() then installs without SA_RESTART.
constinit std::atomic<uint64_t> interrupting_signals = 0;

uint64_t bit_of(int signal) {
    return uint64_t{1} << (signal - 1);
}
bool is_signal(int signal) {
    return signal >= 1 && signal <= 64;
}

int set_mask(int how, const sigset_t* set, sigset_t* old) {
    if (settings.signal == 0 || signal_use.load(std::memory_order_relaxed) == SignalUse::programs) {
        return real::pthread_sigmask.resolve()(how, set, old);
    }
    const bool blocked_before = thread_context.signal_blocked;
    // `old` may be the very object that `set` is.
    const bool sets = set != nullptr;
    const bool named = sets && holds_nudge_signal(set);  // libc reads it, too
    const InSet nudge = !sets ? InSet::none : named ? InSet::present : InSet::absent;
    const WithoutNudge change(set, nudge);
    const RealMask whole(set, nudge);
    const int error = real::pthread_sigmask.resolve()(how, how == SIG_SETMASK ? whole.pointer : change.pointer, old);
    if (error != 0) {
        return error;
    }
    if (old != nullptr) {
        blocked_before ? sigaddset(old, settings.signal) : sigdelset(old, settings.signal);
    }
    if (sets) {
        set_signal_blocked(how == SIG_BLOCK     ? blocked_before || named
                           : how == SIG_UNBLOCK ? blocked_before && !named
                                                : named);
        deliver_held_signal();
    }
    return 0;
}

__sighandler_t install(int signal, __sighandler_t handler, int flags, bool mask_itself) {
    if (handler == SIG_ERR || !is_signal(signal)) {
        errno = EINVAL;
        return SIG_ERR;
    }
    struct sigaction action = {};
    struct sigaction old;
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    if (mask_itself) {
        sigaddset(&action.sa_mask, signal);
    }
    return set_program_action(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

__sighandler_t install_bsd(int signal, __sighandler_t handler) {
    const bool interrupts = is_signal(signal) && (interrupting_signals.load() & bit_of(signal)) != 0;
    return install(signal, handler, interrupts ? 0 : SA_RESTART, true);
}

__sighandler_t install_system_v(int signal, __sighandler_t handler) {
    return install(signal, handler, static_cast<int>(SA_RESETHAND) | SA_NODEFER | SA_INTERRUPT, false);
}

int change_mask_by_one(int how, int signal, sigset_t* old) {
    sigset_t set;
    sigemptyset(&set);
    if (sigaddset(&set, signal) != 0) {
        return -1;
    }
    const int error = set_mask(how, &set, old);
    if (error != 0) {
        errno = error;
    }
    return error == 0 ? 0 : -1;
}

// The BSD functions' masks: bit 0 is signal 1.
sigset_t from_bits(int bits) {
    sigset_t set;
    sigemptyset(&set);
    for (int signal = 1; signal <= 32; ++signal) {
        if (static_cast<unsigned>(bits) >> (signal - 1) & 1) {
            sigaddset(&set, signal);
        }
    }
    return set;
}

int to_bits(const sigset_t& set) {
    unsigned bits = 0;
    for (int signal = 1; signal <= 32; ++signal) {
        bits |= sigismember(&set, signal) == 1 ? 1u << (signal - 1) : 0;
    }
    return static_cast<int>(bits);
}

}  // namespace
}  // namespace interrupt

using namespace interrupt;

EXPORTED int sigaction(int signal, const struct sigaction* action, struct sigaction* old) noexcept {
    return set_program_action(signal, action, old);
}
EXPORTED int __sigaction(int signal, const struct sigaction* action, struct sigaction* old) noexcept {
    return set_program_action(signal, action, old);
}

EXPORTED __sighandler_t signal(int number, __sighandler_t handler) noexcept {
    return install_bsd(number, handler);
}
EXPORTED __sighandler_t bsd_signal(int number, __sighandler_t handler) noexcept {
    return install_bsd(number, handler);
}
EXPORTED __sighandler_t ssignal(int number, __sighandler_t handler) noexcept {
    return install_bsd(number, handler);
}
EXPORTED __sighandler_t sysv_signal(int number, __sighandler_t handler) noexcept {
    return install_system_v(number, handler);
}
EXPORTED __sighandler_t __sysv_signal(int number, __sighandler_t handler) noexcept {
    return install_system_v(number, handler);
}

EXPORTED int siginterrupt(int number, int interrupts) noexcept {
    struct sigaction action;
    if (set_program_action(number, nullptr, &action) != 0) {
        return -1;
    }
    if (interrupts != 0) {
        interrupting_signals.fetch_or(bit_of(number));
        action.sa_flags &= ~SA_RESTART;
    } else {
        interrupting_signals.fetch_and(~bit_of(number));
        action.sa_flags |= SA_RESTART;
    }
    return set_program_action(number, &action, nullptr);
}

EXPORTED int sigignore(int number) noexcept {
    return install(number, SIG_IGN, 0, false) == SIG_ERR ? -1 : 0;
}

EXPORTED __sighandler_t sigset(int number, __sighandler_t disposition) noexcept {
    if (disposition == SIG_ERR || !is_signal(number)) {
        errno = EINVAL;
        return SIG_ERR;
    }
    sigset_t before;
    struct sigaction old;
    if (disposition == SIG_HOLD) {
        if (change_mask_by_one(SIG_BLOCK, number, &before) != 0 || set_program_action(number, nullptr, &old) != 0) {
            return SIG_ERR;
        }
        return sigismember(&before, number) == 1 ? SIG_HOLD : old.sa_handler;
    }
    const __sighandler_t previous = install(number, disposition, 0, false);
    if (previous == SIG_ERR || change_mask_by_one(SIG_UNBLOCK, number, &before) != 0) {
        return SIG_ERR;
    }
    return sigismember(&before, number) == 1 ? SIG_HOLD : previous;
}

EXPORTED int sighold(int number) noexcept {
    return change_mask_by_one(SIG_BLOCK, number, nullptr);
}
EXPORTED int sigrelse(int number) noexcept {
    return change_mask_by_one(SIG_UNBLOCK, number, nullptr);
}

EXPORTED int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
    return set_mask(how, set, old);
}
EXPORTED int sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
    const int error = set_mask(how, set, old);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return 0;
}

EXPORTED int sigblock(int bits) noexcept {
    const sigset_t set = from_bits(bits);
    sigset_t old;
    set_mask(SIG_BLOCK, &set, &old);
    return to_bits(old);
}
EXPORTED int sigsetmask(int bits) noexcept {
    const sigset_t set = from_bits(bits);
    sigset_t old;
    set_mask(SIG_SETMASK, &set, &old);
    return to_bits(old);
}

EXPORTED int sigpending(sigset_t* set) noexcept {
    const int result = real::sigpending.resolve()(set);
    if (result == 0 && signal_held()) {
        sigaddset(set, settings.signal);
    }
    return result;
}

EXPORTED int signalfd(int fd, const sigset_t* set, int flags) noexcept {
    give_way_to_descriptor(set);
    const WithoutNudge others(set);
    return real::signalfd.resolve()(fd, others.pointer, flags);
}

// --- sigpause, in its two meanings ---

namespace {

int pause_with(const sigset_t& mask) {
    return sigsuspend(&mask);
}

int pause_without(int number) {
    sigset_t mask;
    if (set_mask(SIG_BLOCK, nullptr, &mask) != 0 || sigdelset(&mask, number) != 0) {
        return -1;
    }
    return pause_with(mask);
}

}  // namespace

// X/Open's: unblocks one signal. This is the name that programs are linked to (signal.h).
EXPORTED int __xpg_sigpause(int number) {
    return pause_without(number);
}
// BSD's, by libc's name; the header gives the name `sigpause` to the one above.
EXPORTED int bsd_sigpause(int bits) asm("sigpause");
int bsd_sigpause(int bits) {
    return pause_with(from_bits(bits));
}
EXPORTED int __sigpause(int number_or_bits, int is_signal_number) {
    return is_signal_number != 0 ? pause_without(number_or_bits) : pause_with(from_bits(number_or_bits));
}
