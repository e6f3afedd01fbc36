#include "control/runtime_lock.h"

#include <pthread.h>
#include <sys/uio.h>

namespace interrupt::control {
namespace {

template <class Value>
std::optional<Value> read_memory(pid_t pid, uint64_t address) {
    Value value;
    const iovec here{&value, sizeof value};
    const iovec there{reinterpret_cast<void*>(address), sizeof value};
    return ::process_vm_readv(pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(sizeof value) ? std::optional(value)
                                                                                                 : std::nullopt;
}

std::optional<uint64_t> read_holder(pid_t pid, const RuntimeLock& where) {
    if (where.holder == 0) {
        return std::nullopt;
    }
    if (where.taken != 0) {
        const auto taken = read_memory<int32_t>(pid, where.taken);
        if (!taken || *taken <= 0) {
            return taken ? std::optional<uint64_t>(0) : std::nullopt;
        }
    }
    const auto state = read_memory<uint64_t>(pid, where.holder);
    if (!state || *state == 0) {
        return state;
    }
    return read_memory<uint64_t>(pid, *state + where.ident_offset);
}

}  // namespace

RuntimeLockView::RuntimeLockView(const Process& process, const TableFile& table)
    : where_(table.live_header().runtime_lock) {
    table.verify();
    holder_ = read_holder(process.pid(), where_);
}

LockState RuntimeLockView::of(const RecordView& record) const {
    if (!holder_ || (record.flags & record_runs_runtime) == 0) {
        return LockState::unknown;
    }
    const bool waits_for_lock = where_.condition != 0 && record.state.blocked() && record.state.call() < Call::count &&
                                traits(record.state.call()).kind == Kind::Condition &&
                                record.target - where_.condition < sizeof(pthread_cond_t);
    if (waits_for_lock) {
        return LockState::awaited;
    }
    return record.ident != 0 && record.ident == *holder_ ? LockState::held : LockState::released;
}

}  // namespace interrupt::control
