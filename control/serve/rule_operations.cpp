#include "control/serve/rule_operations.h"

#include "control/injections.h"

namespace interrupt::control::serve {
namespace {

// Looks at the rules when nobody else changes them, and perhaps changes them itself.
class RuleOperation : public Operation {
public:
    explicit RuleOperation(std::shared_ptr<OpenProcess> target) : target_(std::move(target)) {}

    std::optional<Json> step(uint64_t now) override {
        const RulesLock lock(target_->table);
        if (!lock.held()) {
            RulesLock::check_patience(target_->process, now - start_);
            due = now + RulesLock::pause_ns;
            return std::nullopt;
        }
        Json changed = change(lock, *target_);
        Json result = rules_json(target_->process.pid(), list_injections(target_->table));
        result.update(changed);
        return result;
    }

private:
    // What is said of it besides the rules.
    virtual Json change(const RulesLock&, OpenProcess&) { return Json::object(); }

    std::shared_ptr<OpenProcess> target_;
    uint64_t start_ = monotonic_now();
};

class AddRules : public RuleOperation {
public:
    AddRules(std::shared_ptr<OpenProcess> target, std::vector<InjectionText> rules)
        : RuleOperation(std::move(target)), rules_(std::move(rules)) {}

private:
    Json change(const RulesLock& lock, OpenProcess& target) override {
        std::vector<uint32_t> added;
        try {
            for (const InjectionText& rule : rules_) {
                added.push_back(add_injection(lock, target.process, target.table, rule));
            }
        } catch (const Failure&) {  // all of them or none
            if (!added.empty()) {
                clear_injections(lock, target.process, target.table, added);
            }
            throw;
        }
        return {{"added", added}};
    }

    std::vector<InjectionText> rules_;
};

class ClearRules : public RuleOperation {
public:
    ClearRules(std::shared_ptr<OpenProcess> target, std::vector<uint32_t> numbers)
        : RuleOperation(std::move(target)), numbers_(std::move(numbers)) {}

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
    return std::make_unique<RuleOperation>(session.shared().open(pid));
}

std::unique_ptr<Operation> clear_rules(Session& session, Fields& fields) {
    const pid_t pid = fields.id("pid", "process");
    const std::vector<pid_t> numbers = fields.ids("number", "rule");
    fields.end();
    return std::make_unique<ClearRules>(session.shared().open(pid),
                                        std::vector<uint32_t>(numbers.begin(), numbers.end()));
}

}  // namespace interrupt::control::serve
