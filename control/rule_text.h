// Pieces of the rules that a user writes (signal_rules.h, injection_rules.h). Header only, no allocation: the shim
// reads them, too.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace interrupt {

constexpr bool is(std::string_view word, const char* text) {
    return word == std::string_view(text);
}

// The text up to the first `end` that no backslash stands before, which `rest` loses together with that byte.
constexpr std::string_view take_until(std::string_view& rest, char end) {
    size_t length = 0;
    while (length < rest.size() && rest[length] != end) {
        length += rest[length] == '\\' && length + 1 < rest.size() ? 2 : 1;
    }
    const std::string_view taken(rest.data(), length);
    rest.remove_prefix(length < rest.size() ? length + 1 : length);
    return taken;
}

// Decimal digits; false for none, and for more than 32 bits hold.
constexpr bool take_number(std::string_view& rest, uint32_t& number) {
    uint64_t value = 0;
    size_t digits = 0;
    for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9' && value <= UINT32_MAX; ++digits) {
        value = value * 10 + static_cast<uint64_t>(rest[digits] - '0');
    }
    rest.remove_prefix(digits);
    number = static_cast<uint32_t>(value);
    return digits != 0 && value <= UINT32_MAX;
}

constexpr bool take_prefix(std::string_view& rest, std::string_view prefix) {
    const bool there = rest.starts_with(prefix);
    rest.remove_prefix(there ? prefix.size() : 0);
    return there;
}

// Seconds: digits, with a fraction or without. False for anything else, and for more than a million.
constexpr bool parse_seconds(std::string_view text, uint64_t& ns) {
    uint64_t value = 0;
    uint64_t unit = 1'000'000'000;
    bool digits = false;
    bool fraction = false;
    for (const char c : text) {
        if (c == '.' && !fraction) {
            fraction = true;
        } else if (c >= '0' && c <= '9') {
            digits = true;
            if (fraction) {
                unit /= 10;
                value += static_cast<uint64_t>(c - '0') * unit;
            } else {
                value = value * 10 + static_cast<uint64_t>(c - '0') * unit;
                if (value > 1'000'000 * unit) {
                    return false;
                }
            }
        } else {
            return false;
        }
    }
    if (digits) {
        ns = value;
    }
    return digits;
}

// The number of the error of that name; 0: there is none.
inline int error_named(std::string_view name) {
    constexpr int most_errors = 4095;  // the kernel's own limit
    // Other names of the same numbers; strerrorname_np(3) knows one for each.
    struct Alias {
        const char* name;
        int error;
    };
    constexpr Alias aliases[] = {
        {"EWOULDBLOCK", EWOULDBLOCK}, {"EDEADLOCK", EDEADLOCK}, {"ENOTSUP", ENOTSUP}, {"EOPNOTSUPP", EOPNOTSUPP}};
    for (const Alias& alias : aliases) {
        if (name == std::string_view(alias.name)) {
            return alias.error;
        }
    }
    for (int error = 1; error <= most_errors; ++error) {
        const char* const known = ::strerrorname_np(error);
        if (known != nullptr && name == std::string_view(known)) {
            return error;
        }
    }
    return 0;
}

}  // namespace interrupt
