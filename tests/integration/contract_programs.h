// Programs of tests/integration/targets, started with and without the shim, so that what they say of themselves can be
// compared.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "contract_support.h"

namespace interrupt_tests {

// How a program is started.
struct Start {
    std::string target;
    std::vector<std::string> arguments = {};
    std::vector<std::pair<std::string, std::string>> environment = {};
    std::function<void()> before_exec = {};  // in the child
    bool shim = true;
};

// A target that is running: what it writes can be read, and it is told to go on.
class Program {
public:
    explicit Program(const Start& start) {
        std::vector<std::string> strings = {std::string(TARGETS_DIR) + "/" + start.target};
        strings.insert(strings.end(), start.arguments.begin(), start.arguments.end());
        std::vector<char*> arguments;
        for (std::string& string : strings) {
            arguments.push_back(string.data());
        }
        arguments.push_back(nullptr);
        pid_ = fork();
        if (pid_ == 0) {
            dup2(in_.reader(), STDIN_FILENO);
            dup2(out_.writer(), STDOUT_FILENO);
            dup2(out_.writer(), STDERR_FILENO);
            closefrom(3);
            unsetenv("LD_PRELOAD");
            for (const auto& [name, value] : start.environment) {
                setenv(name.c_str(), value.c_str(), 1);
            }
            if (start.before_exec) {
                start.before_exec();
            }
            if (start.shim) {
                setenv("LD_PRELOAD", LIBINTERRUPT_PATH, 1);
            }
            execv(arguments[0], arguments.data());
            _exit(127);
        }
        in_.close(0);
        out_.close(1);
    }
    ~Program() {
        if (!reaped_) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    pid_t pid() const { return pid_; }
    // Reads until `text` has come; false at the end of the output, or when patience ends.
    bool says(const std::string& text) {
        while (output_.find(text) == std::string::npos) {
            if (!read_more()) {
                return false;
            }
        }
        return true;
    }
    // Reads what comes next, whatever it is; false as above.
    bool says_more() { return read_more(); }
    void go_on() { in_.close(1); }
    void tell(char byte) { in_.put(byte); }

    // What the whole run came to: its output and how it ended.
    std::string finish() {
        go_on();
        while (read_more()) {
        }
        int status = 0;
        const bool ended = eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
        if (!ended) {
            return output_ + "[did not end]";
        }
        reaped_ = true;
        return output_ + (WIFEXITED(status) ? "[exit " + std::to_string(WEXITSTATUS(status)) + "]"
                                            : "[signal " + std::to_string(WTERMSIG(status)) + "]");
    }
    const std::string& output() const { return output_; }

private:
    bool read_more() {
        struct pollfd fd = {out_.reader(), POLLIN, 0};
        if (poll(&fd, 1, forever_ms) <= 0) {
            return false;
        }
        char buffer[4096];
        const ssize_t count = read(out_.reader(), buffer, sizeof buffer);
        if (count > 0) {
            output_.append(buffer, static_cast<size_t>(count));
        }
        return count > 0;
    }

    Pipe in_;
    Pipe out_;
    pid_t pid_ = -1;
    bool reaped_ = false;
    std::string output_;
};

inline std::string outcome_of(Start start, bool with_shim) {
    start.shim = with_shim;
    return Program(start).finish();
}

// The program says the same and ends the same.
inline void expect_invisible(const Start& start) {
    const std::string bare = outcome_of(start, false);
    EXPECT_NE(bare.find("[exit "), std::string::npos) << bare;
    EXPECT_EQ(outcome_of(start, true), bare);
}

// How many pages of the library's zero-initialised data cannot be written: NoTable in the ABI header.
inline interrupt::NoTable no_table_mark(pid_t pid) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    unsigned long library_end = 0;
    for (std::string line; std::getline(maps, line);) {
        unsigned long first = 0;
        unsigned long end = 0;
        char rights[8] = {};
        if (sscanf(line.c_str(), "%lx-%lx %7s", &first, &end, rights) != 3) {
            continue;
        }
        if (line.ends_with("libinterrupt.so")) {
            library_end = end;
        } else if (first == library_end && line.find_first_of("/[") == std::string::npos) {
            if (std::strcmp(rights, "r--p") == 0) {
                return static_cast<interrupt::NoTable>((end - first) / 4096);
            }
            library_end = end;
        }
    }
    return interrupt::NoTable::unknown;
}

// A directory of its own on tmpfs, as INTERRUPT_DIR.
class TableDirectory {
public:
    TableDirectory() {
        char name[] = "/dev/shm/contract-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~TableDirectory() { std::filesystem::remove_all(path_); }
    TableDirectory(const TableDirectory&) = delete;
    TableDirectory& operator=(const TableDirectory&) = delete;
    const std::string& path() const { return path_; }
    std::pair<std::string, std::string> variable() const { return {"INTERRUPT_DIR", path_}; }
    size_t files() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {})); }

private:
    std::string path_;
};

#define NEEDS_ROOT()                                                     \
    if (geteuid() != 0) {                                                \
        GTEST_SKIP() << "needs root: it mounts, or changes its user id"; \
    }

// In the child, before exec: a mount namespace of its own in which `path` is a fresh tmpfs.
inline void mount_tmpfs(const char* path, const char* options, unsigned long flags = 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", path, "tmpfs", flags, options) != 0) {
        _exit(126);
    }
}

}  // namespace interrupt_tests
