// What happens in a process, for those who have subscribed to it: found by looking at its table now and then, which the
// process does not notice.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "control/open_process.h"
#include "control/report.h"

namespace interrupt::control::serve {

// Who wants to hear of it.
class Listener {
public:
    virtual ~Listener() = default;
    virtual void hear(const Json& event) = 0;
    // The shortest time between two looks that it wants, ns.
    virtual uint64_t interval() const = 0;
};

class Watcher {
public:
    explicit Watcher(std::shared_ptr<OpenProcess> process);

    void add(Listener& listener);
    void remove(Listener& listener);
    bool ended() const { return ended_; }
    bool needed() const { return !ended_ && !listeners_.empty(); }
    uint64_t due() const { return needed() ? due_ : UINT64_MAX; }

    // Looks if it is time, and tells what has changed since the last look.
    void step(uint64_t now);

private:
    // Of a record, what a change is told by.
    struct Seen {
        uint32_t tid = 0;
        uint32_t generation = 0;
        State state;
        Delivered delivered;
        bool gone = false;
    };

    void look();
    void compare(Seen& before, const RecordView& now);
    void leave(const Seen& before, const RecordView& now);
    void tell_delivered(uint32_t tid, const RecordView& record);
    void tell_left(const Seen& before, const RecordView& now);
    void tell(const char* event, uint32_t tid, Json details);
    void end(const std::string& reason);

    std::shared_ptr<OpenProcess> process_;
    std::unordered_map<uint32_t, Seen> seen_;  // by the record's index
    std::vector<Listener*> listeners_;
    uint64_t due_ = 0;
    bool ended_ = false;
};

}  // namespace interrupt::control::serve
