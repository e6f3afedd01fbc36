// A program in a terminal of its own: what is typed there acts as for a person. Its standard error goes elsewhere, so
// that it can be told apart.
#pragma once

#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace interrupt_tests {

class Terminal {
public:
    explicit Terminal(const std::vector<std::string>& command, const Surroundings& surroundings = {});
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    pid_t pid() const { return pid_; }
    // Types Ctrl-C.
    void interrupt();
    // Reads until `text` has been printed that many times; false if it is not.
    bool says(const std::string& text, int times = 1);
    bool complains(const std::string& text);
    // Whether it ends within that time. Reads meanwhile.
    bool ends(std::chrono::milliseconds limit = patience);
    // Once it has ended. All that it printed, line ends as programs write them, and the terminal's echo left out.
    std::string out() const;
    const std::string& err() const { return errors_; }
    // As of waitpid.
    int status() const { return status_; }

private:
    bool read_more(std::chrono::milliseconds limit);
    bool reap();

    pid_t pid_ = -1;
    int terminal_ = -1;
    int error_pipe_ = -1;
    bool reaped_ = false;
    int status_ = 0;
    std::string output_;
    std::string errors_;
};

}  // namespace interrupt_tests
