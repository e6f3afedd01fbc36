// What must hold for every input: anything else is a finding.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#define EXPECT(condition)                                                                              \
    do {                                                                                               \
        if (!(condition)) {                                                                            \
            std::fprintf(stderr, "%s:%d: it does not hold that %s\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                              \
        }                                                                                              \
    } while (false)

#include "control/failure.h"

namespace interrupt_fuzz {

// Nothing for a terminal to obey: no control character, of ASCII or of U+0080 to U+009F.
inline bool is_printable(std::string_view shown) {
    for (size_t i = 0; i < shown.size(); ++i) {
        const auto byte = static_cast<unsigned char>(shown[i]);
        const bool second = i > 0 && shown[i - 1] == '\xc2' && byte >= 0x80 && byte < 0xa0;
        if (byte < 0x20 || byte == 0x7f || second) {
            return false;
        }
    }
    return true;
}

// Calls it, and says whether it failed by a sentence.
template <class Function>
bool refused(Function function) {
    try {
        function();
    } catch (const interrupt::control::Failure& failure) {
        std::string sentence = failure.what();
        std::erase(sentence, '\n');  // a rule is shown on lines of its own
        EXPECT(!sentence.empty() && is_printable(sentence));
        return true;
    }
    return false;
}

}  // namespace interrupt_fuzz
