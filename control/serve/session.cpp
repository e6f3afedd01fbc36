#include "control/serve/session.h"

#include <algorithm>

namespace interrupt::control::serve {

Watcher& Shared::watch(pid_t pid) {
    std::erase_if(watchers_, [](const auto& entry) { return !entry.second->needed(); });
    const auto process = open(pid);  // says it if the process cannot be watched, or not any more
    auto found = watchers_.find(process.get());
    if (found == watchers_.end()) {
        if (watchers_.size() >= most_watchers) {
            throw Busy(text("events of ", most_watchers, " processes are being told already."));
        }
        found = watchers_.emplace(process.get(), std::make_unique<Watcher>(process)).first;
    }
    return *found->second;
}

void Shared::step(uint64_t now) {
    for (const auto& [process, watcher] : watchers_) {
        watcher->step(now);
    }
}

uint64_t Shared::due() const {
    uint64_t due = UINT64_MAX;
    for (const auto& [process, watcher] : watchers_) {
        due = std::min(due, watcher->due());
    }
    return due;
}

class Session::Subscription : public Listener {
public:
    Subscription(Session& session, int number, Watcher& watcher, uint64_t interval)
        : session_(session), number_(number), watcher_(watcher), interval_(interval) {
        watcher_.add(*this);
    }
    ~Subscription() override {
        if (!over_) {
            watcher_.remove(*this);
        }
    }
    void hear(const Json& event) override {
        over_ = over_ || event.at("event") == "ended";  // the watcher goes
        Json numbered{{"event", event.at("event")}, {"subscription", number_}};
        numbered.update(event);
        session_.hear(serve::event(numbered));
    }
    uint64_t interval() const override { return interval_; }
    bool over() const { return over_; }

private:
    Session& session_;
    int number_;
    Watcher& watcher_;
    uint64_t interval_;
    bool over_ = false;
};

Session::Session(Shared& shared) : shared_(shared) {}

Session::~Session() {
    operations_.clear();
    subscriptions_.clear();
}

bool Session::may_begin() const {
    return output_.size() < output_held &&
           std::none_of(operations_.begin(), operations_.end(),
                        [](const Pending& pending) { return pending.operation->large(); });
}

bool Session::wants_input() const {
    return !input_ended_ && may_begin() && (discarding_ || input_.size() <= longest_line);
}

void Session::receive(std::string_view bytes) {
    input_ += bytes;
}

void Session::end_input() {
    input_ended_ = true;
}

void Session::step(uint64_t now) {
    constexpr int lines_at_once = 16;
    for (auto pending = operations_.begin(); pending != operations_.end();) {
        pending =
            pending->operation->due <= now && advance(*pending, now) ? operations_.erase(pending) : std::next(pending);
    }
    for (int i = 0; i < lines_at_once && may_begin() && take_line(); ++i) {
    }
    std::erase_if(subscriptions_, [](const auto& entry) { return entry.second->over(); });
}

uint64_t Session::due() const {
    if (may_begin() &&
        (input_.find('\n') != std::string::npos || (input_ended_ && !input_.empty()) || input_.size() > longest_line)) {
        return 0;
    }
    uint64_t due = UINT64_MAX;
    for (const Pending& pending : operations_) {
        due = std::min(due, pending.operation->due);
    }
    return due;
}

// The next line of the input; false if there is none.
bool Session::take_line() {
    const size_t end = input_.find('\n');
    const bool complete = end != std::string::npos;
    const size_t size = complete ? end : input_.size();
    if (!discarding_ && size > longest_line) {
        discarding_ = true;
        output_ += refusal(nullptr, "usage", text("the line is longer than ", longest_line, " bytes."));
    }
    if (!complete && !discarding_ && !(input_ended_ && size > 0)) {
        return false;
    }
    const std::string line = input_.substr(0, size);
    input_.erase(0, complete ? size + 1 : size);
    if (std::exchange(discarding_, discarding_ && !complete)) {
        return complete;
    }
    if (line.find_first_not_of(" \t\r") != std::string::npos) {
        begin(line);
    }
    return true;
}

void Session::begin(std::string_view line) {
    Json id = nullptr;
    try {
        const nlohmann::json request = parse_request(line, id);
        if (operations_.size() >= most_operations) {
            throw Busy(text(most_operations, " operations of this connection are under way already."));
        }
        Pending pending{id, make_operation(*this, request)};
        if (!advance(pending, monotonic_now())) {
            operations_.push_back(std::move(pending));
        }
    } catch (const Failure& failure) {
        output_ += refusal(id, status_name(failure.status()), failure.what());
    } catch (const Busy& busy) {
        output_ += refusal(id, "busy", busy.what());
    } catch (const std::exception& error) {
        output_ += refusal(id, "other", text(error.what(), "."));
    }
}

// True if it is over, and has been answered.
bool Session::advance(Pending& pending, uint64_t now) {
    const auto refuse = [&](const std::string& code, const std::string& message) {
        output_ += refusal(pending.id, code, message, pending.operation->partial_result());
    };
    try {
        const auto result = pending.operation->step(now);
        if (result) {
            output_ += answer(pending.id, *result);
        }
        return result.has_value();
    } catch (const Failure& failure) {
        refuse(status_name(failure.status()), failure.what());
    } catch (const Busy& busy) {
        refuse("busy", busy.what());
    } catch (const std::exception& error) {
        refuse("other", text(error.what(), "."));
    }
    return true;
}

void Session::sent(size_t size) {
    output_.erase(0, size);
    if (output_.empty()) {
        tell_lost();
    }
}

void Session::hear(const std::string& line) {
    if (output_.size() + line.size() > output_held) {
        ++lost_;
        return;
    }
    tell_lost();
    output_ += line;
}

void Session::tell_lost() {
    if (lost_ > 0) {
        output_ += event({{"event", "lost"}, {"count", std::exchange(lost_, 0)}});
    }
}

int Session::subscribe(pid_t pid, uint64_t interval) {
    if (subscriptions_.size() >= most_subscriptions) {
        throw Busy(text("this connection has ", most_subscriptions, " subscriptions already."));
    }
    Watcher& watcher = shared_.watch(pid);
    const int number = ++last_subscription_;
    subscriptions_.emplace(number, std::make_unique<Subscription>(*this, number, watcher, interval));
    return number;
}

bool Session::unsubscribe(int subscription) {
    const auto found = subscriptions_.find(subscription);
    const bool was_there = found != subscriptions_.end() && !found->second->over();
    subscriptions_.erase(subscription);
    return was_there;
}

}  // namespace interrupt::control::serve
