// Injection rules as text: read by `interruptctl`, which complains, and by the shim, which obeys. Header only, no
// allocation.
//
//     CALL[,CALL...]:OUTCOME[:when=FIRST[..LAST][+STEP]][:per=thread][:thread=GLOB][:fd=N][:after=SECONDS][:force]
//
// CALL may be a pattern: it stands for the calls that can have the outcome. Rules are separated by `;`. A character
// that separates is written `\:` or `\;` in a pattern for threads.
#pragma once

#include <string_view>

#include "control/injection_table.h"
#include "control/name_pattern.h"
#include "control/rule_text.h"
#include "control/signal_rules.h"

namespace interrupt {

// What is wrong with a rule.
enum class RuleMistake {
    none,
    no_outcome,
    no_call,
    no_such_call,
    no_such_outcome,
    no_such_error,
    no_such_signal,
    no_class_name,
    impossible_outcome,
    shown_only,
    no_such_field,
    bad_when,
    bad_seconds,
    bad_fd,
    no_fd,
    bad_per,
    no_pattern,
    long_pattern,
    given_twice,
    too_long,
    too_many,
};

constexpr const char* sentence_of(RuleMistake mistake) {
    switch (mistake) {
        case RuleMistake::none:
            break;
        case RuleMistake::no_outcome:
            return "it is to be CALL:OUTCOME, such as recv:errno:ECONNRESET";
        case RuleMistake::no_call:
            return "here the name of a call is missing";
        case RuleMistake::no_such_call:
            return "no call that a thread can be interrupted in has this name";
        case RuleMistake::no_such_outcome:
            return "there is no such outcome; there are default, errno:NAME, timeout, eof, cancel, exception:CLASS and "
                   "signal:NAME";
        case RuleMistake::no_such_error:
            return "no error has this name";
        case RuleMistake::no_such_signal:
            return "no signal has this name";
        case RuleMistake::no_class_name:
            return "here the name of a class is missing, such as package.module.Class";
        case RuleMistake::impossible_outcome:
            return "the call cannot end like this";
        case RuleMistake::shown_only:
            return "this call is shown alone: nothing ends it early";
        case RuleMistake::no_such_field:
            return "there is no such part of a rule; there are when=, per=thread, thread=, fd=, after= and force";
        case RuleMistake::bad_when:
            return "it is to be when=FIRST[..LAST][+STEP], numbers from 1 on, such as 3, 2..5, 1+2 or 2..8+3";
        case RuleMistake::bad_seconds:
            return "it is to be a number of seconds above 0, such as 0.5";
        case RuleMistake::bad_fd:
            return "it is to be the number of a descriptor";
        case RuleMistake::no_fd:
            return "no call of this rule has a descriptor";
        case RuleMistake::bad_per:
            return "it can only be per=thread; without it the calls of all threads are counted together";
        case RuleMistake::no_pattern:
            return "here a pattern for names of threads is missing";
        case RuleMistake::long_pattern:
            return "a pattern for names of threads has at most 63 bytes";
        case RuleMistake::given_twice:
            return "this part stands there twice";
        case RuleMistake::too_long:
            return "a rule has at most 255 bytes";
        case RuleMistake::too_many:
            return "there can be 32 rules, no more";
    }
    return "";
}

// Which bytes of the rule's text are wrong, and in which way.
struct MisreadRule {
    RuleMistake mistake = RuleMistake::none;
    size_t at = 0;
    size_t size = 0;
};

struct ParsedInjection {
    Injection injection;
    std::string_view exception;  // the class's name, of Outcome::exception
    MisreadRule error;
};

// Whether a call's target is a descriptor.
constexpr bool has_descriptor(Call call) {
    switch (traits(call).kind) {
        case Kind::Receive:
        case Kind::Read:
        case Kind::Send:
        case Kind::Write:
        case Kind::Accept:
        case Kind::Connect:
        case Kind::Lock:
        case Kind::Queue:
        case Kind::Counter:
        case Kind::Device:
            return true;
        case Kind::Poll:  // poll and select wait for many
            return std::string_view(traits(call).name).starts_with("epoll");
        default:
            return false;
    }
}

namespace rules_detail {

constexpr bool parse_when(std::string_view text, Injection& injection) {
    if (!take_number(text, injection.first) || injection.first == 0) {
        return false;
    }
    injection.last = injection.first;
    const bool bounded = take_prefix(text, "..");
    if (bounded && (!take_number(text, injection.last) || injection.last < injection.first)) {
        return false;
    }
    if (take_prefix(text, "+")) {
        injection.last = bounded ? injection.last : UINT32_MAX;
        if (!text.empty() && (!take_number(text, injection.step) || injection.step == 0)) {
            return false;
        }
    }
    return text.empty();
}

// Reads one rule; where it stops is what is wrong.
class RuleReader {
public:
    explicit RuleReader(std::string_view text) : text_(text) {}

    ParsedInjection read() {
        if (text_.size() > longest_injection_rule) {
            fail(RuleMistake::too_long, text_.substr(longest_injection_rule));
            return parsed_;
        }
        std::string_view rest = text_;
        const std::string_view calls = take_until(rest, ':');
        if (rest.empty()) {
            fail(RuleMistake::no_outcome, text_.substr(text_.size()));
            return parsed_;
        }
        const std::string_view outcome = read_outcome(rest);
        for (std::string_view names = calls;
             !failed() && read_call(take_until(names, ','), outcome) && !names.empty();) {
        }
        if (!failed() && (calls.empty() || calls.ends_with(','))) {
            fail(RuleMistake::no_call, calls.substr(calls.size()));
        }
        while (!failed() && !rest.empty()) {
            read_field(take_until(rest, ':'));
        }
        if (!failed() && text_.ends_with(':') && !text_.ends_with("\\:")) {
            fail(RuleMistake::no_such_field, text_.substr(text_.size()));
        }
        return parsed_;
    }

private:
    bool failed() const { return parsed_.error.mistake != RuleMistake::none; }

    // The first mistake counts.
    void fail(RuleMistake mistake, std::string_view where) {
        if (!failed()) {
            parsed_.error = {mistake, static_cast<size_t>(where.data() - text_.data()), where.size()};
        }
    }

    // What it read, for the mistake that the calls cannot end so.
    std::string_view read_outcome(std::string_view& rest) {
        Injection& injection = parsed_.injection;
        const char* const begin = rest.data();
        const std::string_view word = take_until(rest, ':');
        if (is(word, "timeout")) {
            injection.outcome = Outcome::timeout;
        } else if (is(word, "eof")) {
            injection.outcome = Outcome::eof;
        } else if (is(word, "cancel")) {
            injection.outcome = Outcome::cancel;
        } else if (is(word, "errno")) {
            const std::string_view name = take_until(rest, ':');
            injection.outcome = Outcome::error;
            injection.error = static_cast<uint16_t>(error_named(name));
            if (injection.error == 0) {
                fail(RuleMistake::no_such_error, name);
            }
        } else if (is(word, "signal")) {
            const std::string_view name = take_until(rest, ':');
            injection.outcome = Outcome::none;
            injection.signal = signal_named(name).number;
            if (injection.signal == 0) {
                fail(RuleMistake::no_such_signal, name);
            }
        } else if (is(word, "exception")) {
            parsed_.exception = take_until(rest, ':');
            injection.outcome = Outcome::exception;
            if (parsed_.exception.find('.') == std::string_view::npos ||
                parsed_.exception.size() >= sizeof ExceptionName::name) {
                fail(RuleMistake::no_class_name, parsed_.exception);
            }
        } else if (!is(word, "default")) {
            fail(RuleMistake::no_such_outcome, word);
        }
        const size_t size = static_cast<size_t>(rest.data() - begin);
        return {begin, size - (!rest.empty() ? 1 : 0)};
    }

    bool can_end(Call call) const {
        const Injection& injection = parsed_.injection;
        return injection.signal != 0 ? traits(call).kind != Kind::Shown : can_have(call, injection.outcome);
    }

    bool read_call(std::string_view name, std::string_view outcome) {
        bool known = false;
        bool possible = false;
        bool shown = false;
        for (size_t i = 1; i < static_cast<size_t>(Call::thread_join); ++i) {
            const Call call = static_cast<Call>(i);
            if (!name.empty() && matches(name, traits(call).name)) {
                known = true;
                shown = shown || traits(call).kind == Kind::Shown;
                if (can_end(call)) {
                    possible = true;
                    parsed_.injection.calls.add(call);
                }
            }
        }
        if (!possible) {
            fail(name.empty() ? RuleMistake::no_call
                 : !known     ? RuleMistake::no_such_call
                 : shown      ? RuleMistake::shown_only
                              : RuleMistake::impossible_outcome,
                 known && !shown ? outcome : name);
        }
        return possible;
    }

    void read_field(std::string_view field) {
        Injection& injection = parsed_.injection;
        std::string_view value = field;
        if (is(field, "force")) {
            once(field, 0);
            injection.force = true;
        } else if (take_prefix(value, "when=")) {
            once(field, 1);
            if (!parse_when(value, injection)) {
                fail(RuleMistake::bad_when, value);
            }
        } else if (take_prefix(value, "per=")) {
            once(field, 2);
            injection.per_thread = true;
            if (!is(value, "thread")) {
                fail(RuleMistake::bad_per, value);
            }
        } else if (take_prefix(value, "thread=")) {
            once(field, 3);
            read_pattern(value);
        } else if (take_prefix(value, "fd=")) {
            once(field, 4);
            read_descriptor(value);
        } else if (take_prefix(value, "after=")) {
            once(field, 5);
            if (!parse_seconds(value, injection.after) || injection.after == 0) {
                fail(RuleMistake::bad_seconds, value);
            }
        } else {
            fail(RuleMistake::no_such_field, field);
        }
    }

    void once(std::string_view field, unsigned part) {
        if ((parts_ >> part & 1) != 0) {
            fail(RuleMistake::given_twice, field);
        }
        parts_ |= 1u << part;
    }

    // A backslash stays where the pattern itself has a use for it.
    void read_pattern(std::string_view value) {
        size_t size = 0;
        for (size_t i = 0; i < value.size(); ++i) {
            if (value[i] == '\\' && i + 1 < value.size() && (value[i + 1] == ':' || value[i + 1] == ';')) {
                continue;
            }
            if (size == longest_thread_pattern) {
                fail(RuleMistake::long_pattern, value);
                return;
            }
            parsed_.injection.thread[size++] = value[i];
        }
        if (size == 0) {
            fail(RuleMistake::no_pattern, value);
        }
    }

    void read_descriptor(std::string_view value) {
        uint32_t number = 0;
        std::string_view rest = value;
        if (!take_number(rest, number) || !rest.empty() || number > INT32_MAX) {
            fail(RuleMistake::bad_fd, value);
            return;
        }
        CallSet with_descriptor;
        for (size_t i = 1; i < static_cast<size_t>(Call::count); ++i) {
            const Call call = static_cast<Call>(i);
            if (parsed_.injection.calls.has(call) && has_descriptor(call)) {
                with_descriptor.add(call);
            }
        }
        if (with_descriptor.empty()) {
            fail(RuleMistake::no_fd, value);
        }
        parsed_.injection.calls = with_descriptor;
        parsed_.injection.fd = static_cast<int32_t>(number);
    }

    const std::string_view text_;
    ParsedInjection parsed_;
    unsigned parts_ = 0;
};

}  // namespace rules_detail

inline ParsedInjection parse_injection(std::string_view rule) {
    return rules_detail::RuleReader(rule).read();
}

// The rule that begins `rest`, which loses it and the `;` behind it.
constexpr std::string_view take_injection(std::string_view& rest) {
    return take_until(rest, ';');
}

}  // namespace interrupt
