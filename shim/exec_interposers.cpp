// exec and spawn: the new program inherits the signal mask and what is ignored. The nudge's signal is really neither,
// whatever the program has set: so it is made so for the time of the call. libc's inner calls bypass interposition:
// hence each name.
#include <spawn.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "shim/libc_functions.h"
#include "shim/nudge.h"
#include "shim/platform/platform.h"
#include "shim/program_actions.h"
#include "shim/program_signals.h"
#include "shim/thread_table.h"

#define EXPORTED extern "C" [[gnu::visibility("default")]]

namespace interrupt {
namespace {

enum class Heir { replaces_this, spawned, spawned_and_awaited };

// Calls that have the nudge's signal ignored at this moment, in any thread; the last one puts the handler back. The
// count and the kernel's action change together, under a lock that is held with all signals blocked. What a forked
// child finds here is its parent's: it begins anew (`epoch`), with the handler in place (create_table()).
class Ignoring {
public:
    void begin() {
        const os::KernelMask signals = lock();
        if (calls_++ == 0) {
            struct sigaction ignore = {};
            ignore.sa_handler = SIG_IGN;
            real::libcs_sigaction.resolve()(settings.signal, &ignore, nullptr);
        }
        unlock(signals);
    }
    // True if it was the last one.
    bool end() {
        const os::KernelMask signals = lock();
        const bool last = --calls_ == 0;
        if (last) {
            set_nudge_handler();
        }
        unlock(signals);
        return last;
    }

private:
    os::KernelMask lock() {
        const os::KernelMask signals = os::block_all_signals();
        uint32_t holder = 0;
        // A holder of another epoch is a thread that a forked child does not have.
        while (!locked_in_.compare_exchange_weak(holder, process.epoch, std::memory_order_acquire)) {
            if (holder == process.epoch) {
                os::sched_yield();
                holder = 0;
            }
        }
        if (epoch_ != process.epoch) {
            epoch_ = process.epoch;
            calls_ = 0;
        }
        return signals;
    }
    void unlock(os::KernelMask signals) {
        locked_in_.store(0, std::memory_order_release);
        os::set_signal_mask(signals);
    }

    std::atomic<uint32_t> locked_in_ = 0;  // Process::epoch of the holder; 0: free
    uint32_t epoch_ = 0;                   // of the count
    int calls_ = 0;
};
constinit Ignoring ignoring;

class InheritedSignal {
public:
    explicit InheritedSignal(Heir heir)
        : active_(settings.active && may_call_kernel()),
          // A vfork child's action is its own, and it may not come back. Nor is a forked child counted before it has a
          // table.
          counted_(active_ && os::getpid() == process.pid),
          blocked_(active_ && thread_context.signal_blocked),
          shut_out_(active_ && thread_context.nudge_shut_out),
          // Not while a spawned program is awaited: for so long no other thread could be nudged.
          ignored_(active_ && heir != Heir::spawned_and_awaited && !thread_context.vfork_child_set_action &&
                   program_ignores_nudge_signal()) {
        if (blocked_ != shut_out_) {
            change_mask(blocked_ ? SIG_BLOCK : SIG_UNBLOCK);
        }
        if (blocked_) {
            if (heir == Heir::replaces_this && os::getpid() == process.pid) {
                // Pending signals outlive an exec. If it fails this one comes back to us, and is held again.
                hand_over_held_signal();
            }
        }
        if (ignored_ && counted_) {
            ignoring.begin();
        } else if (ignored_) {
            struct sigaction ignore = {};
            ignore.sa_handler = SIG_IGN;
            real::libcs_sigaction.resolve()(settings.signal, &ignore, nullptr);
        }
    }
    // The exec has failed, or the program has been spawned.
    ~InheritedSignal() {
        const int saved_errno = errno;
        if (ignored_ && counted_) {
            if (ignoring.end()) {
                nudge_again_all();  // what was sent meanwhile is gone
            }
        } else if (ignored_) {
            set_nudge_handler();
        }
        if (blocked_ != shut_out_) {
            change_mask(shut_out_ ? SIG_BLOCK : SIG_UNBLOCK);
        }
        errno = saved_errno;
    }
    InheritedSignal(const InheritedSignal&) = delete;
    InheritedSignal& operator=(const InheritedSignal&) = delete;

private:
    static void change_mask(int how) {
        const os::KernelMask mask = os::KernelMask{1} << (settings.signal - 1);
        os::raw_syscall(SYS_rt_sigprocmask, how, os::arg(&mask), 0, sizeof mask);
    }

    const bool active_;
    const bool counted_;
    const bool blocked_;
    const bool shut_out_;
    const bool ignored_;
};

// The arguments of execl and its kin as an array on the stack.
#define ARGUMENT_ARRAY(first)                      \
    va_list list;                                  \
    va_start(list, first);                         \
    size_t count = 1;                              \
    while (va_arg(list, const char*) != nullptr) { \
        ++count;                                   \
    }                                              \
    va_end(list);                                  \
    const char* array[count + 1];                  \
    array[0] = first;                              \
    va_start(list, first);                         \
    for (size_t i = 1; i <= count; ++i) {          \
        array[i] = va_arg(list, const char*);      \
    }                                              \
    [[maybe_unused]] auto arguments = const_cast<char* const*>(array);

}  // namespace
}  // namespace interrupt

using namespace interrupt;

#pragma GCC diagnostic ignored "-Wvla"

EXPORTED int execve(const char* path, char* const* arguments, char* const* environment) noexcept {
    InheritedSignal inherited(Heir::replaces_this);
    return real::execve.resolve()(path, arguments, environment);
}

EXPORTED int execv(const char* path, char* const* arguments) noexcept {
    return execve(path, arguments, environ);
}

EXPORTED int execvpe(const char* file, char* const* arguments, char* const* environment) noexcept {
    InheritedSignal inherited(Heir::replaces_this);
    return real::execvpe.resolve()(file, arguments, environment);
}

EXPORTED int execvp(const char* file, char* const* arguments) noexcept {
    return execvpe(file, arguments, environ);
}

EXPORTED int fexecve(int fd, char* const* arguments, char* const* environment) noexcept {
    InheritedSignal inherited(Heir::replaces_this);
    return real::fexecve.resolve()(fd, arguments, environment);
}

EXPORTED int execveat(int directory, const char* path, char* const* arguments, char* const* environment,
                      int flags) noexcept {
    InheritedSignal inherited(Heir::replaces_this);
    return real::execveat.resolve()(directory, path, arguments, environment, flags);
}

EXPORTED int execl(const char* path, const char* first, ...) noexcept {
    ARGUMENT_ARRAY(first)
    return execve(path, arguments, environ);
}

EXPORTED int execlp(const char* file, const char* first, ...) noexcept {
    ARGUMENT_ARRAY(first)
    return execvpe(file, arguments, environ);
}

EXPORTED int execle(const char* path, const char* first, ...) noexcept {
    ARGUMENT_ARRAY(first)
    va_start(list, first);
    while (va_arg(list, const char*) != nullptr) {
    }
    char* const* environment = va_arg(list, char* const*);
    va_end(list);
    return execve(path, arguments, environment);
}

EXPORTED int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                         const posix_spawnattr_t* attributes, char* const* arguments, char* const* environment) {
    InheritedSignal inherited(Heir::spawned);
    return real::posix_spawn.resolve()(pid, path, actions, attributes, arguments, environment);
}

EXPORTED int posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                          const posix_spawnattr_t* attributes, char* const* arguments, char* const* environment) {
    InheritedSignal inherited(Heir::spawned);
    return real::posix_spawnp.resolve()(pid, file, actions, attributes, arguments, environment);
}

EXPORTED FILE* popen(const char* command, const char* mode) {
    InheritedSignal inherited(Heir::spawned);
    return real::popen.resolve()(command, mode);
}

EXPORTED int system(const char* command) {
    InheritedSignal inherited(Heir::spawned_and_awaited);
    return real::system.resolve()(command);
}
