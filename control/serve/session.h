// One client's side of the server, without its socket: bytes in, bytes out, and what it has asked for under way.
// Nothing here waits.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "control/open_process.h"
#include "control/serve/protocol.h"
#include "control/serve/watcher.h"

namespace interrupt::control::serve {

// What the sessions share.
class Shared {
public:
    // The process, opened once for all that is under way with it. Throws Failure.
    std::shared_ptr<OpenProcess> open(pid_t pid);
    // The one that watches it, for all who have subscribed. Throws Failure, Busy.
    Watcher& watch(pid_t pid);

    // Looks that are made again and again take half of the time at most, however many wait for something.
    uint64_t pause_of_look(uint64_t wanted, uint64_t cost) const { return std::max(wanted, 2 * cost * looking); }
    size_t looking = 0;

    void step(uint64_t now);
    uint64_t due() const;

private:
    std::map<pid_t, std::weak_ptr<OpenProcess>> open_;
    std::map<const OpenProcess*, std::unique_ptr<Watcher>> watchers_;
};

class Session;

// Something that a client has asked for.
class Operation {
public:
    // Takes back what is not finished.
    virtual ~Operation() = default;
    // The result, when there is one. Throws Failure or Busy if there will be none.
    virtual std::optional<Json> step(uint64_t now) = 0;
    // That of an operation which has failed, if there is more to say than why.
    virtual std::optional<Json> partial_result() const { return std::nullopt; }
    // Whether its answer may be large: then the client's next request waits for it.
    virtual bool large() const { return false; }

    uint64_t due = 0;
};

class Session {
public:
    explicit Session(Shared& shared);
    // What is under way is taken back.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Whether it can take more input: not while much output waits for the client, or a line for its turn.
    bool wants_input() const;
    void receive(std::string_view bytes);
    // There will be no more input. What is under way is still answered.
    void end_input();

    // Some lines of the input, and what is due of what is under way.
    void step(uint64_t now);
    uint64_t due() const;

    std::string_view output() const { return output_; }
    void sent(size_t size);
    // Nothing is left to be done for it.
    bool finished() const {
        return input_ended_ && input_.empty() && operations_.empty() && subscriptions_.empty() && output_.empty();
    }

    // --- for operations ---
    Shared& shared() const { return shared_; }
    int subscribe(pid_t pid, uint64_t interval);
    bool unsubscribe(int subscription);

private:
    class Subscription;
    struct Pending {
        Json id;
        std::unique_ptr<Operation> operation;
    };

    bool may_begin() const;
    bool take_line();
    void begin(std::string_view line);
    bool advance(Pending& pending, uint64_t now);
    void hear(const std::string& line);
    void tell_lost();

    Shared& shared_;
    std::string input_;
    bool discarding_ = false;  // the rest of a line that was too long
    bool input_ended_ = false;
    std::string output_;
    std::list<Pending> operations_;
    std::map<int, std::unique_ptr<Subscription>> subscriptions_;
    int last_subscription_ = 0;
    uint64_t lost_ = 0;  // events since the last one that was told
};

// Begins what the request asks for; in operations.cpp. Throws Failure or Busy.
std::unique_ptr<Operation> make_operation(Session& session, const nlohmann::json& request);

}  // namespace interrupt::control::serve
