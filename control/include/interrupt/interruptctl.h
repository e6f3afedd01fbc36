/* libinterruptctl: what the command interruptctl does to another process, as functions. The process must run under the
 * shim, libinterrupt.so; it may be this one.
 *
 * Every function that can fail returns an enum interruptctl_status, the exit statuses of the command;
 * interruptctl_error() has the sentence that goes with it. Times are in nanoseconds.
 *
 * Threads: a handle is used by one thread at a time; different handles by different threads, without more ado. No
 * function may be called from a signal handler, nor with a handle that was opened before a fork in the child of it.
 * Nothing is a cancellation point. errno and the signal mask are not changed. While a handle is open the library has a
 * handler for SIGBUS, since the other process can cut short the file that both have mapped; what is not about that file
 * goes to the handler that was there before. A program that sets up its own SIGBUS handler meanwhile has it hand on
 * what it does not know.
 *
 * What points into a handle is valid until the next call with that handle which says that it replaces it, and until
 * interruptctl_close(). Structures that the library fills in only ever get fields appended. */
#ifndef INTERRUPT_INTERRUPTCTL_H
#define INTERRUPT_INTERRUPTCTL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#define INTERRUPTCTL_NOEXCEPT noexcept
#else
#define INTERRUPTCTL_NOEXCEPT
#endif

enum interruptctl_status {
    INTERRUPTCTL_DONE = 0,
    INTERRUPTCTL_OTHER = 1,          /* anything else, such as no memory */
    INTERRUPTCTL_USAGE = 2,          /* an argument that can never be right */
    INTERRUPTCTL_NOT_FOUND = 3,      /* no such process or thread, or it has ended */
    INTERRUPTCTL_NOT_UNDER_SHIM = 4, /* or cannot be interrupted for another reason that lasts */
    INTERRUPTCTL_NOT_DELIVERED = 5,  /* in time; or what was waited for has not come */
    INTERRUPTCTL_NOT_PERMITTED = 6
};

/* An open process. */
struct interruptctl_process;

/* Opens process `pid` and stores its handle. A failure stores NULL; interruptctl_error(NULL) then has the sentence.
 * The handle goes with that process only, never with another one that gets its id, and also after an exec: until the
 * new program has begun, calls then fail with INTERRUPTCTL_NOT_UNDER_SHIM. */
int interruptctl_open(pid_t pid, struct interruptctl_process** handle) INTERRUPTCTL_NOEXCEPT;

/* NULL is allowed. Requests that were left pending (INTERRUPTCTL_STICKY) stay. */
void interruptctl_close(struct interruptctl_process* handle) INTERRUPTCTL_NOEXCEPT;

/* Why the last call with this handle failed; with NULL, why this thread's last interruptctl_open() did. One sentence,
 * in UTF-8 and without control characters; "" after a success. Never NULL. The next call replaces it. */
const char* interruptctl_error(const struct interruptctl_process* handle) INTERRUPTCTL_NOEXCEPT;

/* "0.1.0" */
const char* interruptctl_version(void) INTERRUPTCTL_NOEXCEPT;

/* A thread as it was at one moment. Strings are UTF-8 as far as the program's own names are. */
struct interruptctl_thread {
    pid_t tid;
    pid_t inner_tid;     /* in the process's own PID namespace */
    const char* name;    /* the runtime's (CPython) or else the kernel's */
    const char* state;   /* "blocked", "running", "stopped", "outside", "no record", "bytecode", "ready", "in-C" */
    const char* call;    /* that it is blocked in, as "recv"; NULL if in none of the list */
    const char* outside; /* the system call that it sleeps in outside the list, if that is known; or NULL */
    int fd;              /* the descriptor that the call waits for; -1 if none */
    uint64_t target;     /* the descriptor, identifier, process id or address that the call waits for; or 0 */
    uint64_t waited;     /* how long it has been blocked in the call, in ns; 0 if in none or not known */
    const char* pending; /* the outcome that is pending, as "errno:EPIPE"; or NULL */
    const char* mask;    /* "none", "on_blocking", "all"; NULL if it has no record yet */
    uint32_t delivered;  /* sequence number of the request that was delivered last; 0 if none was */
    const char* delivered_outcome; /* of that request, "errno" without the error; or NULL */
    const char* delivered_call;    /* where it was delivered; NULL if in no call, or if none was */
    uint64_t delivered_latency;    /* from the request to the delivery, in ns */
};

/* Looks at all threads, in order of their ids, and stores their number. They are there by interruptctl_thread_at(), and
 * replace those of the handle's last interruptctl_threads() or interruptctl_wait(). */
int interruptctl_threads(struct interruptctl_process* handle, size_t* count) INTERRUPTCTL_NOEXCEPT;

/* NULL if there are not so many. */
const struct interruptctl_thread* interruptctl_thread_at(const struct interruptctl_process* handle,
                                                         size_t index) INTERRUPTCTL_NOEXCEPT;

enum interruptctl_flag {
    INTERRUPTCTL_STICKY = 1,   /* stays pending if it is not delivered in time */
    INTERRUPTCTL_THIS_WAIT = 2 /* acts only on the wait that the thread is in now */
};

/* How to interrupt. Begin with INTERRUPTCTL_REQUEST_INIT. */
struct interruptctl_request {
    size_t size;         /* of this structure */
    const char* outcome; /* "default", "errno:ECONNRESET", "timeout", "eof", "cancel", "exception:module.Class",
                            "signal:SIGINT"; NULL: "default" */
    uint64_t timeout;    /* how long to wait for the delivery; 0 only with INTERRUPTCTL_STICKY */
    unsigned flags;      /* of enum interruptctl_flag */
};
#define INTERRUPTCTL_REQUEST_INIT \
    { sizeof(struct interruptctl_request), 0, 1000000000, 0 }

/* What has become of a request. */
struct interruptctl_result {
    const char* word; /* "delivered", "withdrawn", "pending", "refused", "ended", "cleared", "replaced", "on its way" */
    const char* sentence; /* "delivered in 31 us, in recv(fd 5)", "not delivered, withdrawn: it is stopped ..." */
    const char* call;     /* where it was delivered, as "recv(fd 5)"; NULL if in no call, or if it was not */
    uint64_t latency;     /* from the request to the delivery, in ns; 0 if it was not delivered */
    int coalesced;        /* another request was pending, and this one has taken its place */
    int together;         /* it was delivered together with a later one */
};

/* Interrupts thread `tid` and waits until that is delivered. `request`: NULL for an EINTR within a second. `result`,
 * which may be NULL, gets what has become of it, or NULL if nothing was sent; it replaces the handle's last one.
 * INTERRUPTCTL_NOT_DELIVERED: it was not, and has been withdrawn unless it is sticky; the result says why. */
int interruptctl_interrupt(struct interruptctl_process* handle, pid_t tid, const struct interruptctl_request* request,
                           const struct interruptctl_result** result) INTERRUPTCTL_NOEXCEPT;

/* Which threads to wait for. Begin with INTERRUPTCTL_WANTED_INIT. */
struct interruptctl_wanted {
    size_t size;        /* of this structure */
    const char* calls;  /* "recv", "recv,read": one of these; NULL: any call of the list */
    pid_t tid;          /* this thread alone; 0: any */
    int fd;             /* that the call waits for; -1: any */
    const char* thread; /* a pattern (glob) for the thread's name; NULL: any */
    size_t count;       /* so many threads at the same time */
    uint64_t timeout;
};
#define INTERRUPTCTL_WANTED_INIT \
    { sizeof(struct interruptctl_wanted), 0, 0, -1, 0, 1, 10000000000 }

/* Waits until the threads are blocked so: asleep in the call, and not just passing through it. They are there by
 * interruptctl_thread_at(), and replace those of the handle's last interruptctl_threads() or interruptctl_wait();
 * `count`, which may be NULL, gets their number. INTERRUPTCTL_NOT_DELIVERED: the time is over. */
int interruptctl_wait(struct interruptctl_process* handle, const struct interruptctl_wanted* wanted,
                      size_t* count) INTERRUPTCTL_NOEXCEPT;

/* Takes back whatever is pending for thread `tid`. `cleared`, which may be NULL, gets its outcome, or NULL if nothing
 * was pending; the next call with the handle replaces it. */
int interruptctl_clear(struct interruptctl_process* handle, pid_t tid, const char** cleared) INTERRUPTCTL_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
