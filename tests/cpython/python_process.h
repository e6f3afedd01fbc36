// An interpreter under the shim that runs one of the scripts beside this file, and answers to what the script asks for
// (support.py): the real command line is run for it.
#pragma once

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace cpython_test {

struct Interpreter {
    std::string path;
    std::string name;  // "python3_8", "system"
    int minor;         // of version 3; 0: the system's
};

// For the names of tests.
inline void PrintTo(const Interpreter& interpreter, std::ostream* out) {
    *out << interpreter.name;
}

// Every CPython 3.6 to 3.13 on this machine, the system's last.
inline std::vector<Interpreter> find_interpreters() {
    std::vector<Interpreter> found;
    const char* const home = getenv("HOME");
    glob_t matches;
    if (glob((std::string(home != nullptr ? home : "/root") + "/.pyenv/versions/3.*/bin/python3").c_str(), 0, nullptr,
             &matches) == 0) {
        for (size_t i = 0; i < matches.gl_pathc; ++i) {
            const std::string path = matches.gl_pathv[i];
            const size_t begin = path.find("versions/3.") + 11;
            const int minor = atoi(path.c_str() + begin);
            if (minor >= 6 && minor <= 13) {
                found.push_back({path, "python3_" + std::to_string(minor), minor});
            }
        }
        globfree(&matches);
    }
    if (access("/usr/bin/python3", X_OK) == 0) {
        found.push_back({"/usr/bin/python3", "system", 0});
    }
    return found;
}

struct Finished {
    int status = 0;  // as of waitpid
    std::string output;
    bool in_time = true;
    bool ended_with(int code) const { return in_time && WIFEXITED(status) && WEXITSTATUS(status) == code; }
};

class Child {
public:
    using Clock = std::chrono::steady_clock;

    // `preload`: LD_PRELOAD, or empty.
    Child(const std::vector<std::string>& command, const std::string& preload) {
        int in[2], out[2];
        if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
            abort();
        }
        pid_ = fork();
        if (pid_ == 0) {
            dup2(in[0], 0);
            dup2(out[1], 1);
            dup2(out[1], 2);
            close_range(3, ~0U, 0);
            unsetenv("PYTHONHOME");
            unsetenv("PYTHONPATH");
            setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
            setenv("NATIVE_THREAD", NATIVE_THREAD_PATH, 1);
            setenv("SLOW_RESOLVER", SLOW_RESOLVER_PATH, 1);
            preload.empty() ? unsetenv("LD_PRELOAD") : setenv("LD_PRELOAD", preload.c_str(), 1);
            std::vector<char*> words;
            for (const std::string& word : command) {
                words.push_back(const_cast<char*>(word.c_str()));
            }
            words.push_back(nullptr);
            execv(words[0], words.data());
            _exit(127);
        }
        close(in[0]);
        close(out[1]);
        to_ = in[1];
        from_ = out[0];
    }
    ~Child() {
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
        close(to_);
        close(from_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // The next line of output, without its end. False at the end of the output or of the time.
    bool read_line(std::string& line, Clock::time_point deadline) {
        for (;;) {
            if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
                line = buffer_.substr(0, end);
                buffer_.erase(0, end + 1);
                return true;
            }
            const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
            pollfd ready{from_, POLLIN, 0};
            char bytes[4096];
            if (rest <= 0 || poll(&ready, 1, static_cast<int>(rest)) <= 0) {
                in_time_ = false;
                return false;
            }
            const ssize_t count = read(from_, bytes, sizeof bytes);
            if (count <= 0) {
                line = buffer_;
                buffer_.clear();
                return !line.empty();
            }
            buffer_.append(bytes, static_cast<size_t>(count));
        }
    }

    void write_line(const std::string& line) {
        const std::string whole = line + "\n";
        if (write(to_, whole.data(), whole.size()) < 0) {
            return;  // it has ended; its status says why
        }
    }

    pid_t pid() const { return pid_; }
    void give_up() { kill(pid_, SIGKILL); }

    Finished finish() {
        Finished finished;
        finished.in_time = in_time_;
        if (!in_time_) {
            give_up();
        }
        waitpid(pid_, &finished.status, 0);
        pid_ = -1;
        return finished;
    }

private:
    pid_t pid_ = -1;
    int to_ = -1;
    int from_ = -1;
    bool in_time_ = true;
    std::string buffer_;
};

// Runs a command to its end.
inline Finished run(const std::vector<std::string>& command, const std::string& preload = "", int seconds = 60) {
    Child child(command, preload);
    std::string output, line;
    while (child.read_line(line, Child::Clock::now() + std::chrono::seconds(seconds))) {
        output += line + "\n";
    }
    Finished finished = child.finish();
    finished.output = output;
    return finished;
}

inline std::string process_of(const std::string& tid) {
    std::ifstream status("/proc/" + tid + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("Tgid:", 0) == 0) {
            return line.substr(line.find_first_not_of(" \t", 5));
        }
    }
    return tid;
}

// How often the thread has gone to sleep, if it is asleep; otherwise empty.
inline std::string sleep_of(const std::string& tid) {
    std::ifstream status("/proc/" + tid + "/status");
    bool asleep = false;
    for (std::string line; std::getline(status, line);) {
        asleep |= line.rfind("State:\tS", 0) == 0;
        if (asleep && line.rfind("voluntary_ctxt_switches:", 0) == 0) {
            return line;
        }
    }
    return "";
}

// Waits until the thread is blocked in the call and stays there: the start of a thread or a process, which comes before
// some waits, waits for a moment as well. What went wrong, or "".
inline std::string await_lasting(const std::string& pid, const std::string& tid, const std::string& call) {
    for (const auto deadline = Child::Clock::now() + std::chrono::seconds(30);;) {
        const Finished waited = run({INTERRUPTCTL_PATH, "wait", pid, tid, "--in", call, "--timeout", "30"});
        const std::string before = sleep_of(tid);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        if (!waited.ended_with(0)) {
            return "wait: " + waited.output;
        }
        if (!before.empty() && sleep_of(tid) == before) {
            return "";
        }
        if (Child::Clock::now() > deadline) {
            return "wait: it does not stay in " + call;
        }
    }
}

// Does what the script asks for. The answer to it.
inline std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string what, tid, call, outcome;
    words >> what >> tid >> call >> outcome;
    const std::string pid = process_of(tid);
    if (what == "hammer") {  // whether it is delivered does not matter
        for (int i = 0; i < 15 && kill(atoi(tid.c_str()), 0) == 0; ++i) {
            run({INTERRUPTCTL_PATH, "interrupt", tid, "--all", "--timeout", "0.01"});
        }
        return "done";
    }
    if (what == "clear") {
        const Finished cleared = run({INTERRUPTCTL_PATH, "clear", pid, tid});
        return cleared.ended_with(0) && cleared.output == tid + " cleared: default\n" ? "done" : cleared.output;
    }
    if (call != "-") {
        if (const std::string wrong = await_lasting(pid, tid, call); !wrong.empty()) {
            return wrong;
        }
    }
    if (what == "await") {
        return "done";
    }
    const Finished sent = run({INTERRUPTCTL_PATH, "interrupt", pid, tid, "--as", outcome, "--timeout", "30"});
    if (!sent.ended_with(0)) {
        return "interrupt: " + sent.output;
    }
    if (what == "interrupt" && call != "-" && sent.output.find(", in " + call) == std::string::npos) {
        return "interrupt: not in " + call + ": " + sent.output;
    }
    return "done";
}

// Runs a script's case to its end, answering its requests.
inline Finished run_script(const Interpreter& interpreter, const std::string& script, const std::string& name,
                           bool under_shim = true, int seconds = 100) {
    Child child({interpreter.path, SOURCE_DIR "/tests/cpython/" + script, name}, under_shim ? LIBINTERRUPT_PATH : "");
    const auto deadline = Child::Clock::now() + std::chrono::seconds(seconds);
    std::string output, line;
    while (child.read_line(line, deadline)) {
        output += line + "\n";
        if (line.rfind("interrupt ", 0) == 0 || line.rfind("follow ", 0) == 0 || line.rfind("await ", 0) == 0 ||
            line.rfind("clear ", 0) == 0 || line.rfind("hammer ", 0) == 0) {
            const std::string reply = answer(line);
            output += "    " + reply + "\n";
            if (reply != "done") {
                child.give_up();
                break;
            }
            child.write_line(reply);
        }
    }
    Finished finished = child.finish();
    finished.output = output;
    return finished;
}

}  // namespace cpython_test
