// The layout of the thread table: one shared-memory file per process, written by the shim in that process and by
// requesters inside and outside of it. Both sides include this header and nothing else of each other. Fields are
// appended, never moved; tests/unit/thread_table_abi_test.cpp asserts every offset.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace interrupt {

// What kind of wait a call is; decides which outcomes it can have.
enum class Kind : uint8_t {
    Sleep,
    Poll,
    Receive,
    Read,
    Send,
    Write,
    Accept,
    Connect,
    Open,
    Child,
    Semaphore,
    Condition,
    Signal,
    SignalSet,
    Join,
    Lock,
    Queue,    // POSIX message queues
    Counter,  // an eventfd's
    Device,
    Asynchronous,
    Futex,
    Shown,    // no interruption point: shown alone
    SystemV,  // message queues and semaphores
};

// The calls that a record can name. `running` is no call; `join` is the CPython adapter's own wait for a thread's end.
enum class Call : uint16_t {
    running = 0,
#define INTERPOSE(ret, name, ...) name##_,
#define VARIANT(...)
#define CUSTOM(name, kind) name##_,
#define CUSTOM_VARIANT(...)
#include "../shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT
    thread_join,
    count,
};

// A bit in the target of a Kind::Futex: the wait has a time limit, so that no handler of the program restarts it.
inline constexpr uint64_t futex_limited = 1;

struct CallTraits {
    const char* name;
    Kind kind;
};

// Indexed by Call.
inline constexpr CallTraits call_traits[] = {
    {"running", Kind::Signal},
#define INTERPOSE(ret, name, params, args, kind, ...) {#name, Kind::kind},
#define VARIANT(...)
#define CUSTOM(name, kind) {#name, Kind::kind},
#define CUSTOM_VARIANT(...)
#include "../shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT
    {"thread_join", Kind::Join},
};
static_assert(sizeof call_traits / sizeof call_traits[0] == static_cast<size_t>(Call::count));

constexpr const CallTraits& traits(Call call) {
    return call_traits[static_cast<size_t>(call)];
}

// Values are part of the ABI.
enum class Outcome : uint8_t { none = 0, default_ = 1, error = 2, timeout = 3, eof = 4, exception = 5, cancel = 6 };

// Whether a wait of this kind can ever end in `outcome`. A `timeout` further needs that this very call has a time
// limit, which only the thread itself can tell.
constexpr bool can_have(Kind kind, Outcome outcome) {
    if (kind == Kind::Shown) {
        return false;
    }
    switch (outcome) {
        case Outcome::default_:
        case Outcome::error:
        case Outcome::exception:
            return true;
        case Outcome::timeout:
            return kind != Kind::Open && kind != Kind::Child && kind != Kind::Signal && kind != Kind::Lock &&
                   kind != Kind::Counter && kind != Kind::Device;
        case Outcome::eof:
            return kind == Kind::Receive || kind == Kind::Read;
        case Outcome::cancel:
            return kind != Kind::Join;
        case Outcome::none:
            break;
    }
    return false;
}

// The calls that glibc makes no cancellation point of.
constexpr bool is_cancellation_point(Call call) {
    return call != Call::flock_ && call != Call::sendfile_ && call != Call::semop_ && call != Call::semtimedop_ &&
           call != Call::ioctl_ && call != Call::syscall_;
}

constexpr bool can_have(Call call, Outcome outcome) {
    return can_have(traits(call).kind, outcome) && (outcome != Outcome::cancel || is_cancellation_point(call));
}

// The request: pending flag, outcome, errno and sequence number in one 64-bit word, so that one atomic operation
// sets, replaces, consumes or withdraws all of it. A word that is not pending keeps the last sequence number.
//
//   63          32 31     16 15      8 7     4    3        2         1         0
//   [  sequence   ][ errno  ][ outcome ][ 0 ..][recalled][claimed][this_wait][pending]
struct Request {
    static constexpr uint64_t pending_bit = 1;
    static constexpr uint64_t this_wait_bit = 2;
    static constexpr uint64_t claimed_bit = 4;
    static constexpr uint64_t recalled_bit = 8;

    uint64_t word = 0;

    static constexpr Request make(uint32_t sequence, Outcome outcome, uint16_t error, bool this_wait) {
        return {uint64_t{sequence} << 32 | uint64_t{error} << 16 | uint64_t{static_cast<uint8_t>(outcome)} << 8 |
                (this_wait ? this_wait_bit : 0) | pending_bit};
    }
    constexpr bool pending() const { return word & pending_bit; }
    // It acts only on the wait whose number ThreadRecord::only_wait holds.
    constexpr bool this_wait() const { return word & this_wait_bit; }
    // An adapter has it on its way (CPython's asynchronous exception): only its own thread can withdraw it still, and
    // no interposed call delivers it.
    constexpr bool claimed() const { return word & claimed_bit; }
    // A requester wants the claimed request back: its thread withdraws it as soon as it looks, if it is not too late.
    constexpr bool recalled() const { return word & recalled_bit; }
    constexpr Outcome outcome() const { return static_cast<Outcome>(word >> 8 & 0xff); }
    // The error number of Outcome::error; of Outcome::exception the index of the class's name.
    constexpr uint16_t error() const { return static_cast<uint16_t>(word >> 16); }
    constexpr uint32_t sequence() const { return static_cast<uint32_t>(word >> 32); }
    constexpr Request consumed() const { return {word & ~(pending_bit | this_wait_bit | claimed_bit | recalled_bit)}; }
    constexpr Request claimed_now() const { return {word | claimed_bit}; }
    constexpr Request recalled_now() const { return {word | recalled_bit}; }
};

// Where a thread is: the call it is blocked in, or running, and the number of the wait.
//
//   63             16 15      0
//   [  wait number   ][  Call  ]
struct State {
    uint64_t word = 0;

    static constexpr State make(uint64_t wait, Call call) { return {wait << 16 | static_cast<uint16_t>(call)}; }
    constexpr bool blocked() const { return (word & 0xffff) != 0; }
    constexpr Call call() const { return static_cast<Call>(word & 0xffff); }
    constexpr uint64_t wait() const { return word >> 16; }
};

// The record lock: its owner's thread id, and whether the thread was nudged since it last left an interposer. The
// thread looks at the whole word once on its way out. `foreign`: the owner's id is of another PID namespace, so that
// nobody here can ask whether it lives.
//
//   63     33   32    31      30        0
//   [ 0 ... ][nudged][foreign][ owner tid ]
struct LockWord {
    static constexpr uint64_t owner_mask = 0xffffffff;
    static constexpr uint64_t foreign_bit = uint64_t{1} << 31;
    static constexpr uint64_t nudged_bit = uint64_t{1} << 32;
};

// What was delivered last.
//
//   63          32 31     16 15      8 7      0
//   [  sequence   ][  Call  ][ outcome ][ 0 ... ]
struct Delivered {
    uint64_t word = 0;

    static constexpr Delivered make(uint32_t sequence, Call call, Outcome outcome) {
        return {uint64_t{sequence} << 32 | uint64_t{static_cast<uint16_t>(call)} << 16 |
                uint64_t{static_cast<uint8_t>(outcome)} << 8};
    }
    constexpr uint32_t sequence() const { return static_cast<uint32_t>(word >> 32); }
    constexpr Call call() const { return static_cast<Call>(word >> 16 & 0xffff); }
    constexpr Outcome outcome() const { return static_cast<Outcome>(word >> 8 & 0xff); }
};

// Sequence numbers wrap around.
constexpr bool reached(uint32_t sequence, uint32_t wanted) {
    return static_cast<int32_t>(sequence - wanted) >= 0;
}

enum class Mask : uint32_t { none = 0, on_blocking = 1, all = 2 };

// ThreadRecord::flags
// Claimed by a requester; the thread has not yet called us. Set after the claim of `tid` and after `since`, before
// `generation` grows.
inline constexpr uint32_t record_unadopted = 1;
// The program blocks the nudge's signal in this thread, and does not wait for it there; for the process's own use.
inline constexpr uint32_t record_blocks_signal = 2;
// The thread runs code of the runtime that the adapter knows: it may be nudged while it computes.
inline constexpr uint32_t record_runs_runtime = 4;
// A signal has interrupted the thread (INTERRUPT_ON): the process's end waits for it; for the process's own use.
inline constexpr uint32_t record_interrupted_by_signal = 8;

struct alignas(128) ThreadRecord {
    std::atomic<uint32_t> tid;         // in the target's PID namespace; 0: free
    std::atomic<uint32_t> generation;  // counts the claims and releases of this record; 0: never used
    std::atomic<uint64_t> state;       // State; written by the thread alone
    std::atomic<uint64_t> target;      // descriptor, address or process id of the wait, as the call's kind has it
    std::atomic<uint64_t> since;       // CLOCK_MONOTONIC_COARSE at entry, ns; unadopted: when the thread started,
                                       // clock ticks since boot
    std::atomic<uint64_t> request;     // Request
    std::atomic<uint64_t> lock;        // LockWord
    std::atomic<uint64_t> only_wait;   // wait number that a this_wait request is about

    std::atomic<uint64_t> requested_at;       // CLOCK_MONOTONIC of the newest request, ns
    std::atomic<uint64_t> delivered;          // Delivered; written after delivered_latency
    std::atomic<uint64_t> delivered_latency;  // request to delivery, ns
    std::atomic<uint32_t> cleared;            // sequence number of the last request that was cleared or withdrawn
    std::atomic<uint32_t> coalesced;          // requests that met one still pending
    std::atomic<uint32_t> mask;               // Mask
    std::atomic<uint32_t> flags;
    std::atomic<int32_t> wakeup_read;   // the pipe of interrupt_wakeup_fd(); both 0: none
    std::atomic<int32_t> wakeup_write;  //
    std::atomic<uint64_t> wakeup_inode;
    char name[64];  // the runtime's name of the thread, UTF-8; empty: it has none. Written by the thread alone
    std::atomic<uint32_t> started_by;  // id of the thread that started this one; 0: not known
    std::atomic<uint64_t> ident;       // pthread_self(), by which runtimes name their threads; 0: not known
};
static_assert(sizeof(ThreadRecord) == 256 && std::atomic<uint64_t>::is_always_lock_free);

inline constexpr char table_magic[8] = {'i', 'n', 't', 'r', 't', 'b', 'l', '\n'};
inline constexpr uint32_t table_abi_version = 5;

// TableHeader::flags
inline constexpr uint32_t table_heavy_fences = 1;  // no membarrier: every thread fences by itself
inline constexpr uint32_t table_seccomp = 2;       // the process has installed a seccomp filter

// TableHeader::adapter
enum class AdapterState : uint32_t { none = 0, waiting = 1, installed = 2, refused = 3, finalized = 4 };

// Where in the target's memory a runtime says which of its threads holds the lock that they all take in turns; a
// requester that may read there (process_vm_readv) can tell who runs and who does not.
struct RuntimeLock {
    uint64_t holder;        // address of the address of the holding thread's state; 0: nothing is known
    uint64_t taken;         // address of an int: not 0 while somebody holds it; 0: where `holder` leads tells that
    uint64_t ident_offset;  // of pthread_self() in a thread's state, bytes
    uint64_t condition;     // address of the condition variable that waiting threads wait for; 0: not known
};

// The classes that requests with Outcome::exception raise: Request::error() is an index into
// TableHeader::exceptions. A name is written once, by whoever claims its slot, and stays.
struct ExceptionName {
    static constexpr uint32_t free = 0;
    static constexpr uint32_t being_written = 1;
    static constexpr uint32_t ready = 2;

    std::atomic<uint32_t> state;
    char name[124];  // "package.module.Class", UTF-8, ends with 0
};
inline constexpr uint32_t max_exceptions = 24;

// In which window a request met its thread; an index into TableHeader::windows.
enum class Window : uint32_t {
    before_call = 0,  // it was pending when the call began
    at_entry = 1,     // the nudge came before the system call had blocked, or between two of its attempts
    in_kernel = 2,    // the nudge ended the blocked system call
    way_out = 3,      // the call had come back with a result of its own; the request stayed pending
    count = 4,
};

// The first page of the file. `magic` is written last, with release.
struct alignas(4096) TableHeader {
    std::atomic<uint64_t> magic;
    uint32_t abi_version;
    uint32_t header_size;         // bytes; where record 0 begins
    uint32_t record_size;         // bytes
    uint32_t capacity;            // records in the file
    int32_t pid;                  // in the target's PID namespace
    std::atomic<int32_t> signal;  // the nudge; read with the record lock, since it may change (shim/give_way.h)
    uint64_t created;             // CLOCK_BOOTTIME, ns
    std::atomic<uint32_t> flags;
    std::atomic<uint32_t> adapter;         // AdapterState
    std::atomic<uint64_t> delivered;       // deliveries in this process
    std::atomic<uint64_t> withdrawn;       // requests cleared or withdrawn
    std::atomic<uint64_t> locks_broken;    // record locks taken from an owner that was gone or stopped
    std::atomic<uint64_t> threads_unseen;  // claims that failed: the table was full
    std::atomic<uint64_t> windows[static_cast<size_t>(Window::count)];
    char version[16];          // of the library
    char adapter_runtime[48];  // "CPython 3.11.2"
    char adapter_reason[128];  // why the adapter was refused; empty otherwise
    uint64_t pid_namespace;    // inode of /proc/self/ns/pid: whose process ids the file's name and records have
    ExceptionName exceptions[max_exceptions];
    char ignored_setting[128];  // what of the environment is not obeyed, and why; empty: everything is
    RuntimeLock runtime_lock;
    // Not 0: calls are looked at more closely (attention_* in table_layout.h). A cache line that nobody else writes
    // to, since every call reads it.
    alignas(64) std::atomic<uint32_t> attention;
};
static_assert(sizeof(TableHeader) == 4096);

constexpr uint64_t magic_word() {
    uint64_t word = 0;
    for (int i = 7; i >= 0; --i) {
        word = word << 8 | static_cast<unsigned char>(table_magic[i]);
    }
    return word;
}

// Records are found by thread id: probing starts at tid % capacity and goes on, around the end, to the first record
// whose generation is 0.
constexpr uint32_t first_probe(uint32_t tid, uint32_t capacity) {
    return tid % capacity;
}

// The nudge and the retry timer carry this as si_value, so that a signal of the same number that is somebody else's
// can be told apart. A nudge is sent by rt_tgsigqueueinfo with si_code SI_QUEUE.
inline constexpr int nudge_cookie = 0x696e7472;
// The process to itself: the runtime's signal handlers have something to do in this thread.
inline constexpr int runtime_signal_cookie = 0x73696700;
// The process to itself: the timer of an injection rule with `after`.
inline constexpr int rule_timer_cookie = 0x72756c65;
// The process to itself: this thread may take a signal that another one holds; counts up from here.
inline constexpr int held_signal_cookie = 0x68656c00;

// A process that could not make a table has no file to say so. It marks the reason in its own address space: this many
// pages of the library's zero-initialised data (the anonymous, nameless mappings directly behind its file-backed ones
// in /proc/PID/maps) cannot be written ("r--p").
enum class NoTable : uint32_t {
    unknown = 0,
    disabled = 1,            // INTERRUPT_DISABLE
    secure_execution = 2,    // AT_SECURE
    bad_signal = 3,          // INTERRUPT_SIGNAL names another signal than URG or WINCH
    no_directory = 4,        // the directory could not be made, or its parent is missing
    directory_not_ours = 5,  // another owner, or open to others
    directory_is_link = 6,   // a symbolic link, or no directory, in its place
    not_tmpfs = 7,           // /dev/shm is no memory file system
    read_only = 8,           // EROFS
    no_space = 9,            // ENOSPC
    no_descriptors = 10,     // EMFILE, ENFILE
    no_memory = 11,          // ENOMEM, or a limit on address space
    file_size_limit = 12,    // RLIMIT_FSIZE
    permission = 13,         // EACCES, EPERM
    missing_symbols = 14,    // this libc lacks a function that the shim stands on
    other = 15,
    count = 16,
};

}  // namespace interrupt
