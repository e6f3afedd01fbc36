// What the shim knows of this process. One page that the kernel wipes in a forked child (MADV_WIPEONFORK), however the
// fork was made: all zero means that this process has no table yet. A vfork child shares it; compare `pid` with
// getpid().
#pragma once

#include <sys/types.h>

#include <atomic>

#include "control/table_layout.h"
#include "shim/thread_context.h"

namespace interrupt {

enum class TableState : uint32_t { none = 0, creating = 1, ready = 2, failed = 3 };

struct alignas(4096) Process {
    // The mapped table; null until interposers may use it, and always where every thread has to fence by itself.
    std::atomic<char*> live = nullptr;
    char* table = nullptr;
    uint32_t epoch = 0;
    uint32_t capacity = 0;
    pid_t pid = 0;
    bool heavy_fences = false;
    std::atomic<uint32_t> state = 0;  // TableState
    // Bit i: page i of the mapping is backed by memory and may be touched.
    static constexpr uint32_t max_pages = 8192;
    std::atomic<uint64_t> populated[max_pages / 64] = {};
    // A signal of the nudge's number that is held for the whole process (held_signal.h).
    std::atomic<bool> signal_lock = false;
    std::atomic<bool> signal_pending = false;
    siginfo_t signal_info = {};
    std::atomic<uint32_t> signal_discards = 0;  // how often the program has begun to ignore it
    // A signal has interrupted threads (on_signal.h): CLOCK_MONOTONIC, ns; 0: none has. And the main thread waits for
    // threads at its end, by a call of the runtime's.
    std::atomic<uint64_t> signalled_at = 0;
    std::atomic<bool> runtime_waits = false;
    // The file, for its removal at exit.
    char path[256] = {};
};

extern constinit Process process;

// Settings of the environment that outlive a fork.
struct Settings {
    bool active = false;  // the constructor has run, and nothing forbids the shim
    int signal = 0;       // the nudge; changes while the process has one thread only (give_way.h)
    char directory[200] = {};
    bool directory_chosen = false;  // by INTERRUPT_DIR
    uint32_t capacity = 16384;
    bool log = false;
    char ignored[sizeof TableHeader::ignored_setting] = {};
};
extern constinit Settings settings;

// A seccomp filter was seen; a child inherits it. No system call of our own any more.
extern constinit std::atomic<bool> seccomp_seen;

// What becomes of the nudge's signal. Changes with the above; a forked child inherits it, too.
enum class SignalUse : uint8_t {
    nudges,  // our handler is installed, and ends the waits that it meets
    held,  // no nudge comes any more, but threads block the signal that the kernel knows nothing of: our handler holds
           // for them what comes, and restarts what it can
    programs,  // the kernel has the program's own action, and masks with the signal in them
};
extern constinit std::atomic<SignalUse> signal_use;

inline TableHeader& table_header() {
    return *reinterpret_cast<TableHeader*>(process.table);
}

inline InjectionRules& injection_rules() {
    return *reinterpret_cast<InjectionRules*>(process.table + injection_rules_offset(process.capacity));
}

inline EventRing& event_ring() {
    return *reinterpret_cast<EventRing*>(process.table + event_ring_offset(process.capacity));
}

[[gnu::always_inline]] inline bool needs_closer_look(const char* table) {
    return reinterpret_cast<const TableHeader*>(table)->attention.load(std::memory_order_relaxed) != 0;
}

// The record of the calling thread if it has one in a live table, and nothing is to be looked at besides. The fast path
// of every interposer.
[[gnu::always_inline]] inline ThreadRecord* current_record() {
    char* const base = process.live.load(std::memory_order_relaxed);
    const uint32_t offset = thread_context.record_offset;
    if (base == nullptr || offset == 0 || needs_closer_look(base)) [[unlikely]] {
        return nullptr;
    }
    return reinterpret_cast<ThreadRecord*>(base + offset);
}

// Whether the shim may make system calls of its own.
inline bool may_call_kernel() {
    return !seccomp_seen.load(std::memory_order_relaxed);
}

}  // namespace interrupt
