// One request to one thread, from the posting to a result that can be told: delivered, withdrawn and why, or left
// pending.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/failure.h"
#include "control/names.h"
#include "control/thread_list.h"

namespace interrupt::control {

struct Order {
    WantedOutcome wanted;
    uint64_t timeout = 1'000'000'000;  // ns
    bool this_wait = false;
    bool sticky = false;
};

struct InterruptResult {
    enum class Word { delivered, withdrawn, pending, refused, ended, cleared, replaced, on_its_way, nudged, repeated };

    Word word = Word::refused;
    Status status = Status::not_delivered;
    std::string reason;  // why it was not delivered
    std::optional<uint64_t> latency;
    std::string call;       // where it was delivered
    bool together = false;  // with a later request
    bool coalesced = false;
};

// One word for scripts; also what stands in JSON.
std::string result_name(InterruptResult::Word word);

class Interruption {
public:
    Interruption(const Process& process, TableFile& table, const ThreadView& thread, const Order& order);

    const ThreadView& thread() const { return before_; }
    const InterruptResult& result() const { return result_; }
    bool settled() const { return settled_; }

    // Posts the request.
    void begin();
    // Looks whether it has been delivered; settles it if so.
    void look();
    // Once more, for a thread whose own retry timer could not be made; settles it if the thread or its program is gone.
    void nudge();
    // For a thread of CPython that computes.
    void nudge_if_computing();
    // Says why it was not delivered, and withdraws it unless it is to stay. `by_user`: the command was interrupted.
    // What is on its way already is asked back; look() then settles it, within 100 ms.
    void give_up(bool by_user);

private:
    void post();
    bool settle_outcome();
    void follow_recall();
    void settle(InterruptResult::Word word, Status status, const std::string& reason = {});
    void settle_delivered(const RecordView& record);
    void follow();
    std::string why_not(const ThreadView& now) const;
    std::string why_not_while_running(const ThreadView& now) const;

    Requester requester_;
    ThreadView before_;
    Order order_;
    uint32_t index_ = 0;
    RecordOwner owner_;
    uint32_t sequence_ = 0;
    bool settled_ = false;
    uint64_t recall_ends_ = 0;  // 0: it was not asked back
    std::string recalled_because_;
    InterruptResult result_;
};

}  // namespace interrupt::control
