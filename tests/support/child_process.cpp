#include "tests/support/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace interrupt_tests {

namespace {

using Clock = std::chrono::steady_clock;

struct Started {
    pid_t pid;
    int input;
    int output;
    int errors;
};

void become(const Surroundings& surroundings) {
    for (const auto& [name, value] : surroundings.environment) {
        value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
    }
    if (surroundings.user != 0 &&
        (::setgroups(0, nullptr) != 0 || ::setgid(surroundings.user) != 0 || ::setuid(surroundings.user) != 0)) {
        ::_exit(125);
    }
    // Whatever started the tests may have left signals ignored or blocked.
    for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE}) {
        ::signal(signal, SIG_DFL);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Started start(const std::vector<std::string>& command, const Surroundings& surroundings) {
    int in[2], out[2], err[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
        throw std::runtime_error("pipe2");
    }
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(in[0], STDIN_FILENO);
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(err[1], STDERR_FILENO);
        become(surroundings);
        ::execvp(arguments[0], arguments.data());
        ::_exit(126);
    }
    for (const int fd : {in[0], out[1], err[1]}) {
        ::close(fd);
    }
    if (pid < 0) {
        throw std::runtime_error("fork");
    }
    return {pid, in[1], out[0], err[0]};
}

// Appends what there is to read; false at the end of the file.
bool drain(int fd, std::string& text) {
    char buffer[65536];
    const ssize_t size = ::read(fd, buffer, sizeof buffer);
    if (size > 0) {
        text.append(buffer, static_cast<size_t>(size));
    }
    return size > 0 || (size < 0 && errno == EINTR);
}

// Reads both to their ends and waits for the process.
Finished collect(pid_t pid, int output, int errors, Clock::time_point deadline) {
    Finished finished;
    pollfd open[2] = {{output, POLLIN, 0}, {errors, POLLIN, 0}};
    std::string* texts[2] = {&finished.out, &finished.err};
    bool late = false;
    while (!late && (open[0].fd >= 0 || open[1].fd >= 0)) {
        late = ::poll(open, 2, 1000) == 0 && Clock::now() > deadline;
        for (int i = 0; i < 2; ++i) {
            if (open[i].fd >= 0 && open[i].revents != 0 && !drain(open[i].fd, *texts[i])) {
                open[i].fd = -1;
            }
        }
    }
    int status = 0;
    while (!late && ::waitpid(pid, &status, WNOHANG) == 0) {
        late = Clock::now() > deadline;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    if (late) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, &status, 0);
        throw std::runtime_error("a command did not end; it printed: " + finished.out + finished.err);
    }
    finished.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    finished.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return finished;
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
    const auto deadline = Clock::now() + limit;
    while (!condition()) {
        if (Clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return true;
}

Finished run(const std::vector<std::string>& command, const Surroundings& surroundings) {
    const Started started = start(command, surroundings);
    ::close(started.input);
    const Finished finished = collect(started.pid, started.output, started.errors, Clock::now() + 2 * patience);
    ::close(started.output);
    ::close(started.errors);
    return finished;
}

Child::Child(const std::vector<std::string>& command, const Surroundings& surroundings) {
    const Started started = start(command, surroundings);
    pid_ = started.pid;
    input_ = started.input;
    output_ = started.output;
    errors_ = started.errors;
}

Child::~Child() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    for (const int fd : {input_, output_, errors_}) {
        if (fd >= 0) {
            ::close(fd);
        }
    }
}

bool Child::read_more() {
    pollfd ready{output_, POLLIN, 0};
    return ::poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) == 1 &&
           drain(output_, unread_);
}

std::string Child::line() {
    size_t end;
    while ((end = unread_.find('\n')) == std::string::npos) {
        if (!read_more()) {
            throw std::runtime_error("no line came from the child; only: " + unread_);
        }
    }
    const std::string first = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return first;
}

std::string Child::line_that_begins(const std::string& start) {
    for (;;) {
        const std::string candidate = line();
        if (candidate.starts_with(start)) {
            return candidate;
        }
    }
}

void Child::write(const std::string& text) {
    if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("the child does not read");
    }
}

void Child::send(int signal) const {
    ::kill(pid_, signal);
}

Finished Child::finish() {
    ::close(input_);
    input_ = -1;
    const pid_t pid = std::exchange(pid_, -1);
    Finished finished = collect(pid, output_, errors_, Clock::now() + patience);
    finished.out.insert(0, std::exchange(unread_, {}));
    return finished;
}

TemporaryDirectory::TemporaryDirectory(const std::string& parent) : path_(parent + "/interrupt-test-XXXXXX") {
    if (!::mkdtemp(path_.data())) {
        throw std::runtime_error("mkdtemp " + path_);
    }
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return std::move(all).str();
}

char kernel_state(pid_t tid) {
    const std::string stat = contents("/proc/" + std::to_string(tid) + "/stat");
    const size_t name_end = stat.rfind(')');
    return name_end == std::string::npos ? '\0' : stat[name_end + 2];
}

}  // namespace interrupt_tests
