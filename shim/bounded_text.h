// Text put together in a buffer that may be too small for it: what does not fit is left out, and it ends with 0.
#pragma once

namespace interrupt {

inline char* append(char* to, const char* end, const char* text) {
    while (*text != 0 && to < end - 1) {
        *to++ = *text++;
    }
    *to = 0;
    return to;
}

inline char* append_number(char* to, const char* end, unsigned long number) {
    char digits[24];
    char* first = digits + sizeof digits - 1;
    *first = 0;
    do {
        *--first = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return append(to, end, first);
}

}  // namespace interrupt
