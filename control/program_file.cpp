#include "control/program_file.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "control/descriptor.h"
#include "control/failure.h"
#include "control/process.h"

namespace interrupt::control {
namespace {

constexpr size_t longest_script_line = 256;  // BINPRM_BUF_SIZE: the kernel reads no further
constexpr size_t longest_chain = 5;

bool may_execute(const std::string& path) {
    struct stat file;
    return ::stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode) &&
           ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

// The path that execvp would choose.
std::string find_in_path(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return name;
    }
    const char* path = std::getenv("PATH");
    std::string not_executable;
    std::istringstream directories(path ? path : "/bin:/usr/bin");
    for (std::string directory; std::getline(directories, directory, ':');) {
        const std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
        if (may_execute(candidate)) {
            return candidate;
        }
        struct stat file;
        if (not_executable.empty() && ::stat(candidate.c_str(), &file) == 0) {
            not_executable = candidate;
        }
    }
    if (not_executable.empty()) {
        throw Failure(Status::not_found, text("there is no program `", printable(name), "` in PATH."));
    }
    return not_executable;
}

// The words of a `#!` line: the interpreter and its one argument.
std::vector<std::string> script_line(std::string_view line) {
    line = line.substr(2, line.find('\n') - 2);
    const auto trim = [&] {
        const size_t first = std::min(line.find_first_not_of(" \t"), line.size());
        line.remove_prefix(first);
        line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    };
    trim();
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    std::vector<std::string> words{std::string(line.substr(0, end))};
    line.remove_prefix(end);
    trim();
    if (!line.empty()) {
        words.emplace_back(line);
    }
    return words;
}

// The program that `env` would start for a script: its argument may be `-S` and several words, and set variables.
std::string started_by_env(const std::string& argument) {
    std::istringstream words(argument);
    for (std::string word; words >> word;) {
        if (word.starts_with("-S") && word.size() > 2) {
            return word.substr(2);
        }
        if (!word.starts_with('-') && word.find('=') == std::string::npos) {
            return word;
        }
    }
    return {};
}

void check_elf(const std::string& quoted, const ElfFile& elf) {
    if (elf.cut_short) {
        throw Failure(Status::not_under_shim, text(quoted, " is damaged: it has been cut short."));
    }
    if (!elf.native) {
        throw Failure(Status::not_under_shim, text(quoted, " is made for another machine (", elf.made_for,
                                                   "), where the library cannot be loaded."));
    }
    if (!elf.program) {
        throw Failure(Status::not_under_shim, text(quoted, " is an object file, not a program."));
    }
    if (elf.interpreter.empty()) {
        throw Failure(Status::not_under_shim,
                      text(quoted, " is statically linked: no library can be preloaded into it. Link it dynamically."));
    }
    const std::string linker = elf.interpreter.substr(elf.interpreter.rfind('/') + 1);
    if (!linker.starts_with("ld-linux")) {
        throw Failure(Status::not_under_shim,
                      text(quoted, " uses another C library than glibc (its dynamic linker is ",
                           printable(elf.interpreter), "), where the library cannot be loaded."));
    }
}

void check_privileges(const std::string& quoted, const std::string& path, const struct stat& file) {
    if (file.st_mode & S_ISUID || (file.st_mode & S_ISGID && file.st_mode & S_IXGRP)) {
        throw Failure(
            Status::not_under_shim,
            text(quoted, " is ", file.st_mode & S_ISUID ? "setuid" : "setgid",
                 ": the system lets nobody preload a library into such a program. Run a copy without that bit."));
    }
    if (::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0) {
        throw Failure(Status::not_under_shim,
                      text(quoted,
                           " has file capabilities: the system lets nobody preload a library into such a program. "
                           "Run a copy without them."));
    }
}

// `role` is "" for the program itself and "the interpreter of ... " for those it needs.
void check_file(const std::string& path, const std::string& role, ProgramFile& program) {
    const std::string quoted = text(role, "`", printable(path), "`");
    struct stat file;
    if (::stat(path.c_str(), &file) != 0) {
        const bool missing = errno == ENOENT || errno == ENOTDIR;
        throw Failure(missing ? Status::not_found : Status::not_permitted,
                      missing ? text(quoted, " does not exist.")
                              : text(quoted, " cannot be looked at: ", std::strerror(errno), "."));
    }
    if (S_ISDIR(file.st_mode)) {
        throw Failure(Status::not_permitted, text(quoted, " is a directory, not a program."));
    }
    if (!may_execute(path)) {
        throw Failure(Status::not_permitted, text(quoted, " may not be executed by this user."));
    }
    check_privileges(quoted, path, file);
    const Descriptor contents(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!contents) {
        throw Failure(Status::not_permitted,
                      text(quoted, " may be executed but not read by this user: what it is cannot be told."));
    }
    if (const auto elf = read_elf(contents.get())) {
        check_elf(quoted, *elf);
        program.elf = *elf;
        return;
    }
    char start[longest_script_line] = {};
    const ssize_t size = ::pread(contents.get(), start, sizeof start - 1, 0);
    if (size <= 0) {
        throw Failure(Status::not_under_shim, text(quoted, " is empty."));
    }
    const std::string_view line(start, static_cast<size_t>(size));
    if (!line.starts_with("#!")) {
        throw Failure(Status::not_under_shim,
                      text(quoted,
                           " is neither a program nor a script that names its interpreter in a `#!` line. For a shell "
                           "script: `interruptctl run sh ",
                           printable(path), "`."));
    }
    const auto words = script_line(line);
    if (words.front().empty()) {
        throw Failure(Status::not_under_shim, text(quoted, " has a `#!` line that names no interpreter."));
    }
    if (program.interpreters.size() >= longest_chain) {
        throw Failure(Status::not_under_shim, text(quoted, " has too long a chain of interpreters."));
    }
    const std::string next_role = text("the interpreter of ", quoted, ", ");
    program.interpreters.push_back(words.front());
    check_file(words.front(), next_role, program);
    const bool by_env = words.front() == "env" || words.front().ends_with("/env");
    const std::string started = by_env && words.size() > 1 ? started_by_env(words[1]) : "";
    if (!started.empty()) {
        const std::string found = find_in_path(started);
        program.interpreters.push_back(found);
        check_file(found, next_role, program);
    }
}

}  // namespace

ProgramFile check_program(const std::string& name) {
    if (name.empty()) {
        throw Failure(Status::not_found, "the program's name is empty.");
    }
    ProgramFile program;
    program.path = find_in_path(name);
    check_file(program.path, "", program);
    return program;
}

}  // namespace interrupt::control
