// Injection rules from outside: read, put in force in a running process, listed, taken away.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/injection_table.h"
#include "control/table_file.h"

namespace interrupt::control {

// A rule as the user wrote it.
struct InjectionText {
    std::string text;
    Injection injection;
    std::string exception;  // the class's name, of Outcome::exception
};

// Throws Failure(usage) for what is no rule: it shows the rule, a caret under what is wrong, and why. `from`: where the
// rule comes from, such as `--inject`.
InjectionText read_injection(const char* from, const std::string& rule);

// `--inject RULE...` as INTERRUPT_INJECT has it. Throws Failure(usage).
std::string injection_setting(const std::vector<std::string>& rules);

// What INTERRUPT_INJECT says. Throws Failure(usage): the shim would ignore it.
void check_injection_setting();

// A rule in force in a process.
struct RuleView {
    uint32_t number = 0;  // from 1 on
    std::string text;
    uint32_t met = 0;    // calls that it is about and could act on
    uint32_t acted = 0;  // how often it has acted
};

std::vector<RuleView> list_injections(const TableFile& table);

// Nobody else writes the rules of that table meanwhile, if it is held.
class RulesLock {
public:
    explicit RulesLock(const TableFile& table) : table_(table.lock() ? &table : nullptr) {}
    RulesLock(RulesLock&& other) noexcept : table_(std::exchange(other.table_, nullptr)) {}
    ~RulesLock() {
        if (table_) {
            table_->unlock();
        }
    }
    bool held() const { return table_ != nullptr; }

    // For whoever tries again: after so long, and until this throws Failure.
    static constexpr long pause_ns = 10'000'000;
    static void check_patience(const Process& process, uint64_t waited_ns);

private:
    const TableFile* table_;
};

// Waits for it. Throws Failure if whoever has it does not let it go.
RulesLock wait_for_rules(const Process& process, const TableFile& table);

// Throws Failure if the process cannot have its outcome.
void check_injection(const Process& process, const TableFile& table, const InjectionText& rule);

// Puts the rule in force, for every call that begins from now on. Its number. Throws Failure: there are too many, there
// is no room, or the process cannot have its outcome.
uint32_t add_injection(const RulesLock& lock, const Process& process, TableFile& table, const InjectionText& rule);

// Takes the rules of these numbers away, all if there is none. How many those were. Throws Failure(not_found) for a
// number that no rule has.
size_t clear_injections(const RulesLock& lock, const Process& process, TableFile& table,
                        const std::vector<uint32_t>& numbers);

}  // namespace interrupt::control
