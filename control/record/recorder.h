// Records one process: reads the ring of events along (control/event_ring.h), and looks into the records for the waits
// that are not over.
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "control/open_process.h"
#include "control/record/caller_map.h"
#include "control/record/thread_names.h"
#include "control/record/trace_file.h"

namespace interrupt::control {

// How much was recorded.
struct RecordCounts {
    uint64_t waits = 0;
    uint64_t shorter = 0;  // waits that were too short to be in the file
    uint64_t requests = 0;
    uint64_t deliveries = 0;
    uint64_t withdrawals = 0;
    uint64_t rules = 0;  // acted
    uint64_t lost = 0;   // events that were overwritten, or never finished
    uint64_t gaps = 0;   // times in which the process did not record
    RecordCounts& operator+=(const RecordCounts& other);
};

class Recorder {
public:
    // Switches recording on. `shortest`: of waits, ns. Throws Failure, also if somebody else records the process.
    Recorder(pid_t pid, uint64_t shortest, TraceFile& trace);
    ~Recorder();
    // Says so in the file; before anything else is called.
    void begin();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    // Takes what there is. True if there is so much that it should be called again at once.
    bool poll();

    // Whether the process still has the table: it does not after its end, or an exec.
    bool current() const { return open_.current(); }
    pid_t pid() const { return open_.process.pid(); }

    // Switches recording off, and writes what is left: also the waits that are not over.
    void finish();

    const RecordCounts& counts() const { return counts_; }

private:
    // A wait that was seen in a record, and of which no event has come yet: it goes on, or it began before there was a
    // recording.
    struct OpenWait {
        uint32_t index = 0;  // of the record
        State state;
        uint64_t target = 0;
        uint64_t since = 0;
        uint64_t seen = 0;      // in it, last: ns
        bool counted = true;    // by the thread, if it turns out to be a short one
        uint64_t over_by = 0;   // the thread was seen elsewhere, ns; 0: it was not
        uint64_t at_least = 0;  // a request was delivered to it then, ns
    };

    // Where the waits of a thread end that are in the file: those that were seen, and those of events.
    struct Written {
        uint64_t seen = 0;
        uint64_t told = 0;
    };

    bool drain(uint64_t now);
    void take(uint64_t from, uint64_t to, uint64_t now);
    void take_late_ones(uint64_t now);
    void lose(uint64_t count, uint64_t now);
    void write(const Event& event);
    void write_wait(const Event& event, const char* note);
    void write_instant(const Event& event, const std::string& name, Json args);
    void write_process_instant(uint64_t time, const std::string& name, Json args);
    void look_for_open_waits(bool counted = true);
    void write_unseen_end(uint32_t tid, const OpenWait& wait, uint64_t end);
    void settle_open_wait(const Event& event);
    void end_open_waits(uint64_t now);
    void write_open_wait(uint32_t tid, const OpenWait& wait, uint64_t end, const char* note);
    void introduce(uint32_t tid);
    void write_name(uint32_t tid, const std::string& name);

    OpenProcess open_;
    TraceFile& trace_;
    EventRing* ring_ = nullptr;
    CallerMap callers_;
    ThreadNames names_;
    RecordCounts counts_;
    const uint64_t shortest_;
    uint64_t shorter_before_ = 0;
    uint64_t next_look_ = 0;                                // for open waits: CLOCK_MONOTONIC, ns
    std::map<uint64_t, uint64_t> late_ones_;                // events that are not there yet, by number: since when
    std::unordered_map<uint32_t, OpenWait> open_waits_;     // by thread id
    std::unordered_map<uint32_t, Written> written_;         // by thread id
    std::unordered_map<uint32_t, std::string> introduced_;  // threads by id, with their names
    bool finished_ = false;
};

}  // namespace interrupt::control
