// libinterruptctl: the functions of <interrupt/interruptctl.h>, over the ones that the commands use. No exception
// leaves this file.
#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <memory>
#include <new>

#include "control/chosen_threads.h"
#include "control/interruption_round.h"
#include "control/open_process.h"
#include "control/wait_blocked.h"
#include "interrupt/interruptctl.h"

using namespace interrupt;
using namespace interrupt::control;

struct interruptctl_process {
    std::unique_ptr<OpenProcess> target;
    std::vector<interruptctl_thread> threads;
    std::deque<std::string> thread_texts;
    interruptctl_result result{};
    std::deque<std::string> result_texts;
    std::string cleared;
    std::string error;
    const char* error_without_memory = nullptr;
};

namespace {

static_assert(static_cast<int>(Status::usage) == INTERRUPTCTL_USAGE &&
              static_cast<int>(Status::not_found) == INTERRUPTCTL_NOT_FOUND &&
              static_cast<int>(Status::not_under_shim) == INTERRUPTCTL_NOT_UNDER_SHIM &&
              static_cast<int>(Status::not_delivered) == INTERRUPTCTL_NOT_DELIVERED &&
              static_cast<int>(Status::not_permitted) == INTERRUPTCTL_NOT_PERMITTED);

// What the program is not to notice of a call. SIGBUS must reach the FaultGuard: blocked, it would end the program.
class Unnoticed {
public:
    Unnoticed() : errno_(errno) {
        ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state_);
        sigset_t bus;
        ::sigemptyset(&bus);
        ::sigaddset(&bus, SIGBUS);
        ::pthread_sigmask(SIG_UNBLOCK, &bus, &mask_);
    }
    ~Unnoticed() {
        ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
        ::pthread_setcancelstate(cancel_state_, nullptr);
        errno = errno_;
    }

private:
    int errno_;
    int cancel_state_ = PTHREAD_CANCEL_ENABLE;
    sigset_t mask_;
};

struct LastError {
    std::string sentence;
    const char* without_memory = nullptr;
};
thread_local LastError open_error;

void keep(std::string& place, const char*& without_memory, const char* sentence) {
    try {
        place = sentence;
        without_memory = nullptr;
    } catch (const std::bad_alloc&) {
        without_memory = "there is no memory.";
    }
}

// Calls it, and makes a status and a sentence of what it throws.
template <class Function>
int guarded(std::string& error, const char*& without_memory, Function function) noexcept {
    const Unnoticed unnoticed;
    keep(error, without_memory, "");
    try {
        return static_cast<int>(function());
    } catch (const Failure& failure) {
        keep(error, without_memory, failure.what());
        return static_cast<int>(failure.status());
    } catch (const std::bad_alloc&) {
        without_memory = "there is no memory.";
    } catch (const std::exception& exception) {
        keep(error, without_memory, exception.what());
    } catch (...) {
        keep(error, without_memory, "something unknown has failed.");
    }
    return INTERRUPTCTL_OTHER;
}

// The same with a handle, whose process is looked at once more: it may have ended, or called exec.
template <class Function>
int with(interruptctl_process* handle, Function function) noexcept {
    if (handle == nullptr) {
        return INTERRUPTCTL_USAGE;
    }
    return guarded(handle->error, handle->error_without_memory, [&] {
        if (!handle->target->current()) {
            const pid_t pid = handle->target->process.pid();
            if (!handle->target->process.exists()) {
                throw Failure(Status::not_found, text("process ", pid, " has ended."));
            }
            handle->target = std::make_unique<OpenProcess>(pid);
        }
        return function(*handle->target);
    });
}

// What a caller has set of a structure that may be of an older or a newer header: as much as it has and we know.
template <class Structure>
Structure read(const Structure* given, Structure defaults, size_t least) {
    if (given == nullptr) {
        return defaults;
    }
    if (given->size < least) {
        throw Failure(Status::usage, "the structure has no size: begin with its _INIT.");
    }
    const auto* bytes = reinterpret_cast<const char*>(given);
    for (size_t i = sizeof(Structure); i < given->size; ++i) {
        if (bytes[i] != 0) {
            throw Failure(Status::usage,
                          "the structure asks for something that this version of libinterruptctl does not have.");
        }
    }
    std::memcpy(&defaults, given, std::min(given->size, sizeof(Structure)));
    return defaults;
}

const char* keep_text(std::deque<std::string>& texts, std::string value) {
    return texts.emplace_back(std::move(value)).c_str();
}

const char* text_or_null(std::deque<std::string>& texts, const std::string& value) {
    return value.empty() ? nullptr : keep_text(texts, value);
}

interruptctl_thread to_c(std::deque<std::string>& texts, const ThreadView& view) {
    interruptctl_thread thread{};
    thread.tid = view.id.here;
    thread.inner_tid = static_cast<pid_t>(view.id.there);
    thread.name = keep_text(texts, view.name);
    thread.state = keep_text(texts, view.state());
    thread.outside = text_or_null(texts, view.outside);
    thread.fd = -1;
    if (!view.record) {
        return thread;
    }
    const RecordView& record = *view.record;
    if (view.blocked()) {
        const Call call = record.state.call();
        thread.call = keep_text(texts, call_name(call));
        const Target target = target_of(call);
        thread.target = target == Target::address ? address_in(call, record.target)
                        : target == Target::none  ? 0
                                                  : record.target;
        thread.fd = target == Target::descriptor ? static_cast<int32_t>(record.target) : -1;
        thread.waited = waited(record).value_or(0);
    }
    if (record.request.pending()) {
        thread.pending = keep_text(texts, outcome_name(record.request.outcome(), record.request.error()));
    }
    thread.mask = keep_text(texts, mask_name(record.mask));
    if (record.delivered.outcome() != Outcome::none) {
        thread.delivered = record.delivered.sequence();
        thread.delivered_outcome = keep_text(texts, delivered_outcome_name(record.delivered));
        const Call call = record.delivered.call();
        thread.delivered_call = call == Call::running ? nullptr : keep_text(texts, call_name(call));
        thread.delivered_latency = record.delivered_latency;
    }
    return thread;
}

void store(interruptctl_process& handle, const std::vector<ThreadView>& views, size_t* count) {
    handle.threads.clear();
    handle.thread_texts.clear();
    for (const ThreadView& view : views) {
        handle.threads.push_back(to_c(handle.thread_texts, view));
    }
    if (count != nullptr) {
        *count = handle.threads.size();
    }
}

void store(interruptctl_process& handle, const InterruptResult& result, const std::string& what) {
    handle.result_texts.clear();
    handle.result = {};
    handle.result.word = keep_text(handle.result_texts, result_name(result.word));
    handle.result.sentence = keep_text(handle.result_texts, what);
    handle.result.call = text_or_null(handle.result_texts, result.call);
    handle.result.latency = result.latency.value_or(0);
    handle.result.coalesced = result.coalesced;
    handle.result.together = result.together;
}

}  // namespace

int interruptctl_open(pid_t pid, interruptctl_process** handle) noexcept {
    if (handle == nullptr) {
        keep(open_error.sentence, open_error.without_memory, "there is no place for the handle.");
        return INTERRUPTCTL_USAGE;
    }
    *handle = nullptr;
    return guarded(open_error.sentence, open_error.without_memory, [&] {
        if (pid <= 0) {
            throw Failure(Status::usage, text(pid, " is no process id."));
        }
        auto opened = std::make_unique<interruptctl_process>();
        opened->target = std::make_unique<OpenProcess>(pid);
        *handle = opened.release();
        return Status::done;
    });
}

void interruptctl_close(interruptctl_process* handle) noexcept {
    const Unnoticed unnoticed;
    delete handle;
}

const char* interruptctl_error(const interruptctl_process* handle) noexcept {
    const char* without_memory = handle == nullptr ? open_error.without_memory : handle->error_without_memory;
    return without_memory != nullptr ? without_memory
           : handle == nullptr       ? open_error.sentence.c_str()
                                     : handle->error.c_str();
}

const char* interruptctl_version() noexcept {
    return INTERRUPT_VERSION;
}

int interruptctl_threads(interruptctl_process* handle, size_t* count) noexcept {
    return with(handle, [&](OpenProcess& target) {
        store(*handle, observe_all(target.process, target.table), count);
        return Status::done;
    });
}

const interruptctl_thread* interruptctl_thread_at(const interruptctl_process* handle, size_t index) noexcept {
    return handle == nullptr || index >= handle->threads.size() ? nullptr : &handle->threads[index];
}

int interruptctl_interrupt(interruptctl_process* handle, pid_t tid, const interruptctl_request* request,
                           const interruptctl_result** result) noexcept {
    if (result != nullptr) {
        *result = nullptr;
    }
    return with(handle, [&](OpenProcess& target) {
        const interruptctl_request wish = read(request, INTERRUPTCTL_REQUEST_INIT, sizeof(interruptctl_request));
        if ((wish.flags & ~static_cast<unsigned>(INTERRUPTCTL_STICKY | INTERRUPTCTL_THIS_WAIT)) != 0) {
            throw Failure(Status::usage, text("there are no such flags: ", wish.flags, "."));
        }
        Order order;
        order.wanted = parse_outcome(wish.outcome == nullptr ? "default" : wish.outcome);
        order.timeout = wish.timeout;
        order.sticky = (wish.flags & INTERRUPTCTL_STICKY) != 0;
        order.this_wait = (wish.flags & INTERRUPTCTL_THIS_WAIT) != 0;
        check(order, {});
        const std::vector<ThreadView> threads{find_thread(target.process, target.table, tid)};
        const auto results = finish(*make_round(target.process, target.table, threads, order));
        const std::string what = sentence(results.front(), target.table, order);
        store(*handle, results.front(), what);
        if (result != nullptr) {
            *result = &handle->result;
        }
        if (results.front().status != Status::done) {
            throw Failure(results.front().status, full_sentence(tid, results.front(), target.table, order));
        }
        return Status::done;
    });
}

int interruptctl_wait(interruptctl_process* handle, const interruptctl_wanted* wanted, size_t* count) noexcept {
    return with(handle, [&](OpenProcess& target) {
        const interruptctl_wanted wish =
            read(wanted, interruptctl_wanted INTERRUPTCTL_WANTED_INIT, sizeof(interruptctl_wanted));
        WantedWait wait;
        if (wish.calls != nullptr) {
            wait.calls = parse_calls(wish.calls);
        }
        if (wish.tid != 0) {
            wait.tid = find_thread(target.process, target.table, wish.tid).id.here;
        }
        if (wish.fd != -1) {
            wait.descriptor = wish.fd;
        }
        wait.name = wish.thread == nullptr ? "" : wish.thread;
        wait.count = wish.count;
        check(wait);
        store(*handle, wait_until_blocked(target.process, target.table, wait, wish.timeout), count);
        return Status::done;
    });
}

int interruptctl_clear(interruptctl_process* handle, pid_t tid, const char** cleared) noexcept {
    if (cleared != nullptr) {
        *cleared = nullptr;
    }
    return with(handle, [&](OpenProcess& target) {
        Clearing clearing(target.process, target.table, find_thread(target.process, target.table, tid));
        while (!clearing.step(monotonic_now())) {
            const timespec moment{0, 1'000'000};
            ::nanosleep(&moment, nullptr);
        }
        handle->cleared = clearing.cleared();
        if (cleared != nullptr && !handle->cleared.empty()) {
            *cleared = handle->cleared.c_str();
        }
        return Status::done;
    });
}
