// Text as a terminal shows it: how many cells it takes, and as much of it as there is room for. The locale (LC_CTYPE)
// says what can be shown; everything else is a question mark, as is what would move the cursor or turn the line around.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace interrupt::control {

size_t cells_of(std::string_view text);

// Exactly `width` cells of it: cut, never within a character, or with spaces behind it.
std::string fit(std::string_view text, size_t width);

// The text without its last character.
std::string without_last(std::string_view text);

std::string to_utf8(char32_t character);

}  // namespace interrupt::control
