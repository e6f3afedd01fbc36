// The C API of control/include/interrupt/interrupt.h, from inside the process.
#define INTERRUPT_STRONG
#include <cerrno>

#include "interrupt/interrupt.h"
#include "shim/delivery.h"
#include "shim/platform/platform.h"
#include "shim/requester.h"
#include "shim/thread_table.h"
#include "shim/wakeup.h"

#define EXPORTED extern "C" [[gnu::visibility("default")]]

namespace interrupt {
namespace {

constexpr int max_errno = 4095;

// The calling thread's record; claimed now if it has none.
ThreadRecord* record_of_caller() {
    ThreadRecord* record = own_record();
    return record != nullptr ? record : record_for_call({});
}

Request pending_request() {
    ThreadRecord* record = own_record();
    return record == nullptr ? Request{} : Request{record->request.load(std::memory_order_acquire)};
}

int send_plain_signal(pid_t tid, int signal) {
    if (!ensure_table() || !may_call_kernel()) {
        return EPERM;
    }
    return signal == 0 ? EINVAL : -os::tgkill(process.pid, tid, signal);
}

}  // namespace

int send_request(pid_t tid, Outcome outcome, uint16_t error) {
    if (!ensure_table() || !may_call_kernel()) {
        return EPERM;
    }
    InProcess kernel;
    ThreadRecord* record = record_of(tid);
    if (record == nullptr) {
        return os::tgkill(process.pid, tid, 0) == 0 ? EAGAIN : ESRCH;
    }
    const RecordOwner owner{static_cast<uint32_t>(tid), record->generation.load(std::memory_order_relaxed)};
    if (os::tgkill(process.pid, tid, 0) != 0) {
        return ESRCH;  // a record that nobody has released yet
    }
    const Posted posted = post(kernel, table_header(), *record, owner, outcome, error, 0);
    if (posted.error == 0 && !posted.nudged) {
        nudge_computing(*record, tid);
    }
    return posted.error == EAGAIN ? 0 : posted.error;
}

int errno_of(Request request) {
    switch (request.outcome()) {
        case Outcome::error:
            return request.error();
        case Outcome::timeout:
            return ETIMEDOUT;
        case Outcome::eof:
            return ECONNRESET;
        default:
            return EINTR;
    }
}

}  // namespace interrupt

using namespace interrupt;

EXPORTED int interrupt_thread_as(pid_t tid, const struct interrupt_request* request) noexcept {
    if (request == nullptr) {
        return EINVAL;
    }
    switch (request->outcome) {
        case INTERRUPT_ERROR:
            if (request->error < 1 || request->error > max_errno) {
                return EINVAL;
            }
            break;
        case INTERRUPT_SIGNAL:
            return send_plain_signal(tid, request->error);
        case INTERRUPT_CANCEL:
            if (adapter != nullptr) {
                return EINVAL;
            }
            [[fallthrough]];
        case INTERRUPT_DEFAULT:
        case INTERRUPT_TIMEOUT:
        case INTERRUPT_EOF:
            if (request->error != 0) {
                return EINVAL;
            }
            break;
        default:
            return EINVAL;
    }
    return send_request(tid, static_cast<Outcome>(request->outcome), static_cast<uint16_t>(request->error));
}

EXPORTED int interrupt_thread(pid_t tid) noexcept {
    const struct interrupt_request request = {INTERRUPT_DEFAULT, 0};
    return interrupt_thread_as(tid, &request);
}

EXPORTED int interrupt_pending(void) noexcept {
    return pending_request().pending();
}

EXPORTED int interrupt_clear(void) noexcept {
    ThreadRecord* record = own_record();
    if (record == nullptr || !pending_request().pending()) {
        return 0;
    }
    InProcess kernel;
    const RecordOwner owner{record->tid.load(std::memory_order_relaxed),
                            record->generation.load(std::memory_order_relaxed)};
    const uint32_t cleared_before = record->cleared.load(std::memory_order_relaxed);
    Withdrawal withdrawal;
    do {  // the nudge handler may have the adapter claim it at any moment; what is claimed, the adapter withdraws
          // itself
        if (adapter != nullptr && pending_request().claimed()) {
            adapter->recall();
        }
        withdrawal = withdraw(kernel, table_header(), *record, owner, 0, true);
    } while (withdrawal == Withdrawal::on_its_way && adapter != nullptr);
    return withdrawal == Withdrawal::withdrawn || record->cleared.load(std::memory_order_relaxed) != cleared_before;
}

EXPORTED int interrupt_check(void) noexcept {
    ThreadRecord* record = own_record();
    if (record == nullptr) {
        return 0;
    }
    for (;;) {  // a newer request may take the place of the one seen
        const Request request{record->request.load(std::memory_order_acquire)};
        if (!deliverable_here(*record, request) || request.outcome() == Outcome::cancel) {
            return 0;
        }
        if (consume(*record, request, Call::running, Window::before_call)) {
            return errno_of(request);
        }
    }
}

EXPORTED int interrupt_mask(int mode) noexcept {
    if (mode < INTERRUPT_MASK_NONE || mode > INTERRUPT_MASK_ALL) {
        return -1;
    }
    ThreadContext& context = thread_context;
    const Mask before = context.mask;
    context.mask = static_cast<Mask>(mode);
    if (ThreadRecord* record = record_of_caller()) {
        record->mask.store(static_cast<uint32_t>(mode), std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);  // from here on the nudge handler sees the mask
        if (adapter != nullptr && pending_request().pending()) {
            context.mask == Mask::none ? adapter->unmasked() : adapter->recall();
        }
    }
    return static_cast<int>(before);
}

EXPORTED int interrupt_wakeup_fd(void) noexcept {
    ThreadRecord* record = may_call_kernel() ? record_of_caller() : nullptr;
    const int fd = record == nullptr ? -ENOSYS : wakeup_fd(*record);
    if (fd < 0) {
        errno = -fd;
        return -1;
    }
    return fd;
}
