/* libinterrupt, from inside the process: interrupt a thread of this process that is blocked in a libc call.
 *
 * Every function is defined by libinterrupt.so when it is preloaded. Declared weak by default, so that a program that
 * uses them also links and runs without the shim: compare the function with NULL before the first call, or call
 * interrupt_available(). Define INTERRUPT_STRONG before including this header to link against -linterrupt instead.
 *
 * Thread ids are those of gettid(2). */
#ifndef INTERRUPT_INTERRUPT_H
#define INTERRUPT_INTERRUPT_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#define INTERRUPT_NOEXCEPT noexcept
#else
#define INTERRUPT_NOEXCEPT
#endif

#ifdef INTERRUPT_STRONG
#define INTERRUPT_API
#else
#define INTERRUPT_API __attribute__((weak))
#endif

/* What the interrupted call returns. */
enum interrupt_outcome {
    INTERRUPT_DEFAULT = 1, /* EINTR; a condition variable's wait: a spurious wakeup, 0 */
    INTERRUPT_ERROR = 2,   /* fails with `error`; acts at every wait */
    INTERRUPT_TIMEOUT = 3, /* as if its time limit had passed; acts at waits that have one */
    INTERRUPT_EOF = 4,     /* 0, as at end of file; acts at read, recv and their kin */
    INTERRUPT_CANCEL = 6,  /* the thread ends as by pthread_cancel; acts at cancellation points, while it lets itself
                              be cancelled; not in a process that runs CPython */
    INTERRUPT_SIGNAL = 7   /* none of a wait: sends the plain signal `error` to the thread, as tgkill(2) does */
};

struct interrupt_request {
    int outcome; /* enum interrupt_outcome */
    int error;   /* errno value, 1 to 4095, for INTERRUPT_ERROR; signal number for INTERRUPT_SIGNAL; 0 otherwise */
};

/* Where pending interrupts of the calling thread are delivered. Not inherited by new threads. */
enum interrupt_mask_mode {
    INTERRUPT_MASK_NONE = 0,        /* anywhere */
    INTERRUPT_MASK_ON_BLOCKING = 1, /* only in a blocking call, never between two bytecodes */
    INTERRUPT_MASK_ALL = 2          /* nowhere: they stay pending */
};

/* Asks that thread `tid` of this process be interrupted: sets its pending flag and, if it is blocked at an
 * interruption point, gets it out. Requests that arrive before delivery coalesce.
 * Returns 0, ESRCH (no such thread of this process), EPERM (the shim is not active in this process, or may not signal),
 * EAGAIN (the thread has no record, and there is none left for it).
 * Async-signal-safe; errno is not changed. */
INTERRUPT_API int interrupt_thread(pid_t tid) INTERRUPT_NOEXCEPT;

/* The same with a chosen outcome. Also EINVAL: `request` is NULL, no such outcome, an `error` that is out of range or
 * that the outcome has no use for, INTERRUPT_CANCEL in a process that runs CPython. Async-signal-safe; errno is not
 * changed. */
INTERRUPT_API int interrupt_thread_as(pid_t tid, const struct interrupt_request* request) INTERRUPT_NOEXCEPT;

/* 1 if an interrupt of the calling thread is pending, masked or not; otherwise 0. Async-signal-safe. */
INTERRUPT_API int interrupt_pending(void) INTERRUPT_NOEXCEPT;

/* Takes back whatever is pending for the calling thread. 1 if something was, otherwise 0. Async-signal-safe. */
INTERRUPT_API int interrupt_clear(void) INTERRUPT_NOEXCEPT;

/* An interruption point of the program's own, which is no cancellation point: consumes what is pending for the calling
 * thread. Returns the errno asked for (EINTR by default, ETIMEDOUT for a timeout, ECONNRESET for an end of file), or 0
 * if nothing is pending, the mask defers it, or it is an INTERRUPT_CANCEL, which stays pending. Async-signal-safe. */
INTERRUPT_API int interrupt_check(void) INTERRUPT_NOEXCEPT;

/* Sets the calling thread's mask, one of enum interrupt_mask_mode, and returns the one before; -1 for another value,
 * and nothing is changed. Async-signal-safe. */
INTERRUPT_API int interrupt_mask(int mode) INTERRUPT_NOEXCEPT;

/* A descriptor that is readable exactly while an interrupt of the calling thread is pending, masked or not, for the
 * program's own poll or epoll loop. The same one at each call of a thread; closed when the thread ends; close-on-exec.
 * Never read from it: interrupt_check() or interrupt_clear() make it unreadable. -1 with errno on failure (EMFILE,
 * ENFILE, ENOMEM, ENOSYS where the shim is not active). */
INTERRUPT_API int interrupt_wakeup_fd(void) INTERRUPT_NOEXCEPT;

#ifdef INTERRUPT_STRONG
#define interrupt_available() 1
#else
/* Whether the shim is loaded. */
#define interrupt_available() (interrupt_thread != 0)
#endif

#ifdef __cplusplus
}
#endif

#endif
