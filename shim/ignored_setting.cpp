#include "shim/ignored_setting.h"

#include "shim/process.h"

namespace interrupt {

void ignore_setting(const char* name, std::string_view word, const char* reason) {
    char* to = settings.ignored;
    const char* const end = to + sizeof settings.ignored - 1;
    const auto append = [&](std::string_view text) {
        for (size_t i = 0; i < text.size() && to < end; ++i) {
            *to++ = text[i];
        }
    };
    append(name);
    append(" is ignored, for `");
    append({word.data(), word.size() < 32 ? word.size() : 32});
    append("`: ");
    append(reason);
    *to = 0;
}

}  // namespace interrupt
