// Real child processes for tests: one command to its end with all that it printed, or a running one to talk to. Nothing
// waits without a limit, and nothing that was started outlives its object.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace interrupt_tests {

// Generous: reached only when something is broken.
inline constexpr std::chrono::seconds patience{30};

// Asks again and again until it is true; false if it never was.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = patience);

struct Finished {
    int exit_status = -1;  // -1: ended by a signal
    int signal = 0;
    std::string out;
    std::string err;
};

struct Surroundings {
    std::map<std::string, std::string> environment;  // added to, or put in place of, the test's own; "" removes
    uid_t user = 0;                                  // other than 0: run as that user
};

// Runs a command, its standard input empty. Throws if it does not end.
Finished run(const std::vector<std::string>& command, const Surroundings& surroundings = {});

// A running command.
class Child {
public:
    explicit Child(const std::vector<std::string>& command, const Surroundings& surroundings = {});
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    // The next line of its standard output. Throws if none comes.
    std::string line();
    // Lines up to the first one that begins so, which is returned.
    std::string line_that_begins(const std::string& start);
    void write(const std::string& text);
    void send(int signal) const;
    // Closes its input and waits for its end; all that it printed and that was not read yet.
    Finished finish();

private:
    bool read_more();

    pid_t pid_ = -1;
    int input_ = -1;
    int output_ = -1;
    int errors_ = -1;
    std::string unread_;
};

// A directory of its own, mode 0700, removed with all that is in it.
class TemporaryDirectory {
public:
    explicit TemporaryDirectory(const std::string& parent = "/tmp");
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// A whole file; "" if it cannot be read.
std::string contents(const std::string& path);

// The letter of proc(5): 'R', 'S', 'T', ...; 0 if the thread is gone.
char kernel_state(pid_t tid);

}  // namespace interrupt_tests
