#include "control/launcher.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "control/commands.h"
#include "control/injections.h"
#include "control/process.h"
#include "control/program_file.h"
#include "control/run.h"

namespace interrupt::control {
namespace {

constexpr const char* library_name = "libinterrupt.so";

std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

bool is_sanitizer(std::string_view path) {
    const std::string_view name = file_name(path);
    return name.starts_with("libasan.so") || name.starts_with("libtsan.so") || name.starts_with("liblsan.so") ||
           name.starts_with("libubsan.so") || name.starts_with("libhwasan.so") || name.starts_with("libclang_rt.");
}

// AddressSanitizer's library refuses to start where another one is in front of it; ThreadSanitizer's is to see the
// calls before us, since it holds back signals that its program knows of.
bool is_to_be_first(std::string_view path) {
    const std::string_view name = file_name(path);
    return name.starts_with("libasan.so") || name.starts_with("libtsan.so") || name.starts_with("libhwasan.so") ||
           name.starts_with("libclang_rt.asan") || name.starts_with("libclang_rt.tsan") ||
           name.starts_with("libclang_rt.hwasan");
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

std::string sanitizer_in_front(const std::string& existing, const std::vector<std::string>& needed) {
    const std::vector<std::string> entries = preload_entries(existing);
    if (std::any_of(entries.begin(), entries.end(), is_to_be_first)) {
        return {};
    }
    const auto linked = std::find_if(needed.begin(), needed.end(), is_to_be_first);
    return linked != needed.end() ? *linked : "";
}

std::string preload_with(const std::string& library, const std::string& existing, const std::string& sanitizer) {
    std::vector<std::string> entries = preload_entries(existing);
    if (!sanitizer.empty()) {
        entries.insert(entries.begin(), sanitizer);
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

namespace {

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

void set_or_remove(const char* name, const std::string& value) {
    value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
}

void preload(const std::string& library, const std::vector<std::string>& needed) {
    const std::string existing = variable("LD_PRELOAD");
    const std::string sanitizer = sanitizer_in_front(existing, needed);
    ::setenv("LD_PRELOAD", preload_with(library, existing, sanitizer).c_str(), 1);
    // The shim takes the sanitizer out again: in a program that was built without it, which this one may start, it is
    // no good. One that was built with it, such as this one once more, then has it behind the shim, where it also
    // works.
    set_or_remove("INTERRUPT_PRELOAD_ONCE", sanitizer);
    if (const std::string_view name = file_name(sanitizer);
        name.starts_with("libasan.so") || name.starts_with("libclang_rt.asan")) {
        const std::string options = variable("ASAN_OPTIONS");
        ::setenv("ASAN_OPTIONS", (options + (options.empty() ? "" : ":") + "verify_asan_link_order=0").c_str(), 1);
    }
}

}  // namespace

Launch prepare_launch(const std::vector<std::string>& words) {
    if (words.empty()) {
        throw Failure(Status::usage, "name the program to run, behind the options.");
    }
    check_signal_settings();
    check_injection_setting();
    const std::string library = find_library();
    check_preloadable(library);
    return {library, check_program(words.front()), words};
}

void become(const Launch& launch) {
    preload(launch.library, launch.program.elf.needed);
    std::vector<char*> arguments;
    for (const std::string& argument : launch.words) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    ::execv(launch.program.path.c_str(), arguments.data());
    const int error = errno;
    throw Failure(error == ENOENT ? Status::not_found : Status::not_permitted,
                  text("`", printable(launch.program.path), "` could not be started: ", std::strerror(error), "."));
}

Status run_command(const RunOptions& options) {
    if (!options.on.empty()) {
        ::setenv("INTERRUPT_ON", signal_rules(options.on).c_str(), 1);
    }
    if (!options.inject.empty()) {
        ::setenv("INTERRUPT_INJECT", injection_setting(options.inject).c_str(), 1);
    }
    const Launch launch = prepare_launch(options.program);
    set_or_remove("INTERRUPT_NO_FOLLOW", options.no_follow ? "1" : "");
    if (!options.inject.empty()) {
        run_with_report(launch, options.inject);
    }
    become(launch);
}

}  // namespace interrupt::control
