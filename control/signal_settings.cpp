// `run --on`, and the variables that hand it to the shim: what the shim would have to ignore is refused here.
#include <csignal>
#include <cstdlib>
#include <string>

#include "control/failure.h"
#include "control/launcher.h"
#include "control/process.h"
#include "control/signal_name.h"
#include "control/signal_rules.h"

namespace interrupt::control {
namespace {

// Where it names none, the shim does nothing at all, and `doctor` says why.
int nudge_signal() {
    const char* const value = std::getenv("INTERRUPT_SIGNAL");
    const int named = nudge_signal_named(value ? value : "");
    return named != 0 ? named : SIGURG;
}

void check_rule(const char* where, std::string_view word) {
    SignalRule rule;
    const RuleError error = parse_rule(word, nudge_signal(), rule);
    if (error != RuleError::none) {
        throw Failure(Status::usage,
                      text(where, " `", printable(word), "`: ", sentence_of(error), ".",
                           error == RuleError::no_signal ? nearest_signal(word.substr(0, word.find('='))) : ""));
    }
}

void check_whole(const char* where, const std::string& rules, size_t count) {
    const RuleError error = rules.size() > longest_signal_rules              ? RuleError::too_long
                            : count > static_cast<size_t>(most_signal_rules) ? RuleError::too_many
                                                                             : RuleError::none;
    if (error != RuleError::none) {
        throw Failure(Status::usage, text("the rules of ", where, ": ", sentence_of(error), "."));
    }
}

}  // namespace

std::string signal_rules(const std::vector<std::string>& on) {
    std::string rules;
    for (const std::string& word : on) {
        std::string_view rest = word;
        check_rule("--on", take_rule(rest));
        if (!rest.empty() || word.ends_with(',')) {
            throw Failure(Status::usage, text("--on `", printable(word),
                                              "`: it takes one rule, and may be repeated; a comma in a pattern is "
                                              "written `\\,`."));
        }
        rules += (rules.empty() ? "" : ",") + word;
    }
    check_whole("--on", rules, on.size());
    return rules;
}

void check_signal_settings() {
    uint64_t grace;
    const char* const seconds = std::getenv("INTERRUPT_GRACE");
    if (seconds && *seconds && !parse_seconds(seconds, grace)) {
        throw Failure(Status::usage, text("INTERRUPT_GRACE is `", printable(seconds),
                                          "`; it is to be a number of seconds, not below 0."));
    }
    const char* const value = std::getenv("INTERRUPT_ON");
    const std::string rules = value ? value : "";
    size_t count = 0;
    for (std::string_view rest = rules; !rest.empty(); ++count) {
        check_rule("INTERRUPT_ON", take_rule(rest));
    }
    check_whole("INTERRUPT_ON", rules, count);
}

}  // namespace interrupt::control
