#include "tests/support/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace interrupt_tests {
namespace {

int count(const std::string& where, const std::string& what) {
    int found = 0;
    for (size_t at = 0; (at = where.find(what, at)) != std::string::npos; at += what.size()) {
        ++found;
    }
    return found;
}

}  // namespace

Terminal::Terminal(const std::vector<std::string>& command, const Surroundings& surroundings) {
    int errors[2];
    if (::pipe2(errors, O_CLOEXEC) != 0) {
        throw std::runtime_error("pipe2 failed");
    }
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (pid_ < 0) {
        throw std::runtime_error("forkpty failed");
    }
    if (pid_ == 0) {
        ::dup2(errors[1], STDERR_FILENO);
        for (int number = 1; number < 32; ++number) {
            ::signal(number, SIG_DFL);
        }
        for (const auto& [name, value] : surroundings.environment) {
            value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
        }
        std::vector<char*> words;
        for (const std::string& word : command) {
            words.push_back(const_cast<char*>(word.c_str()));
        }
        words.push_back(nullptr);
        ::execvp(words[0], words.data());
        ::_exit(127);
    }
    ::close(errors[1]);
    error_pipe_ = errors[0];
}

Terminal::~Terminal() {
    if (!reaped_) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(terminal_);
    ::close(error_pipe_);
}

void Terminal::interrupt() {
    if (::write(terminal_, "\x03", 1) != 1) {
        throw std::runtime_error("the terminal takes no Ctrl-C");
    }
}

bool Terminal::read_more(std::chrono::milliseconds limit) {
    pollfd both[] = {{terminal_, POLLIN, 0}, {error_pipe_, POLLIN, 0}};
    if (::poll(both, 2, static_cast<int>(limit.count())) <= 0) {
        return false;
    }
    bool any = false;
    std::string* const texts[] = {&output_, &errors_};
    for (int i = 0; i < 2; ++i) {
        char buffer[4096];
        const ssize_t size = both[i].revents != 0 ? ::read(both[i].fd, buffer, sizeof buffer) : 0;
        if (size > 0) {
            texts[i]->append(buffer, static_cast<size_t>(size));
            any = true;
        }
    }
    return any;
}

bool Terminal::reap() {
    reaped_ = reaped_ || ::waitpid(pid_, &status_, WNOHANG) == pid_;
    return reaped_;
}

bool Terminal::says(const std::string& text, int times) {
    while (count(output_, text) < times) {
        if (!read_more(patience)) {
            return false;
        }
    }
    return true;
}

bool Terminal::complains(const std::string& text) {
    while (errors_.find(text) == std::string::npos) {
        if (!read_more(patience)) {
            return false;
        }
    }
    return true;
}

bool Terminal::ends(std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!reap()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        if (!read_more(std::chrono::milliseconds(5))) {
            ::usleep(1000);
        }
    }
    while (read_more(std::chrono::milliseconds(0))) {
    }
    return true;
}

std::string Terminal::out() const {
    std::string text;
    for (size_t i = 0; i < output_.size(); ++i) {
        if (output_.compare(i, 2, "^C") == 0) {
            ++i;
        } else if (output_[i] != '\r') {
            text += output_[i];
        }
    }
    return text;
}

}  // namespace interrupt_tests
