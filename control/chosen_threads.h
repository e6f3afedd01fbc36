// Which threads an interrupt is meant for, what can be wrong with the wish, and what is said about each when it is
// over. The same for the command line, the library and the server.
#pragma once

#include <string>
#include <vector>

#include "control/interruption.h"

namespace interrupt::control {

// In one way: by ids, the main thread, all, or by name and call.
struct Choice {
    std::vector<pid_t> tids;
    bool main = false;
    bool all = false;
    std::string name;      // a pattern; empty: any
    std::vector<Call> in;  // one of these calls; empty: wherever they are

    bool by_id() const { return !tids.empty() || main; }
    bool any() const { return !tids.empty() || main || all || !name.empty() || !in.empty(); }
};

// All that can be wrong with the wish itself, before anything is looked at. Throws Failure(usage).
void check(const Order& order, const Choice& choice);

// The threads that are meant, each once. Throws Failure(not_found) if there is none.
std::vector<ThreadView> choose(const Process& process, const TableFile& table, const Choice& choice);

// The same of a choice that is not by ids, among all threads as they were seen.
std::vector<ThreadView> select(const Process& process, std::vector<ThreadView> threads, const Choice& choice);

// The thread of that id. Throws Failure(not_found), which says whose it is.
ThreadView find_thread(const Process& process, const TableFile& table, pid_t tid);

// "delivered in 31 us, in recv(fd 5)"
std::string sentence(const InterruptResult& result, const TableFile& table, const Order& order);

// The same as a sentence about the thread: "thread 4245: not delivered: it is masked."
std::string full_sentence(pid_t tid, const InterruptResult& result, const TableFile& table, const Order& order);

// The worst of them; done if there is none.
Status worst(const std::vector<InterruptResult>& results);

// Takes back whatever is pending for the thread: its outcome, or nothing if nothing was. One that is on its way to be
// raised is asked back, and the thread has a moment for that.
class Clearing {
public:
    Clearing(const Process& process, TableFile& table, const ThreadView& thread);
    // True when it is known what has become of it. Throws Failure(not_delivered): too late. Never waits.
    bool step(uint64_t now);
    const std::string& cleared() const { return cleared_; }

private:
    void settle();

    Requester requester_;
    uint32_t index_ = 0;
    RecordView before_;
    std::string cleared_;
    uint64_t recall_ends_ = 0;  // 0: settled
};

}  // namespace interrupt::control
