// Finds, opens and verifies the thread table of another process. Nothing in the file is trusted: what is read is
// copied, checked and made printable here, and nobody else looks at raw bytes of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/failure.h"
#include "control/fault_guard.h"
#include "control/process.h"
#include "control/table_layout.h"

namespace interrupt::control {

// What the address space of a process says about the shim.
struct ShimMappings {
    std::optional<Mapping> library;  // its first mapping
    std::vector<Mapping> tables;     // shared mappings that are named like a table
    NoTable reason = NoTable::unknown;
};

ShimMappings find_shim(const std::vector<Mapping>& maps);

// Whether a file is named like a table: PID-CREATED-RANDOM.table.
struct TableName {
    pid_t pid = 0;         // in the PID namespace of the process that made it
    uint64_t created = 0;  // CLOCK_BOOTTIME, ns
};
std::optional<TableName> parse_table_name(std::string_view file_name);

// Why the process cannot be interrupted, for one that has no table of its own: a sentence that says what to do.
// `seccomp`: it runs under a filter.
std::string no_table_sentence(pid_t pid, const ShimMappings& shim, bool seccomp);

// The header, copied.
struct HeaderView {
    uint32_t capacity = 0;
    int32_t signal = 0;
    uint64_t created = 0;
    uint64_t pid_namespace = 0;
    uint32_t flags = 0;
    AdapterState adapter = AdapterState::none;
    uint64_t delivered = 0;
    uint64_t withdrawn = 0;
    uint64_t locks_broken = 0;
    uint64_t threads_unseen = 0;
    uint64_t windows[static_cast<size_t>(Window::count)] = {};
    std::string version;
    std::string runtime;
    std::string adapter_reason;
    std::string ignored_setting;
};

// One record, copied.
struct RecordView {
    RecordView() = default;
    explicit RecordView(const ThreadRecord& record);

    uint32_t tid = 0;
    uint32_t generation = 0;
    State state;
    uint64_t target = 0;
    uint64_t since = 0;
    Request request;
    Delivered delivered;
    uint64_t delivered_latency = 0;
    uint32_t cleared = 0;
    uint32_t coalesced = 0;
    Mask mask = Mask::none;
    uint32_t flags = 0;
    uint64_t ident = 0;
    std::string name;
};

class TableFile {
public:
    // Throws Failure: no table, damaged, of another version, not readable.
    explicit TableFile(const Process& process);
    ~TableFile();
    TableFile(const TableFile&) = delete;
    TableFile& operator=(const TableFile&) = delete;

    const HeaderView& header() const { return header_; }
    const std::string& path() const { return mapping_.path; }

    // The index of the record of a thread, its id as the target knows it. Throws Failure if the file is damaged.
    std::optional<uint32_t> find(uint32_t inner_tid) const;

    // The records that threads have, all read at once: many are had for less than each by find().
    struct Found {
        uint32_t index = 0;
        RecordView record;
    };
    std::vector<Found> records() const;

    // Calls visit(index, tid) for the records where that of a thread may be, until it returns true. Throws Failure if
    // the file is damaged.
    void probe(uint32_t inner_tid, const std::function<bool(uint32_t index, uint32_t tid)>& visit) const;

    // Gets memory for a record that was never used: on a full file system its first touch would be SIGBUS. Throws
    // Failure if there is none.
    void make_room(uint32_t index) const;

    // Live, in shared memory: for the protocol. Any access may find that the file is gone: see verify().
    ThreadRecord& record(uint32_t index) const;
    TableHeader& live_header() const;

    // The injection rules, live. They have memory once the header's attention says that there are some, or after
    // make_room_for_rules(), which throws Failure if there is none.
    InjectionRules& rules() const;
    void make_room_for_rules() const;

    // The ring of events, live. It has memory while somebody records, or after make_room_for_events(), which throws
    // Failure if there is none.
    EventRing& events() const;
    bool is_recorded() const;
    void make_room_for_events() const;

    // Until this is gone, or its process has ended, nobody else is the recorder. False: somebody is.
    bool lock_events() const;

    // One writer of rules at a time, across processes. False: another one is at it.
    bool lock() const;
    void unlock() const;

    // Throws Failure if the file has been cut short since it was opened.
    void verify() const;

    // Whether the process has this very file mapped now: it does not after an exec.
    bool still_mapped() const;

private:
    void open(const Mapping& mapping);
    void read_header();
    void map();
    uint64_t offset_of(uint32_t index) const;
    void make_room_behind(uint64_t offset, size_t size, const char* what) const;
    Failure cut_short() const;

    const Process& process_;
    Mapping mapping_;
    Descriptor file_;
    HeaderView header_;
    void* memory_ = nullptr;
    size_t size_ = 0;
    std::unique_ptr<FaultGuard> guard_;
};

// Whether the adapter for CPython is in place, by now.
bool cpython_installed(const TableFile& table);

}  // namespace interrupt::control
