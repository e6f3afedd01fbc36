#include "control/call_site.h"

#include <algorithm>
#include <cstdio>

#include "control/descriptor.h"
#include "control/elf.h"
#include "control/failure.h"
#include "control/process.h"

namespace interrupt::control {
namespace {

// For the shell, whatever is in the name.
std::string quoted(const std::string& word) {
    std::string quoted = "'";
    for (const char letter : word) {
        quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    }
    return quoted + "'";
}

}  // namespace

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string site_text(const std::string& module, uint64_t offset) {
    char number[32];
    std::snprintf(number, sizeof number, "0x%llx", static_cast<unsigned long long>(offset));
    return module.empty() ? number : text(base_name(module), '+', number);
}

std::string symbol_of(const std::string& module, uint64_t offset) {
    if (module.empty() || offset == 0) {
        return "";
    }
    char address[32];
    std::snprintf(address, sizeof address, "0x%llx",
                  static_cast<unsigned long long>(offset - 1));  // in the call itself
    const std::string command = text("addr2line -C -f -s -e ", quoted(module), ' ', address, " 2>/dev/null");
    FILE* const answer = ::popen(command.c_str(), "re");
    if (answer == nullptr) {
        return "";
    }
    std::string lines[2];
    char line[512];
    for (std::string& kept : lines) {
        if (std::fgets(line, sizeof line, answer) != nullptr) {
            kept = line;
            kept.resize(kept.find_last_not_of('\n') + 1);
            kept.resize(std::min(kept.find(" (discriminator"), kept.size()));
        }
    }
    ::pclose(answer);
    const bool function = !lines[0].empty() && lines[0] != "??";
    const bool place = !lines[1].empty() && !lines[1].starts_with("??");
    if (function && place) {
        return printable(text(lines[0], " at ", lines[1]));
    }
    const Descriptor file(::open(module.c_str(), O_RDONLY | O_CLOEXEC));
    return function && has_function_at(file.get(), offset - 1) ? printable(lines[0]) : "";
}

}  // namespace interrupt::control
