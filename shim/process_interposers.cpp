// Threads and processes that begin and end, and the seccomp filters that they set. None of these waits.
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <optional>

#include "shim/adapter_search.h"
#include "shim/cancellation.h"
#include "shim/delivery.h"
#include "shim/libc_functions.h"
#include "shim/platform/platform.h"
#include "shim/program_actions.h"
#include "shim/program_signals.h"
#include "shim/run.h"
#include "shim/system_calls.h"
#include "shim/thread_table.h"

#define EXPORTED extern "C" [[gnu::visibility("default")]]

namespace interrupt {

constinit std::atomic<bool> cancellation_used = false;

namespace {

struct Start {
    void* (*routine)(void*);
    thrd_start_t threads_routine;  // of thrd_create
    void* argument;
    bool signal_blocked;
    bool really_blocked;  // by the mask in the thread's attributes, or since its creator has the nudge shut out
    uint32_t started_by;
    ThreadPath path;
    ThreadName name;  // the runtime's
};

// What threads on their way have been given. A new thread frees no memory, which would make it an arena of its own, and
// would meet the program's first signal in the middle of free(), where its handlers could not allocate. Only where more
// threads are on their way at once than there are places, and then with signals blocked.
struct StartPlace {
    Start start = {};
    std::atomic<bool> taken = false;
};
constinit StartPlace start_places[64] = {};

// Null if the shim is not active, or there is no memory.
Start* take_start_place() {
    if (!settings.active) {
        return nullptr;
    }
    for (StartPlace& place : start_places) {
        if (!place.taken.load(std::memory_order_relaxed) && !place.taken.exchange(true, std::memory_order_acquire)) {
            return &place.start;
        }
    }
    return static_cast<Start*>(std::malloc(sizeof(Start)));
}

void leave_start_place(Start* start) {
    for (StartPlace& place : start_places) {
        if (&place.start == start) {
            place.taken.store(false, std::memory_order_release);
            return;
        }
    }
    const bool quiet = may_call_kernel();
    const os::KernelMask signals = quiet ? os::block_all_signals() : 0;
    std::free(start);
    if (quiet) {
        os::set_signal_mask(signals);
    }
}

uint32_t own_tid() {
    const ThreadRecord* record = own_record();
    return record != nullptr ? record->tid.load(std::memory_order_relaxed) : 0;
}

Start begin_thread(void* pointer) {
    const Start start = *static_cast<Start*>(pointer);
    leave_start_place(static_cast<Start*>(pointer));
    thread_context.signal_blocked = start.signal_blocked;
    if (start.really_blocked && may_call_kernel()) {
        os::unblock_signal(settings.signal);
    }
    thread_context.name = start.name;
    thread_context.path = start.path;
    if (ThreadRecord* const record = process.table != nullptr ? record_for_call({}) : nullptr) {
        record->started_by.store(start.started_by, std::memory_order_relaxed);
    }
    const void* const routine = start.routine != nullptr ? reinterpret_cast<const void*>(start.routine)
                                                         : reinterpret_cast<const void*>(start.threads_routine);
    if (adapter != nullptr && adapter->starts_thread(routine)) {
        set_runs_runtime(true);
    }
    deliver_held_signal();
    return start;
}

void* run_thread(void* pointer) {
    const Start start = begin_thread(pointer);
    return start.routine(start.argument);
}

int run_threads_thread(void* pointer) {
    const Start start = begin_thread(pointer);
    return start.threads_routine(start.argument);
}

// Whether the attributes have a signal mask of their own for the thread.
bool mask_of(const pthread_attr_t* attributes, sigset_t& mask) {
    const auto get = attributes != nullptr ? real::pthread_attr_getsigmask_np.resolve() : nullptr;
    return get != nullptr && get(attributes, &mask) == 0;
}

// A filter is about to be set: afterwards no system call is made that the program does not ask for.
class SeccompChange {
public:
    // A forked child without a table yet counts as well; a vfork child, which has its parent's, does not.
    explicit SeccompChange(bool sets)
        : sets_(sets && settings.active && may_call_kernel() &&
                (process.table == nullptr || os::getpid() == process.pid)) {
        if (sets_) {
            replaced_ = put_defaults_back();
            signal_.emplace();
            seccomp_seen.store(true);
        }
    }
    void done(bool worked) {
        if (!sets_) {
            return;
        }
        if (!worked) {
            const int saved_errno = errno;
            seccomp_seen.store(false);
            signal_->take_again();
            let_requests_stand_in_again(replaced_);
            errno = saved_errno;
        } else if (process.table != nullptr) {
            table_header().flags.fetch_or(table_seccomp);
        }
    }

private:
    const bool sets_;
    uint64_t replaced_ = 0;
    std::optional<NudgeSignalGivenBack> signal_;
};

}  // namespace

extern "C" {

// Called by vfork (arch), before and after. The child runs on this thread's context and record.
[[gnu::visibility("hidden")]] void interrupt_before_vfork() {
    thread_context.signal_blocked_before_vfork = thread_context.signal_blocked;
    thread_context.vfork_child_set_action = false;
}

[[gnu::visibility("hidden")]] void interrupt_after_child() {
    set_signal_blocked(thread_context.signal_blocked_before_vfork);
    thread_context.vfork_child_set_action = false;
    thread_context.attempt = {};
    if (ThreadRecord* record = own_record()) {
        leave(*record);  // it may have gone from inside an interposed call
    }
}

[[gnu::visibility("hidden")]] long interrupt_after_vfork(long result) {
    interrupt_after_child();
    if (result < 0) {
        errno = static_cast<int>(-result);
        return -1;
    }
    return result;
}
}

void cancel_calling_thread() {
    // Of a thread that is to be cancelled at any point glibc 2.36 does not finish the cancellation by itself.
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, nullptr);
    cancellation_used.store(true, std::memory_order_seq_cst);
    real::pthread_cancel.resolve()(pthread_self());
    pthread_testcancel();
}

}  // namespace interrupt

using namespace interrupt;

EXPORTED int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*routine)(void*),
                            void* argument) noexcept {
    look_for_adapter();
    Start* const start = take_start_place();
    if (start == nullptr) {
        return real::pthread_create.resolve()(thread, attributes, routine, argument);
    }
    sigset_t mask;
    const bool has_mask = mask_of(attributes, mask);
    const bool blocked = has_mask ? holds_nudge_signal(&mask) : thread_context.signal_blocked;
    *start = {routine,
              nullptr,
              argument,
              blocked,
              has_mask ? blocked : thread_context.nudge_shut_out,
              own_tid(),
              next_thread_path(),
              thread_context.next_thread_name};
    const int error = real::pthread_create.resolve()(thread, attributes, run_thread, start);
    if (error != 0) {
        leave_start_place(start);
    }
    return error;
}

// libc's calls an inner pthread_create.
EXPORTED int thrd_create(thrd_t* thread, thrd_start_t routine, void* argument) {
    Start* const start = take_start_place();
    if (start == nullptr) {
        return real::thrd_create.resolve()(thread, routine, argument);
    }
    *start = {nullptr,
              routine,
              argument,
              thread_context.signal_blocked,
              thread_context.nudge_shut_out,
              own_tid(),
              next_thread_path(),
              {}};
    const int result = real::thrd_create.resolve()(thread, run_threads_thread, start);
    if (result != thrd_success) {
        leave_start_place(start);
    }
    return result;
}

// No wait and no thread: but every runtime that has thread-local data of its own comes by when it begins.
EXPORTED int pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) noexcept {
    look_for_adapter();
    return real::pthread_key_create.resolve()(key, destructor);
}

// A child that shares this thread's data, and is awaited, as by vfork.
EXPORTED int clone(int (*routine)(void*), void* stack, int flags, void* argument, ...) noexcept {
    va_list list;
    va_start(list, argument);
    pid_t* const parents_id = va_arg(list, pid_t*);
    void* const thread_data = va_arg(list, void*);
    pid_t* const childs_id = va_arg(list, pid_t*);
    va_end(list);
    const bool as_vfork =
        settings.active && (flags & (CLONE_VM | CLONE_VFORK | CLONE_SETTLS)) == (CLONE_VM | CLONE_VFORK);
    if (as_vfork) {
        interrupt_before_vfork();
    }
    const int result = real::clone.resolve()(routine, stack, flags, argument, parents_id, thread_data, childs_id);
    if (as_vfork) {
        const int saved_errno = errno;
        interrupt_after_child();
        errno = saved_errno;
    }
    return result;
}

extern "C" [[gnu::visibility("default"), gnu::alias("clone")]] int __clone(int (*)(void*), void*, int, void*,
                                                                           ...) noexcept;

EXPORTED int pthread_cancel(pthread_t thread) {
    cancellation_used.store(true, std::memory_order_seq_cst);
    return real::pthread_cancel.resolve()(thread);
}

EXPORTED int prctl(int option, ...) noexcept {
    va_list list;
    va_start(list, option);
    unsigned long arguments[4];
    for (unsigned long& argument : arguments) {
        argument = va_arg(list, unsigned long);
    }
    va_end(list);
    SeccompChange change(option == PR_SET_SECCOMP);
    const int result = real::prctl.resolve()(option, arguments[0], arguments[1], arguments[2], arguments[3]);
    change.done(result == 0);
    return result;
}

EXPORTED long syscall(long number, ...) noexcept {
    va_list list;
    va_start(list, number);
    long arguments[6];
    for (long& argument : arguments) {
        argument = va_arg(list, long);
    }
    va_end(list);
    const bool sets_filter = (number == SYS_seccomp &&
                              (arguments[0] == SECCOMP_SET_MODE_STRICT || arguments[0] == SECCOMP_SET_MODE_FILTER)) ||
                             (number == SYS_prctl && arguments[0] == PR_SET_SECCOMP);
    if (long made; made_as_interruption_point(number, arguments, __builtin_return_address(0), made)) {
        return made;
    }
    SeccompChange change(sets_filter);
    const long result = real::syscall.resolve()(number, arguments[0], arguments[1], arguments[2], arguments[3],
                                                arguments[4], arguments[5]);
    change.done(result >= 0);
    return result;
}
