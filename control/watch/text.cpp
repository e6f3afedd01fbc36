#include "control/watch/text.h"

#include <cwchar>

namespace interrupt::control {
namespace {

struct Character {
    std::string_view bytes;  // "?" in place of what cannot be shown
    size_t length = 1;       // of what was read
    int cells = 1;
};

bool turns_the_line_around(char32_t c) {
    return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

// The number of bytes that a character takes which begins so; 0: none does.
size_t length_of(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

Character first_of(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const Character unknown{"?", 1, 1};
    const size_t length = length_of(byte(0));
    if (length == 0 || length > text.size()) {
        return unknown;
    }
    char32_t c = length == 1 ? byte(0) : byte(0) & (0x7f >> length);
    for (size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            return unknown;
        }
        c = c << 6 | (byte(i) & 0x3f);
    }
    if (length == 1 && c >= 0x20 && c < 0x7f) {
        return {text.substr(0, 1), 1, 1};
    }
    const int cells = turns_the_line_around(c) ? -1 : ::wcwidth(static_cast<wchar_t>(c));
    return cells < 0 ? Character{"?", length, 1} : Character{text.substr(0, length), length, cells};
}

}  // namespace

size_t cells_of(std::string_view text) {
    size_t cells = 0;
    while (!text.empty()) {
        const Character next = first_of(text);
        cells += static_cast<size_t>(next.cells);
        text.remove_prefix(next.length);
    }
    return cells;
}

std::string fit(std::string_view text, size_t width) {
    std::string fitting;
    size_t cells = 0;
    while (!text.empty()) {
        const Character next = first_of(text);
        if (cells + static_cast<size_t>(next.cells) > width) {
            break;
        }
        fitting += next.bytes;
        cells += static_cast<size_t>(next.cells);
        text.remove_prefix(next.length);
    }
    return fitting.append(width - cells, ' ');
}

std::string without_last(std::string_view text) {
    size_t end = text.size();
    while (end > 0 && (static_cast<unsigned char>(text[--end]) & 0xc0) == 0x80) {
    }
    return std::string(text.substr(0, end));
}

std::string to_utf8(char32_t c) {
    const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
    if (c < 0x80) {
        return {static_cast<char>(c)};
    }
    if (c < 0x800) {
        return {static_cast<char>(0xc0 | c >> 6), tail(0)};
    }
    if (c < 0x10000) {
        return {static_cast<char>(0xe0 | c >> 12), tail(6), tail(0)};
    }
    return {static_cast<char>(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

}  // namespace interrupt::control
