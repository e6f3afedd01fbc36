#include "control/injections.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "control/failure.h"
#include "control/injection_rules.h"
#include "control/names.h"
#include "control/request_protocol.h"
#include "control/requester.h"
#include "control/signal_name.h"

namespace interrupt::control {
namespace {

// Columns that a terminal shows: bytes that go on a character have none.
size_t width(std::string_view bytes) {
    return static_cast<size_t>(
        std::count_if(bytes.begin(), bytes.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

std::string hint(RuleMistake mistake, std::string_view word) {
    switch (mistake) {
        case RuleMistake::no_such_call:
            return call_hint(word);
        case RuleMistake::no_such_error:
            return error_hint(word);
        case RuleMistake::no_such_signal:
            return nearest_signal(word);
        case RuleMistake::no_such_outcome:
            return suggestion(word, {"default", "errno:", "timeout", "eof", "cancel", "exception:", "signal:"});
        case RuleMistake::no_such_field:
            return suggestion(word.substr(0, word.find('=') + 1),
                              {"when=", "per=", "thread=", "fd=", "after=", "force"});
        default:
            return "";
    }
}

Failure misread(const char* from, const std::string& rule, const MisreadRule& error) {
    const std::string_view whole = rule;
    const std::string indent(4, ' ');
    const size_t carets = std::max<size_t>(1, width(whole.substr(error.at, error.size)));
    const std::string_view word = whole.substr(error.at, error.size);
    return {Status::usage, text(from, ": there is a mistake in the rule\n", indent, printable(rule), '\n', indent,
                                std::string(width(whole.substr(0, error.at)), ' '), std::string(carets, '^'), '\n',
                                sentence_of(error.mistake), ".", hint(error.mistake, word))};
}

bool has_rules(const TableFile& table) {
    return (table.live_header().attention.load(std::memory_order_acquire) & attention_rules) != 0;
}

bool in_force(const InjectionRule& rule) {
    return InjectionRule::in_force(rule.generation.load(std::memory_order_acquire));
}

}  // namespace

InjectionText read_injection(const char* from, const std::string& rule) {
    const ParsedInjection parsed = parse_injection(rule);
    if (parsed.error.mistake != RuleMistake::none) {
        throw misread(from, rule, parsed.error);
    }
    std::string_view rest = rule;
    if (take_injection(rest).size() != rule.size()) {
        throw Failure(Status::usage, text(from, " `", printable(rule),
                                          "`: it takes one rule, and may be repeated; a `;` in a pattern is written "
                                          "`\\;`."));
    }
    return {rule, parsed.injection, std::string(parsed.exception)};
}

std::string injection_setting(const std::vector<std::string>& rules) {
    std::string setting;
    for (const std::string& rule : rules) {
        read_injection("--inject", rule);
        setting += (setting.empty() ? "" : ";") + rule;
    }
    if (rules.size() > most_injection_rules) {
        throw Failure(Status::usage, text("--inject: ", sentence_of(RuleMistake::too_many), "."));
    }
    return setting;
}

void check_injection_setting() {
    const char* const value = std::getenv("INTERRUPT_INJECT");
    const std::string setting = value ? value : "";
    size_t count = 0;
    for (std::string_view rest = setting; !rest.empty();) {
        const std::string rule(take_injection(rest));
        if (!rule.empty()) {
            read_injection("INTERRUPT_INJECT", rule);
            ++count;
        }
    }
    if (count > most_injection_rules) {
        throw Failure(Status::usage, text("INTERRUPT_INJECT: ", sentence_of(RuleMistake::too_many), "."));
    }
}

std::vector<RuleView> list_injections(const TableFile& table) {
    std::vector<RuleView> list;
    for (uint32_t i = 0; has_rules(table) && i < most_injection_rules; ++i) {
        const InjectionRule& rule = table.rules().rules[i];
        if (in_force(rule)) {
            list.push_back({i + 1, printable({rule.text, ::strnlen(rule.text, sizeof rule.text)}),
                            RuleCount{rule.met.load(std::memory_order_relaxed)}.count(),
                            RuleCount{rule.acted.load(std::memory_order_relaxed)}.count()});
        }
    }
    table.verify();
    return list;
}

void check_injection(const Process& process, const TableFile& table, const InjectionText& rule) {
    const bool cpython = table.header().adapter == AdapterState::installed;
    if (rule.injection.outcome == Outcome::exception && !cpython) {
        throw Failure(Status::usage, text("process ", process.pid(),
                                          " runs no CPython that the shim knows: no exception can be raised "
                                          "there."));
    }
    if (rule.injection.outcome == Outcome::cancel && cpython) {
        throw Failure(Status::usage,
                      text("process ", process.pid(), " runs CPython: its threads cannot be cancelled."));
    }
}

RulesLock wait_for_rules(const Process& process, const TableFile& table) {
    const timespec moment{0, RulesLock::pause_ns};
    for (const uint64_t start = monotonic_now();;) {
        if (RulesLock lock(table); lock.held()) {
            return lock;
        }
        RulesLock::check_patience(process, monotonic_now() - start);
        ::nanosleep(&moment, nullptr);
    }
}

void RulesLock::check_patience(const Process& process, uint64_t waited) {
    if (waited > 2'000'000'000) {
        throw Failure(Status::not_delivered, text("somebody else is changing the rules of process ", process.pid(),
                                                  ", and does not come to an end."));
    }
}

uint32_t add_injection(const RulesLock&, const Process& process, TableFile& table, const InjectionText& text_of_rule) {
    check_injection(process, table, text_of_rule);
    table.make_room_for_rules();
    InjectionRule* const rules = table.rules().rules;
    InjectionRule* const free = std::find_if_not(rules, rules + most_injection_rules, in_force);
    if (free == rules + most_injection_rules) {
        throw Failure(Status::not_permitted,
                      text("process ", process.pid(), ": ", sentence_of(RuleMistake::too_many),
                           ". `interruptctl inject ", process.pid(), " --clear` takes them away."));
    }
    free->injection = text_of_rule.injection;
    if (text_of_rule.injection.outcome == Outcome::exception) {
        const int index = index_of_exception(table.live_header(), text_of_rule.exception);
        if (index < 0) {
            throw Failure(Status::not_permitted, text("process ", process.pid(), " has been asked for ", max_exceptions,
                                                      " classes already; there is no room for another one."));
        }
        free->injection.error = static_cast<uint16_t>(index);
    }
    std::memset(free->text, 0, sizeof free->text);
    text_of_rule.text.copy(free->text, sizeof free->text - 1);
    table.rules().add_calls(free->injection.calls);
    const uint32_t generation = free->generation.load(std::memory_order_relaxed) + 1;
    free->met.store(RuleCount::make(generation, 0).word, std::memory_order_relaxed);
    free->acted.store(RuleCount::make(generation, 0).word, std::memory_order_relaxed);
    free->generation.store(generation, std::memory_order_release);  // pairs with the acquire in shim/injection.cpp
    table.live_header().attention.fetch_or(attention_rules, std::memory_order_release);
    table.verify();
    return static_cast<uint32_t>(free - rules) + 1;
}

size_t clear_injections(const RulesLock&, const Process& process, TableFile& table,
                        const std::vector<uint32_t>& numbers) {
    const auto is_meant = [&](uint32_t number) {
        return numbers.empty() || std::find(numbers.begin(), numbers.end(), number) != numbers.end();
    };
    for (const uint32_t number : numbers) {
        if (!has_rules(table) || number == 0 || number > most_injection_rules ||
            !in_force(table.rules().rules[number - 1])) {
            throw Failure(Status::not_found, text("process ", process.pid(), " has no rule ", number, "."));
        }
    }
    size_t cleared = 0;
    CallSet left;
    for (uint32_t i = 0; has_rules(table) && i < most_injection_rules; ++i) {
        InjectionRule& rule = table.rules().rules[i];
        if (in_force(rule) && is_meant(i + 1)) {
            rule.generation.fetch_add(1, std::memory_order_acq_rel);
            ++cleared;
        } else if (in_force(rule)) {
            left.add(rule.injection.calls);
        }
    }
    if (has_rules(table)) {
        table.rules().set_calls(left);
    }
    if (left.empty()) {
        table.live_header().attention.fetch_and(~attention_rules, std::memory_order_release);
    }
    table.verify();
    return cleared;
}

}  // namespace interrupt::control
