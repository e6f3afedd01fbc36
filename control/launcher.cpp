#include "control/launcher.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "control/commands.h"
#include "control/process.h"
#include "control/program_file.h"

namespace interrupt::control {
namespace {

constexpr const char* library_name = "libinterrupt.so";

bool is_sanitizer(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return name.starts_with("libasan.so") || name.starts_with("libtsan.so") || name.starts_with("liblsan.so") ||
           name.starts_with("libubsan.so") || name.starts_with("libhwasan.so") || name.starts_with("libclang_rt.");
}

// ld.so(8): separated by spaces or colons.
std::vector<std::string> preload_entries(std::string_view list) {
    std::vector<std::string> entries;
    while (!list.empty()) {
        const size_t end = std::min(list.find_first_of(" :"), list.size());
        if (end > 0) {
            entries.emplace_back(list.substr(0, end));
        }
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return entries;
}

}  // namespace

std::string find_library() {
    char self[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
    if (length <= 0) {
        throw Failure(Status::not_found, "the library cannot be found: /proc is not mounted.");
    }
    const std::string path(self, static_cast<size_t>(length));
    const std::string directory = path.substr(0, path.rfind('/'));
    std::string tried;
    for (const std::string& place : {directory, directory + "/" INTERRUPT_LIBRARY_FROM_BIN}) {
        const std::string candidate = place + "/" + library_name;
        char resolved[PATH_MAX];
        if (::realpath(candidate.c_str(), resolved) && ::access(resolved, R_OK) == 0) {
            return resolved;
        }
        tried += (tried.empty() ? "" : " nor ") + candidate;
    }
    throw Failure(Status::not_found, text("the library is neither ", printable(tried), ". Build or install it there."));
}

void check_preloadable(const std::string& library) {
    if (library.find_first_of(" :") != std::string::npos) {
        throw Failure(Status::not_under_shim,
                      text("`", printable(library),
                           "` has a space or a colon in its path, and LD_PRELOAD takes those for "
                           "separators. Install the library somewhere else."));
    }
}

std::string preload_with(const std::string& library, const std::string& existing,
                         const std::vector<std::string>& needed) {
    std::vector<std::string> entries = preload_entries(existing);
    if (std::none_of(entries.begin(), entries.end(), is_sanitizer)) {
        // Linked in, a sanitizer would come after us: name it in front.
        const auto linked = std::find_if(needed.begin(), needed.end(), is_sanitizer);
        if (linked != needed.end()) {
            entries.insert(entries.begin(), *linked);
        }
    }
    if (std::find(entries.begin(), entries.end(), library) == entries.end()) {
        const auto last_sanitizer = std::find_if(entries.rbegin(), entries.rend(), is_sanitizer);
        entries.insert(last_sanitizer.base(), library);
    }
    std::string list;
    for (const std::string& entry : entries) {
        list += (list.empty() ? "" : ":") + entry;
    }
    return list;
}

Status run_command(const RunOptions& options) {
    if (options.program.empty()) {
        throw Failure(Status::usage, "name the program to run. See `interruptctl run --help`.");
    }
    if (!options.on.empty()) {
        ::setenv("INTERRUPT_ON", signal_rules(options.on).c_str(), 1);
    }
    check_signal_settings();
    const std::string library = find_library();
    check_preloadable(library);
    const ProgramFile program = check_program(options.program.front());

    const char* existing = std::getenv("LD_PRELOAD");
    ::setenv("LD_PRELOAD", preload_with(library, existing ? existing : "", program.elf.needed).c_str(), 1);
    if (options.no_follow) {
        ::setenv("INTERRUPT_NO_FOLLOW", "1", 1);
    } else {
        ::unsetenv("INTERRUPT_NO_FOLLOW");
    }
    std::vector<char*> arguments;
    for (const std::string& argument : options.program) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    ::execv(program.path.c_str(), arguments.data());
    const int error = errno;
    throw Failure(error == ENOENT ? Status::not_found : Status::not_permitted,
                  text("`", printable(program.path), "` could not be started: ", std::strerror(error), "."));
}

}  // namespace interrupt::control
