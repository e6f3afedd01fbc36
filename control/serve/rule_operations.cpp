#include "control/serve/rule_operations.h"

#include "control/injection_rules.h"
#include "control/injections.h"

namespace interrupt::control::serve {
namespace {

Json rules_now(const OpenProcess& target) {
    return rules_json(target.process.pid(), list_injections(target.table));
}

class ListRules : public Operation {
public:
    explicit ListRules(std::shared_ptr<OpenProcess> target) : target_(std::move(target)) {}
    std::optional<Json> step(uint64_t) override { return rules_now(*target_); }

private:
    std::shared_ptr<OpenProcess> target_;
};

// Changes the rules when nobody else does.
class ChangeRules : public Operation {
public:
    explicit ChangeRules(std::shared_ptr<OpenProcess> target) : target_(std::move(target)) {}

    std::optional<Json> step(uint64_t now) override {
        const RulesLock lock(target_->table);
        if (!lock.held()) {
            RulesLock::check_patience(target_->process, now - start_);
            due = now + RulesLock::pause_ns;
            return std::nullopt;
        }
        const Json changed = change(lock, *target_);
        Json result = rules_now(*target_);
        result.update(changed);
        return result;
    }

private:
    // What is said of it besides the rules.
    virtual Json change(const RulesLock&, OpenProcess&) = 0;

    std::shared_ptr<OpenProcess> target_;
    uint64_t start_ = monotonic_now();
};

class AddRules : public ChangeRules {
public:
    AddRules(std::shared_ptr<OpenProcess> target, std::vector<InjectionText> rules)
        : ChangeRules(std::move(target)), rules_(std::move(rules)) {}

private:
    Json change(const RulesLock& lock, OpenProcess& target) override {
        for (const InjectionText& rule : rules_) {  // all of them or none
            check_injection(target.process, target.table, rule);
        }
        if (list_injections(target.table).size() + rules_.size() > most_injection_rules) {
            throw Failure(Status::not_permitted,
                          text("process ", target.process.pid(), ": ", sentence_of(RuleMistake::too_many), "."));
        }
        std::vector<uint32_t> added;
        for (const InjectionText& rule : rules_) {
            added.push_back(add_injection(lock, target.process, target.table, rule));
        }
        return {{"added", added}};
    }

    std::vector<InjectionText> rules_;
};

class ClearRules : public ChangeRules {
public:
    ClearRules(std::shared_ptr<OpenProcess> target, std::vector<uint32_t> numbers)
        : ChangeRules(std::move(target)), numbers_(std::move(numbers)) {}

private:
    Json change(const RulesLock& lock, OpenProcess& target) override {
        return {{"cleared", clear_injections(lock, target.process, target.table, numbers_)}};
    }

    std::vector<uint32_t> numbers_;
};

}  // namespace

std::unique_ptr<Operation> inject(Session& session, Fields& fields) {
    const pid_t pid = fields.id("pid", "process");
    std::vector<InjectionText> rules;
    for (const std::string& word : fields.texts("rule", most_injection_rules)) {
        rules.push_back(read_injection("`rule`", word));
    }
    fields.end();
    if (rules.empty()) {
        throw Failure(Status::usage, "`rule` is missing: a rule, such as recv:errno:ECONNRESET:when=3, or several.");
    }
    return std::make_unique<AddRules>(session.shared().open(pid), std::move(rules));
}

std::unique_ptr<Operation> rules(Session& session, Fields& fields) {
    const pid_t pid = fields.id("pid", "process");
    fields.end();
    return std::make_unique<ListRules>(session.shared().open(pid));
}

std::unique_ptr<Operation> clear_rules(Session& session, Fields& fields) {
    const pid_t pid = fields.id("pid", "process");
    const std::vector<pid_t> numbers = fields.ids("number", "rule");
    fields.end();
    return std::make_unique<ClearRules>(session.shared().open(pid),
                                        std::vector<uint32_t>(numbers.begin(), numbers.end()));
}

}  // namespace interrupt::control::serve
