// The condition variables of <threads.h>: libc's are those of pthreads with other results.
#pragma once

#include "shim/waits_other.h"

namespace interrupt::waits {

struct ThreadsCondition : Condition {
    ThreadsCondition(cnd_t* condition, bool timed) : Condition(reinterpret_cast<pthread_cond_t*>(condition), timed) {}
    static bool succeeded(int result) { return result == thrd_success; }
    // As libc translates them.
    int fail(int error) const {
        switch (error) {
            case ENOMEM:
                return thrd_nomem;
            case EBUSY:
                return thrd_busy;
            case ETIMEDOUT:
                return thrd_timedout;
            default:
                return thrd_error;
        }
    }
    int interrupt() const { return thrd_success; }  // a spurious wakeup
    int time_out() const { return thrd_timedout; }
};
static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t));

}  // namespace interrupt::waits
