#include "shim/rules_in_force.h"

#include <cstdlib>
#include <cstring>

#include "shim/ignored_setting.h"
#include "shim/process.h"

namespace interrupt {

namespace {

constinit char rules_text[longest_signal_rules + 1];  // what the patterns point into
constinit SignalRule rules[most_signal_rules];
constinit int rule_count = 0;
constinit uint64_t grace = default_grace_ns;

// All of it, or nothing.
void read_rules(const char* text) {
    const size_t size = std::strlen(text);
    if (size > longest_signal_rules) {
        ignore_setting("INTERRUPT_ON", text, sentence_of(RuleError::too_long));
        return;
    }
    std::memcpy(rules_text, text, size);
    int count = 0;
    for (std::string_view rest(rules_text, size); !rest.empty();) {
        const std::string_view word = take_rule(rest);
        SignalRule rule;
        RuleError error = parse_rule(word, settings.signal, rule);
        if (error == RuleError::none && count == most_signal_rules) {
            error = RuleError::too_many;
        }
        if (error != RuleError::none) {
            ignore_setting("INTERRUPT_ON", word, sentence_of(error));
            return;
        }
        rules[count++] = rule;
    }
    rule_count = count;
}

}  // namespace

void read_signal_rules() {
    if (const char* seconds = std::getenv("INTERRUPT_GRACE"); seconds != nullptr && *seconds != 0) {
        if (!parse_seconds(seconds, grace)) {
            ignore_setting("INTERRUPT_GRACE", seconds, "it is to be a number of seconds, not below 0");
        }
    }
    if (const char* text = std::getenv("INTERRUPT_ON")) {
        read_rules(text);
    }
}

SignalRules signal_rules() {
    return {rules, rule_count};
}

bool has_signal_rules() {
    return rule_count != 0;
}

void each_ruled_signal(void (*visit)(int signal)) {
    for (int i = 0; i < rule_count; ++i) {
        bool seen = false;
        for (int earlier = 0; earlier < i; ++earlier) {
            seen = seen || rules[earlier].signal == rules[i].signal;
        }
        if (!seen) {
            visit(rules[i].signal);
        }
    }
}

uint64_t grace_ns() {
    return grace;
}

}  // namespace interrupt
