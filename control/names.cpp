#include "control/names.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <numeric>
#include <utility>

#include "control/failure.h"
#include "control/injection_rules.h"
#include "control/process.h"
#include "control/signal_name.h"

namespace interrupt::control {
namespace {

// Other public names of a call, which report as that call.
constexpr std::pair<const char*, const char*> call_variants[] = {
#define INTERPOSE(...)
#define VARIANT(ret, name, call, ...) {#name, #call},
#define CUSTOM(...)
#define CUSTOM_VARIANT(name, call, kind) {#name, #call},
#include "../shim/interposers.def"
#undef INTERPOSE
#undef VARIANT
#undef CUSTOM
#undef CUSTOM_VARIANT
};

size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < from.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i + 1);
        for (size_t j = 0; j < to.size(); ++j) {
            const size_t replaced = diagonal + (from[i] != to[j]);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

std::string format(const char* pattern, auto... values) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, pattern, values...);
    return buffer;
}

int parse_error_name(std::string_view name) {
    if (const int error = error_named(name)) {
        return error;
    }
    throw Failure(Status::usage, text("`", printable(name), "` is no error name.", error_hint(name)));
}

// "package.module.Class"; a name without a module is a builtin's.
std::string parse_class_name(std::string_view word) {
    const std::string name = word.find('.') == word.npos ? text("builtins.", word) : std::string(word);
    const bool too_long = name.size() >= sizeof ExceptionName::name;
    const bool empty_part = word.empty() || name.front() == '.' || name.back() == '.' || name.find("..") != name.npos;
    const bool other_letters = std::any_of(name.begin(), name.end(), [](unsigned char letter) {
        return letter < 0x80 && !std::isalnum(letter) && letter != '_' && letter != '.';
    });
    if (too_long || empty_part || other_letters) {
        throw Failure(Status::usage,
                      text("`", printable(word), "` is no name of a class, such as package.module.Class."));
    }
    return name;
}

}  // namespace

WantedOutcome parse_outcome(std::string_view word) {
    constexpr std::string_view error_prefix = "errno:";
    constexpr std::string_view exception_prefix = "exception:";
    constexpr std::string_view signal_prefix = "signal:";
    if (word == "default") {
        return {};
    }
    if (word == "timeout") {
        return {Outcome::timeout};
    }
    if (word == "eof") {
        return {Outcome::eof};
    }
    if (word == "cancel") {
        return {Outcome::cancel};
    }
    if (word.starts_with(error_prefix)) {
        return {Outcome::error, static_cast<uint16_t>(parse_error_name(word.substr(error_prefix.size())))};
    }
    if (word.starts_with(exception_prefix)) {
        return {Outcome::exception, 0, parse_class_name(word.substr(exception_prefix.size())), 0};
    }
    if (word.starts_with(signal_prefix)) {
        return {Outcome::default_, 0, {}, parse_signal(word.substr(signal_prefix.size()))};
    }
    throw Failure(
        Status::usage,
        text(
            "`", printable(word),
            "` is no outcome; there are default, errno:NAME, timeout, eof, cancel, exception:CLASS and signal:NAME.",
            suggestion(word, {"default", "timeout", "eof", "cancel", "errno:NAME", "exception:CLASS", "signal:NAME"})));
}

std::string outcome_name(Outcome outcome, uint16_t error) {
    switch (outcome) {
        case Outcome::none:
            return "none";
        case Outcome::default_:
            return "default";
        case Outcome::timeout:
            return "timeout";
        case Outcome::eof:
            return "eof";
        case Outcome::cancel:
            return "cancel";
        case Outcome::error: {
            const char* name = ::strerrorname_np(error);
            return name ? text("errno:", name) : text("errno:", error);
        }
        case Outcome::exception:
            return "exception";
    }
    return "unknown";
}

std::string delivered_outcome_name(Delivered delivered) {
    return delivered.outcome() == Outcome::error ? "errno" : outcome_name(delivered.outcome(), 0);
}

Call parse_call(std::string_view name) {
    for (size_t i = 1; i < static_cast<size_t>(Call::count); ++i) {
        if (name == call_traits[i].name) {
            return static_cast<Call>(i);
        }
    }
    const std::string hint = call_hint(name);
    throw Failure(Status::usage, text("`", printable(name), "` is no call that a thread can be interrupted in.", hint));
}

std::string call_hint(std::string_view name) {
    for (const auto& [variant, call] : call_variants) {
        if (name == variant) {
            return text(" It is shown as the call that it is a variant of. Say `", call, "`.");
        }
    }
    std::vector<std::string> known;
    for (size_t i = 1; i < static_cast<size_t>(Call::count); ++i) {
        known.emplace_back(call_traits[i].name);
    }
    return suggestion(name, known);
}

std::string error_hint(std::string_view name) {
    std::vector<std::string> known;
    for (int error = 1; error < 4096; ++error) {
        if (const char* candidate = ::strerrorname_np(error)) {
            known.emplace_back(candidate);
        }
    }
    return suggestion(name, known);
}

std::vector<Call> parse_calls(std::string_view names) {
    std::vector<Call> calls;
    if (names == "any") {
        return calls;
    }
    for (size_t end = 0; end != names.npos; names.remove_prefix(std::min(end + 1, names.size()))) {
        end = names.find(',');
        calls.push_back(parse_call(names.substr(0, end)));
    }
    return calls;
}

std::vector<Call> parse_calls_to_end(std::string_view names, Outcome outcome) {
    std::vector<Call> calls = parse_calls(names);
    for (size_t i = 1; names == "any" && i < static_cast<size_t>(Call::count); ++i) {
        if (can_have(static_cast<Call>(i), outcome)) {
            calls.push_back(static_cast<Call>(i));
        }
    }
    return calls;
}

std::string calls_text(const std::vector<Call>& calls) {
    constexpr size_t many = 20;
    if (calls.empty() || calls.size() > many) {
        return "any call of the list";
    }
    std::string words;
    for (size_t i = 0; i < calls.size(); ++i) {
        words += text(i == 0 ? "" : i + 1 < calls.size() ? ", " : " or ", call_name(calls[i]));
    }
    return words;
}

bool is_one_of(const std::vector<Call>& calls, Call call) {
    return calls.empty() || std::find(calls.begin(), calls.end(), call) != calls.end();
}

std::string call_name(Call call) {
    return call < Call::count ? traits(call).name : "unknown call";
}

Target target_of(Call call) {
    if (call >= Call::count || call == Call::running) {
        return Target::none;
    }
    if (has_descriptor(call)) {
        return Target::descriptor;
    }
    switch (traits(call).kind) {
        case Kind::SystemV:
            return Target::identifier;
        case Kind::Semaphore:
        case Kind::Condition:
        case Kind::Futex:
        case Kind::Shown:
            return Target::address;
        case Kind::Child:
            return Target::child;
        case Kind::Sleep:
        case Kind::Open:
        case Kind::Signal:
        case Kind::SignalSet:
        case Kind::Join:
        case Kind::Asynchronous:
        default:
            break;
    }
    return Target::none;
}

uint64_t address_in(Call call, uint64_t target) {
    return traits(call).kind == Kind::Futex ? target & ~futex_limited : target;
}

std::string call_text(Call call, uint64_t target) {
    const std::string name = call_name(call);
    const auto number = static_cast<int32_t>(target);
    switch (target_of(call)) {
        case Target::descriptor:
            return text(name, "(fd ", number, ")");
        case Target::identifier:
            return text(name, "(id ", number, ")");
        case Target::address:
            return text(name, "(", format("%#llx", static_cast<unsigned long long>(address_in(call, target))), ")");
        case Target::child:
            return number == -1 ? text(name, "(any)") : text(name, "(", number, ")");
        case Target::none:
            break;
    }
    return name;
}

std::string mask_name(Mask mask) {
    switch (mask) {
        case Mask::none:
            return "none";
        case Mask::on_blocking:
            return "on_blocking";
        case Mask::all:
            return "all";
    }
    return "unknown";
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    std::string best;
    size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const bool completes = word.size() >= 3 && candidate.starts_with(word);
        const size_t distance = completes ? 1 : edit_distance(word, candidate);
        if (distance < best_distance && distance < candidate.size()) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
    const std::string best = nearest(word, candidates);
    return best.empty() ? "" : text(" Did you mean `", best, "`?");
}

std::string duration_text(uint64_t nanoseconds) {
    const auto milliseconds = static_cast<unsigned long long>(nanoseconds / 1'000'000);
    const auto seconds = milliseconds / 1000;
    if (seconds < 1) {
        return format("%llums", milliseconds);
    }
    if (seconds < 60) {
        return format("%llu.%llus", seconds, milliseconds % 1000 / 100);
    }
    if (seconds < 3600) {
        return format("%llum%02llus", seconds / 60, seconds % 60);
    }
    if (seconds < 86400) {
        return format("%lluh%02llum", seconds / 3600, seconds / 60 % 60);
    }
    return format("%llud%02lluh", seconds / 86400, seconds / 3600 % 24);
}

std::string latency_text(uint64_t nanoseconds) {
    if (nanoseconds < 10'000'000) {
        return format("%llu us", static_cast<unsigned long long>(nanoseconds / 1000));
    }
    if (nanoseconds < 10'000'000'000) {
        return format("%llu ms", static_cast<unsigned long long>(nanoseconds / 1'000'000));
    }
    return format("%.1f s", static_cast<double>(nanoseconds) / 1e9);
}

}  // namespace interrupt::control
