// Patterns for the names of threads, as fnmatch(3) has them for bytes; that one is not async-signal-safe.
#pragma once

#include <string_view>

namespace interrupt {

namespace pattern_detail {

// What stands at `at` in the pattern, but for `*`: takes it off, and says whether it matches the byte.
constexpr bool take_one(std::string_view pattern, size_t& at, char byte) {
    const char first = pattern[at++];
    if (first == '?') {
        return true;
    }
    if (first == '\\' && at < pattern.size()) {
        return pattern[at++] == byte;
    }
    if (first != '[') {
        return first == byte;
    }
    size_t i = at;
    const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    i += negated;
    bool found = false;
    for (const size_t begin = i; i < pattern.size() && (pattern[i] != ']' || i == begin); ++i) {
        i += pattern[i] == '\\' && i + 1 < pattern.size();
        const auto low = static_cast<unsigned char>(pattern[i]);
        auto high = low;
        if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
            i += 2;
            i += pattern[i] == '\\' && i + 1 < pattern.size();
            high = static_cast<unsigned char>(pattern[i]);
        }
        found = found || (low <= static_cast<unsigned char>(byte) && static_cast<unsigned char>(byte) <= high);
    }
    if (i >= pattern.size()) {
        return byte == '[';  // never closed: an ordinary character
    }
    at = i + 1;
    return found != negated;
}

}  // namespace pattern_detail

constexpr bool matches(std::string_view pattern, std::string_view name) {
    constexpr size_t none = static_cast<size_t>(-1);
    size_t at = 0;
    size_t star = none;  // the last `*`, behind it
    size_t taken = 0;    // of the name, when that `*` takes no more
    for (size_t i = 0; i < name.size() || at < pattern.size();) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = ++at;
            taken = i;
            continue;
        }
        if (at < pattern.size() && i < name.size()) {
            size_t next = at;
            if (pattern_detail::take_one(pattern, next, name[i])) {
                at = next;
                ++i;
                continue;
            }
        }
        if (star == none || taken >= name.size()) {
            return false;
        }
        at = star;
        i = ++taken;
    }
    return true;
}

}  // namespace interrupt
