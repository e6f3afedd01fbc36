// What can be asked for on the socket: a row for each operation, and below it what it does.
#include "control/chosen_threads.h"
#include "control/interruption_round.h"
#include "control/process_list.h"
#include "control/serve/rule_operations.h"
#include "control/serve/session.h"
#include "control/wait_blocked.h"

namespace interrupt::control::serve {
namespace {

constexpr size_t threads_at_once = 64;
constexpr size_t processes_at_once = 4;
constexpr uint64_t millisecond = 1'000'000;

// One that is over when it begins.
class Immediate : public Operation {
public:
    explicit Immediate(Json result) : result_(std::move(result)) {}
    std::optional<Json> step(uint64_t) override { return std::move(result_); }

private:
    Json result_;
};

class ListProcesses : public Operation {
public:
    explicit ListProcesses(bool all) : scan_(all) {}
    bool large() const override { return true; }
    std::optional<Json> step(uint64_t) override {
        if (!scan_.step(processes_at_once)) {
            return std::nullopt;
        }
        Json list = Json::array();
        for (const ProcessEntry& entry : scan_.entries()) {
            list.push_back(process_json(entry));
        }
        return Json{{"processes", std::move(list)}};
    }

private:
    ProcessScan scan_;
};

class ListThreads : public Operation {
public:
    explicit ListThreads(std::shared_ptr<OpenProcess> target)
        : target_(std::move(target)), scan_(target_->process, target_->table) {}
    bool large() const override { return true; }
    std::optional<Json> step(uint64_t now) override {
        if (!scan_.step(threads_at_once, now)) {
            return std::nullopt;
        }
        return threads_json(target_->process, target_->table, scan_.take());
    }

private:
    std::shared_ptr<OpenProcess> target_;
    ThreadScan scan_;
};

class Interrupt : public Operation {
public:
    Interrupt(std::shared_ptr<OpenProcess> target, Choice choice, Order order, std::string as)
        : target_(std::move(target)), choice_(std::move(choice)), order_(std::move(order)), as_(std::move(as)) {
        if (choice_.by_id()) {
            threads_ = choose(target_->process, target_->table, choice_);
        } else {
            scan_.emplace(target_->process, target_->table);
        }
    }
    // Whoever asked has gone.
    ~Interrupt() override {
        if (round_ && !over_) {
            try {
                round_->give_up();
            } catch (const Failure&) {
                // The table is damaged: there is nothing to be taken back.
            }
        }
    }

    std::optional<Json> step(uint64_t now) override {
        if (scan_) {
            if (!scan_->step(threads_at_once, now)) {
                return std::nullopt;
            }
            threads_ = select(target_->process, scan_->take(), choice_);
            scan_.reset();
        }
        if (!round_) {
            round_ = make_round(target_->process, target_->table, threads_, order_);
        }
        if (!round_->step(now)) {
            due = now + round_->pause();
            return std::nullopt;
        }
        over_ = true;
        const auto results = round_->results();
        for (size_t i = 0; i < results.size(); ++i) {
            if (const Status status = results[i].status; status != Status::done) {
                throw Failure(worst(results), full_sentence(threads_[i].id.here, results[i], target_->table, order_));
            }
        }
        return result();
    }
    std::optional<Json> partial_result() const override { return over_ ? std::optional(result()) : std::nullopt; }

private:
    Json result() const {
        Json list = Json::array();
        const auto results = round_->results();
        for (size_t i = 0; i < results.size(); ++i) {
            list.push_back(result_json(threads_[i], results[i]));
        }
        return {{"pid", target_->process.pid()}, {"outcome", as_}, {"threads", std::move(list)}};
    }

    std::shared_ptr<OpenProcess> target_;
    Choice choice_;
    Order order_;
    std::string as_;
    std::optional<ThreadScan> scan_;
    std::vector<ThreadView> threads_;
    std::unique_ptr<Round> round_;
    bool over_ = false;
};

class Wait : public Operation {
public:
    Wait(Shared& shared, std::shared_ptr<OpenProcess> target, WantedWait wanted, uint64_t timeout)
        : shared_(shared), target_(std::move(target)), wanted_(std::move(wanted)), timeout_(timeout) {
        ++shared_.looking;
    }
    ~Wait() override { --shared_.looking; }

    std::optional<Json> step(uint64_t now) override {
        const auto there = look_for_blocked(target_->process, target_->table, wanted_);
        if (there.size() >= wanted_.count) {
            Json list = Json::array();
            for (const ThreadView& thread : there) {
                list.push_back(thread_json(thread));
            }
            return Json{{"pid", target_->process.pid()}, {"threads", std::move(list)}};
        }
        if (now - start_ >= timeout_) {
            throw Failure(Status::not_delivered, time_is_over(target_->process, target_->table, wanted_, timeout_));
        }
        due = now + std::min(shared_.pause_of_look(pause_, monotonic_now() - now), timeout_ - (now - start_));
        pause_ = std::min(pause_ * 2, 5 * millisecond);
        return std::nullopt;
    }

private:
    Shared& shared_;
    std::shared_ptr<OpenProcess> target_;
    WantedWait wanted_;
    uint64_t timeout_;
    uint64_t start_ = monotonic_now();
    uint64_t pause_ = millisecond / 10;
};

class Clear : public Operation {
public:
    Clear(std::shared_ptr<OpenProcess> target, pid_t tid)
        : target_(std::move(target)),
          tid_(tid),
          clearing_(target_->process, target_->table, find_thread(target_->process, target_->table, tid)) {}

    std::optional<Json> step(uint64_t now) override {
        if (!clearing_.step(now)) {
            due = now + millisecond;
            return std::nullopt;
        }
        const std::string& cleared = clearing_.cleared();
        return Json{{"pid", target_->process.pid()},
                    {"tid", tid_},
                    {"cleared", cleared.empty() ? Json(nullptr) : Json(cleared)}};
    }

private:
    std::shared_ptr<OpenProcess> target_;
    pid_t tid_;
    Clearing clearing_;
};

using Made = std::unique_ptr<Operation>;

Made hello(Session&, Fields& fields);

Made list(Session&, Fields& fields) {
    const bool all = fields.flag("all");
    fields.end();
    return std::make_unique<ListProcesses>(all);
}

Made threads(Session& session, Fields& fields) {
    const pid_t pid = fields.id("pid", "process");
    fields.end();
    return std::make_unique<ListThreads>(session.shared().open(pid));
}

Made interrupt(Session& session, Fields& fields) {
    const pid_t pid = fields.id("pid", "process");
    Choice choice;
    choice.tids = fields.ids("tid", "thread");
    choice.main = fields.flag("main");
    choice.all = fields.flag("all");
    choice.name = fields.text("name");
    const std::string in = fields.text("in");
    const std::string as = fields.text("as");
    Order order;
    order.timeout = fields.seconds("timeout", 1);
    order.this_wait = fields.flag("this_wait");
    order.sticky = fields.flag("sticky");
    fields.end();
    order.wanted = parse_outcome(as.empty() ? "default" : as);
    choice.in = in.empty() ? std::vector<Call>() : parse_calls_to_end(in, order.wanted.outcome);
    check(order, choice);
    if (!choice.any()) {
        throw Failure(Status::usage, "no thread was named: give `tid`, `main`, `all`, `name` or `in`.");
    }
    return std::make_unique<Interrupt>(session.shared().open(pid), std::move(choice), std::move(order),
                                       as.empty() ? "default" : as);
}

Made wait(Session& session, Fields& fields) {
    const pid_t pid = fields.id("pid", "process");
    WantedWait wanted;
    wanted.tid = fields.optional_id("tid", "thread");
    const std::string in = fields.text("in");
    if (const auto fd = fields.integer("fd", 0, INT32_MAX)) {
        wanted.descriptor = static_cast<int>(*fd);
    }
    wanted.name = fields.text("thread");
    wanted.count = static_cast<size_t>(fields.integer("count", 1, INT32_MAX).value_or(1));
    const uint64_t timeout = fields.seconds("timeout", 10);
    fields.end();
    wanted.calls = in.empty() ? std::vector<Call>() : parse_calls(in);
    check(wanted);
    auto target = session.shared().open(pid);
    if (wanted.tid) {
        find_thread(target->process, target->table, *wanted.tid);
    }
    return std::make_unique<Wait>(session.shared(), std::move(target), std::move(wanted), timeout);
}

Made clear(Session& session, Fields& fields) {
    const pid_t pid = fields.id("pid", "process");
    const pid_t tid = fields.id("tid", "thread");
    fields.end();
    return std::make_unique<Clear>(session.shared().open(pid), tid);
}

Made subscribe(Session& session, Fields& fields) {
    const pid_t pid = fields.id("pid", "process");
    const uint64_t interval = fields.seconds("interval", 0.02);
    fields.end();
    if (interval < millisecond) {
        throw Failure(Status::usage, "`interval` must be 0.001 at least.");
    }
    return std::make_unique<Immediate>(Json{{"subscription", session.subscribe(pid, interval)}});
}

Made unsubscribe(Session& session, Fields& fields) {
    const auto number = fields.integer("subscription", 1, INT32_MAX);
    fields.end();
    if (!number || !session.unsubscribe(static_cast<int>(*number))) {
        throw Failure(Status::not_found, "this connection has no such `subscription`, or it is over.");
    }
    return std::make_unique<Immediate>(Json{{"subscription", *number}});
}

struct Row {
    const char* name;
    Made (*make)(Session& session, Fields& fields);
};

constexpr Row rows[] = {
    {"hello", hello},   {"list", list},   {"threads", threads},         {"interrupt", interrupt},
    {"wait", wait},     {"clear", clear}, {"subscribe", subscribe},     {"unsubscribe", unsubscribe},
    {"inject", inject}, {"rules", rules}, {"clear_rules", clear_rules},
};

std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const Row& row : rows) {
        names.emplace_back(row.name);
    }
    return names;
}

Made hello(Session&, Fields& fields) {
    fields.end();
    return std::make_unique<Immediate>(Json{{"protocol", protocol_version},
                                            {"version", INTERRUPT_VERSION},
                                            {"pid", ::getpid()},
                                            {"operations", names()},
                                            {"limits",
                                             {{"line", longest_line},
                                              {"depth", deepest},
                                              {"operations", most_operations},
                                              {"subscriptions", most_subscriptions}}}});
}

}  // namespace

std::unique_ptr<Operation> make_operation(Session& session, const nlohmann::json& request) {
    const auto op = request.find("op");
    if (op == request.end() || !op->is_string()) {
        throw Failure(Status::usage, "`op` is missing: what is to be done.");
    }
    const std::string name = op->get<std::string>();
    for (const Row& row : rows) {
        if (name == row.name) {
            Fields fields(request);
            return row.make(session, fields);
        }
    }
    throw Failure(Status::usage,
                  text("unknown operation `", printable(name.substr(0, 64)), "`.", suggestion(name, names())));
}

}  // namespace interrupt::control::serve
