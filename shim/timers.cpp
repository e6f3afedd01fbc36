// The timers of a thread: two that nudge it again, one on the clock, armed only while a call is in progress, and one on
// the CPU time that the thread uses, for a runtime's computing threads; and that of an injection rule.
#include <cstring>

#include "shim/adapter.h"
#include "shim/config.h"
#include "shim/delivery.h"
#include "shim/injection.h"
#include "shim/nudge.h"
#include "shim/platform/platform.h"

namespace interrupt {

namespace {

constexpr uint64_t first_retry_ns = 50'000;
constexpr uint64_t last_retry_ns = 10'000'000;

bool set_timer(int& timer, clockid_t clock, uint64_t ns, int cookie = nudge_cookie) {
    if (timer < 0) {
        struct sigevent event;
        std::memset(&event, 0, sizeof event);
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = settings.signal;
        event.sigev_value.sival_int = cookie;
        event._sigev_un._tid = os::gettid();
        if (os::timer_create(clock, &event, &timer) != 0) {
            timer = -1;
            return false;
        }
    }
    struct itimerspec value = {};
    value.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    value.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    return os::timer_settime(timer, &value) == 0;
}

}  // namespace

bool arm_retry(ThreadRecord& record, bool first) {
    if constexpr (!with_retry_timer) {
        return false;
    }
    // A vfork child's timers end with it, and their numbers would stay behind in its parent's context.
    if (!may_call_kernel() || os::getpid() != process.pid) {
        return false;
    }
    ThreadContext& context = thread_context;
    context.retry_delay = first || !context.retry_armed             ? first_retry_ns
                          : context.retry_delay * 2 < last_retry_ns ? context.retry_delay * 2
                                                                    : last_retry_ns;
    record.lock.fetch_or(LockWord::nudged_bit, std::memory_order_relaxed);  // so that leave() disarms it
    context.retry_armed = set_timer(context.retry_timer, CLOCK_MONOTONIC, context.retry_delay);
    return context.retry_armed;
}

bool arm_rule_timer(ThreadRecord& record, const RuleDue& due) {
    if (!may_call_kernel() || os::getpid() != process.pid) {
        return false;
    }
    ThreadContext& context = thread_context;
    attempt_of(record).rule_due = due;
    record.lock.fetch_or(LockWord::nudged_bit, std::memory_order_relaxed);  // so that leave() disarms it
    const uint64_t now = os::monotonic_ns();
    context.rule_timer_armed =
        set_timer(context.rule_timer, CLOCK_MONOTONIC, due.at > now ? due.at - now : 1, rule_timer_cookie);
    return context.rule_timer_armed;
}

namespace {

void disarm_retry() {
    ThreadContext& context = thread_context;
    if (context.runtime_signal && adapter->looks_after_eintr()) {
        return;  // the same builtin may wait again
    }
    if (context.retry_armed) {
        set_timer(context.retry_timer, CLOCK_MONOTONIC, 0);
        context.retry_armed = false;
    }
}

}  // namespace

void disarm_timers() {
    disarm_retry();
    if (thread_context.rule_timer_armed) {
        set_timer(thread_context.rule_timer, CLOCK_MONOTONIC, 0, rule_timer_cookie);
        thread_context.rule_timer_armed = false;
    }
}

void start_cpu_retry(uint64_t ns) {
    ThreadContext& context = thread_context;
    if (may_call_kernel() && os::getpid() == process.pid) {
        context.cpu_armed = set_timer(context.cpu_timer, CLOCK_THREAD_CPUTIME_ID, ns) && ns != 0;
    }
}

void delete_timers() {
    ThreadContext& context = thread_context;
    for (int* timer : (int* const[]){&context.retry_timer, &context.cpu_timer, &context.rule_timer}) {
        if (*timer >= 0) {
            os::timer_delete(*timer);
            *timer = -1;
        }
    }
    context.retry_armed = context.cpu_armed = context.rule_timer_armed = false;
}

}  // namespace interrupt
