#include "shim/injection_settings.h"

#include <cstdlib>
#include <cstring>

#include "control/injection_rules.h"
#include "control/request_protocol.h"
#include "shim/ignored_setting.h"

namespace interrupt {

namespace {

constexpr const char* variable = "INTERRUPT_INJECT";

struct ReadRule {
    Injection injection;
    char exception[sizeof ExceptionName::name] = {};
    char text[longest_injection_rule + 1] = {};
};

constinit ReadRule rules[most_injection_rules] = {};
constinit uint32_t rule_count = 0;

// The source ends where the room does.
template <size_t size>
void copy(char (&to)[size], std::string_view from) {
    to[from.copy(to, size - 1)] = 0;
}

}  // namespace

void read_injection_rules() {
    const char* const text = std::getenv(variable);
    uint32_t count = rule_count = 0;
    for (std::string_view rest(text == nullptr ? "" : text); !rest.empty();) {
        const std::string_view word = take_injection(rest);
        if (word.empty()) {
            continue;
        }
        const ParsedInjection parsed = parse_injection(word);
        const RuleMistake mistake = count == most_injection_rules ? RuleMistake::too_many : parsed.error.mistake;
        if (mistake != RuleMistake::none) {
            ignore_setting(variable, word, sentence_of(mistake));
            return;
        }
        rules[count].injection = parsed.injection;
        copy(rules[count].exception, parsed.exception);
        copy(rules[count].text, word);
        ++count;
    }
    rule_count = count;
}

bool has_injection_rules() {
    return rule_count != 0;
}

void put_injection_rules(TableHeader& header, InjectionRules& table) {
    for (uint32_t i = 0; i < rule_count; ++i) {
        InjectionRule& rule = table.rules[i];
        rule.injection = rules[i].injection;
        if (rule.injection.outcome == Outcome::exception) {
            const int index = index_of_exception(header, rules[i].exception);
            if (index < 0) {
                continue;
            }
            rule.injection.error = static_cast<uint16_t>(index);
        }
        std::memcpy(rule.text, rules[i].text, sizeof rule.text);
        rule.met.store(RuleCount::make(1, 0).word, std::memory_order_relaxed);
        rule.acted.store(RuleCount::make(1, 0).word, std::memory_order_relaxed);
        table.add_calls(rule.injection.calls);
        rule.generation.store(1, std::memory_order_release);
    }
    header.attention.fetch_or(attention_rules, std::memory_order_release);
}

}  // namespace interrupt
