// What `interruptctl run --on` asks for, as it stands in INTERRUPT_ON and INTERRUPT_GRACE: read by the command, which
// complains, and by the shim, which obeys. Header only, no allocation.
//
//     INTERRUPT_ON=SIGNAL=WHOM[,SIGNAL=WHOM...]     WHOM: all, main, or a pattern for the thread's name
//
// A comma ends a rule, since no signal has one in its name; in a pattern it is written `\,`.
#pragma once

#include <csignal>
#include <cstdint>
#include <string_view>

#include "control/rule_text.h"

namespace interrupt {

// What a signal does by default, as far as requests can take its place.
enum class ByDefault : uint8_t {
    ends,        // the process ends
    other,       // it is ignored, or the process stops: requests never take its place
    impossible,  // cannot be caught
    fault,       // raised by the thread's own instruction, or by abort(): there is nothing to go on with
};

struct SignalName {
    const char* name;  // without SIG
    int number;
    ByDefault by_default;
};

inline constexpr SignalName signal_names[] = {
    {"HUP", SIGHUP, ByDefault::ends},         {"INT", SIGINT, ByDefault::ends},
    {"QUIT", SIGQUIT, ByDefault::ends},       {"ILL", SIGILL, ByDefault::fault},
    {"TRAP", SIGTRAP, ByDefault::fault},      {"ABRT", SIGABRT, ByDefault::fault},
    {"BUS", SIGBUS, ByDefault::fault},        {"FPE", SIGFPE, ByDefault::fault},
    {"KILL", SIGKILL, ByDefault::impossible}, {"USR1", SIGUSR1, ByDefault::ends},
    {"SEGV", SIGSEGV, ByDefault::fault},      {"USR2", SIGUSR2, ByDefault::ends},
    {"PIPE", SIGPIPE, ByDefault::ends},       {"ALRM", SIGALRM, ByDefault::ends},
    {"TERM", SIGTERM, ByDefault::ends},       {"STKFLT", SIGSTKFLT, ByDefault::ends},
    {"CHLD", SIGCHLD, ByDefault::other},      {"CONT", SIGCONT, ByDefault::other},
    {"STOP", SIGSTOP, ByDefault::impossible}, {"TSTP", SIGTSTP, ByDefault::other},
    {"TTIN", SIGTTIN, ByDefault::other},      {"TTOU", SIGTTOU, ByDefault::other},
    {"URG", SIGURG, ByDefault::other},        {"XCPU", SIGXCPU, ByDefault::ends},
    {"XFSZ", SIGXFSZ, ByDefault::ends},       {"VTALRM", SIGVTALRM, ByDefault::ends},
    {"PROF", SIGPROF, ByDefault::ends},       {"WINCH", SIGWINCH, ByDefault::other},
    {"IO", SIGIO, ByDefault::ends},           {"POLL", SIGIO, ByDefault::ends},
    {"PWR", SIGPWR, ByDefault::ends},         {"SYS", SIGSYS, ByDefault::fault},
};

inline constexpr int most_signal_rules = 16;
inline constexpr size_t longest_signal_rules = 511;  // all of INTERRUPT_ON
inline constexpr uint64_t default_grace_ns = 5'000'000'000;

enum class Whom : uint8_t { all, main, pattern };

struct SignalRule {
    int signal = 0;
    ByDefault by_default = ByDefault::ends;
    Whom whom = Whom::all;
    std::string_view pattern;
};

// Of a rule, or of the whole.
enum class RuleError {
    none,
    no_whom,
    no_signal,
    impossible,
    fault,
    nudge,
    too_many,
    too_long,
};

constexpr const char* sentence_of(RuleError error) {
    switch (error) {
        case RuleError::none:
            break;
        case RuleError::no_whom:
            return "it is to be SIGNAL=WHOM, where WHOM is all, main or a pattern for the names of threads";
        case RuleError::no_signal:
            return "there is no signal of that name";
        case RuleError::impossible:
            return "no program can do anything about that signal";
        case RuleError::fault:
            return "that signal says that the program itself has failed";
        case RuleError::nudge:
            return "that signal is the nudge's (INTERRUPT_SIGNAL)";
        case RuleError::too_many:
            return "there are more than 16 of them";
        case RuleError::too_long:
            return "all together are longer than 511 bytes";
    }
    return "";
}

namespace rules_detail {

// Of decimal digits; -1 otherwise.
constexpr int small_number(std::string_view digits) {
    int number = digits.empty() || digits.size() > 2 ? -1 : 0;
    for (const char digit : digits) {
        number = number < 0 || digit < '0' || digit > '9' ? -1 : number * 10 + (digit - '0');
    }
    return number;
}

// RTMIN+3, RTMAX-1: libc keeps the first two real-time signals to itself.
constexpr int real_time_signal(std::string_view name) {
    constexpr int first = 34, last = 64;
    if (name.size() < 5 || !(name.starts_with("RTMIN") || name.starts_with("RTMAX"))) {
        return 0;
    }
    const bool from_first = name[4] == 'N';
    name.remove_prefix(5);
    int distance = 0;
    if (!name.empty()) {
        const char sign = name[0];
        name.remove_prefix(1);
        distance = sign == (from_first ? '+' : '-') ? small_number(name) : -1;
    }
    const int number = from_first ? first + distance : last - distance;
    return distance >= 0 && number >= first && number <= last ? number : 0;
}

}  // namespace rules_detail

// "INT", "SIGINT", "SIGRTMIN+3"; its number is 0 if there is none of that name.
constexpr SignalName signal_named(std::string_view name) {
    if (name.starts_with("SIG")) {
        name.remove_prefix(3);
    }
    for (const SignalName& known : signal_names) {
        if (is(name, known.name)) {
            return known;
        }
    }
    return {nullptr, rules_detail::real_time_signal(name), ByDefault::ends};
}

// What INTERRUPT_SIGNAL names; 0: nothing that it may. SIGURG and SIGWINCH alone: by default both are ignored, so that
// a nudge that meets a process without the shim does nothing.
constexpr int nudge_signal_named(std::string_view name) {
    const int number = name.starts_with("SIG") ? -1 : rules_detail::small_number(name);
    const int signal = number >= 0 ? number : signal_named(name).number;
    return signal == SIGURG || signal == SIGWINCH ? signal : 0;
}

// The rule that begins `rest`, which loses it and the comma behind it.
constexpr std::string_view take_rule(std::string_view& rest) {
    return take_until(rest, ',');
}

constexpr RuleError parse_rule(std::string_view word, int nudge, SignalRule& rule) {
    size_t length = 0;
    while (length < word.size() && word[length] != '=') {
        ++length;
    }
    if (length + 1 >= word.size()) {
        return RuleError::no_whom;
    }
    std::string_view name(word.data(), length);
    rule.pattern = std::string_view(word.data() + length + 1, word.size() - length - 1);
    rule.whom = is(rule.pattern, "all") ? Whom::all : is(rule.pattern, "main") ? Whom::main : Whom::pattern;
    const SignalName signal = signal_named(name);
    rule.signal = signal.number;
    rule.by_default = signal.by_default;
    return rule.signal == 0                           ? RuleError::no_signal
           : rule.signal == nudge                     ? RuleError::nudge
           : rule.by_default == ByDefault::impossible ? RuleError::impossible
           : rule.by_default == ByDefault::fault      ? RuleError::fault
                                                      : RuleError::none;
}

}  // namespace interrupt
