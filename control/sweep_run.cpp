#include "control/sweep_run.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "control/failure.h"
#include "control/process.h"
#include "control/thread_list.h"

namespace interrupt::control {
namespace {

constexpr uint64_t second_ns = 1'000'000'000;
constexpr uint64_t most_output = 64 << 20;  // bytes

Descriptor memory_file(const char* name) {
    Descriptor file(static_cast<int>(::memfd_create(name, MFD_CLOEXEC)));
    if (!file) {
        throw Failure(Status::not_permitted, text("no memory file can be made: ", std::strerror(errno), "."));
    }
    return file;
}

std::string contents_of(const Descriptor& file) {
    const off_t size = std::min<off_t>(::lseek(file.get(), 0, SEEK_END), static_cast<off_t>(most_output));
    std::string contents(static_cast<size_t>(std::max<off_t>(size, 0)), '\0');
    const ssize_t got = ::pread(file.get(), contents.data(), contents.size(), 0);
    contents.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return contents;
}

// The processes of a run: those of its session, and what has left it but has the run's environment.
std::vector<pid_t> members_of(pid_t leader, const Run& run) {
    const std::string mark = text("INTERRUPT_RUN=", run.path());
    std::vector<pid_t> members;
    for (const pid_t pid : all_processes()) {
        if (::getsid(pid) == leader) {
            members.push_back(pid);
        } else if (pid != ::getpid()) {
            const auto environment = read_all(AT_FDCWD, text("/proc/", pid, "/environ"));
            if (environment && environment->find(mark + '\0') != std::string::npos) {
                members.push_back(pid);
            }
        }
    }
    return members;
}

// How long the threads of all processes of a run have been on a processor, or have waited for one (schedstat), ns: a
// busy machine gives those that spin little of the first.
uint64_t runnable_ns(const std::vector<pid_t>& members) {
    uint64_t sum = 0;
    std::error_code error;
    for (const pid_t pid : members) {
        std::filesystem::directory_iterator task(text("/proc/", pid, "/task"), error);
        for (; !error && task != std::filesystem::directory_iterator(); task.increment(error)) {
            std::istringstream schedstat(read_all(AT_FDCWD, task->path() / "schedstat").value_or(""));
            uint64_t on_processor = 0;
            uint64_t waited_for_it = 0;
            schedstat >> on_processor >> waited_for_it;
            sum += on_processor + waited_for_it;
        }
    }
    return sum;
}

// What the threads of a run wait in: "redis-cli: recv(fd 3)".
std::string waits_of(const std::vector<pid_t>& members) {
    std::string waits;
    for (const pid_t pid : members) {
        try {
            const Process process(pid);
            const TableFile table(process);
            for (const ThreadView& thread : observe_all(process, table)) {
                waits += text(waits.empty() ? "" : "; ", thread.name, ": ", thread.state(), ' ', thread.call());
            }
        } catch (const Failure&) {
            const auto contents = read_all(AT_FDCWD, text("/proc/", pid, "/stat"));
            const auto stat = contents ? parse_stat(*contents) : std::nullopt;
            if (stat && !stat->ended()) {
                waits += text(waits.empty() ? "" : "; ", printable(stat->name), ": not under the shim");
            }
        }
    }
    return waits;
}

[[noreturn]] void start_program(const RunConditions& conditions, const Run& run, int number, int out, int err) {
    ::setsid();
    const int input = ::open(conditions.input.empty() ? "/dev/null" : conditions.input.c_str(), O_RDONLY);
    if (input != STDIN_FILENO) {
        ::dup2(input, STDIN_FILENO);
        ::close(input);
    }
    const int said = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGPIPE}) {
        ::signal(signal, SIG_DFL);
    }
    ::setenv("INTERRUPT_RUN", run.path().c_str(), 1);
    ::setenv("INTERRUPT_SWEEP", text(number).c_str(), 1);
    try {
        become(*conditions.launch);
    } catch (const Failure& failure) {
        const std::string sentence = text("interruptctl: ", failure.what(), '\n');
        static_cast<void>(!::write(said, sentence.data(), sentence.size()));
    }
    ::_exit(127);
}

}  // namespace

SweepRun::SweepRun(const RunConditions& conditions, int number, const RunTarget* target)
    : conditions_(conditions), run_(true), out_(memory_file("output")), err_(memory_file("errors")) {
    if (target != nullptr) {
        RunTarget& wanted = run_.file().target;
        wanted.key = target->key;
        wanted.number = target->number;
        wanted.error = target->error;
        wanted.outcome = target->outcome;
    }
    // Nobody else writes there; appended to, as each of the program's processes has it.
    for (const Descriptor* file : {&out_, &err_}) {
        ::fcntl(file->get(), F_SETFL, O_APPEND);
    }
    started_ = monotonic_now();
    pid_ = ::fork();
    if (pid_ < 0) {
        throw Failure(Status::not_permitted, text("no process could be started: ", std::strerror(errno), "."));
    }
    if (pid_ == 0) {
        start_program(conditions_, run_, number, out_.get(), err_.get());
    }
}

SweepRun::~SweepRun() {
    if (pid_ <= 0) {
        return;
    }
    for (const pid_t pid : members_of(pid_, run_)) {
        ::kill(pid, SIGKILL);
    }
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

bool SweepRun::has_said(const std::string& words) const {
    return contents_of(out_).find(words) != std::string::npos || contents_of(err_).find(words) != std::string::npos;
}

std::optional<RunEnd> SweepRun::look() {
    const uint64_t now = monotonic_now();
    siginfo_t info = {};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_) {
        const bool by_us = info.si_code == CLD_EXITED || info.si_status == SIGTERM || info.si_status == SIGKILL;
        if (told_to_end_ && by_us) {
            return finish(HowEnded::until, 0);
        }
        if (info.si_code == CLD_EXITED && !conditions_.until_text.empty() && has_said(conditions_.until_text)) {
            return finish(HowEnded::until, 0);  // it was quicker
        }
        return finish(info.si_code == CLD_EXITED ? HowEnded::exited : HowEnded::killed, info.si_status);
    }
    const bool wanted = (conditions_.until_time && now - started_ >= *conditions_.until_time) ||
                        (!conditions_.until_text.empty() && has_said(conditions_.until_text));
    if (wanted && !told_to_end_) {
        told_to_end_ = now;
        runnable_before_.reset();
        for (const pid_t pid : members_of(pid_, run_)) {
            ::kill(pid, SIGTERM);
        }
    }
    return at_limit(now);
}

std::optional<RunEnd> SweepRun::at_limit(uint64_t now) {
    const uint64_t limit = told_to_end_ ? *told_to_end_ + 5 * second_ns : started_ + conditions_.limit;
    const uint64_t window = std::min(second_ns / 2, conditions_.limit / 2);
    if (now + window >= limit && !runnable_before_) {
        runnable_before_ = runnable_ns(members_of(pid_, run_));
    }
    if (now < limit) {
        return std::nullopt;
    }
    // More than a third of the time is no waiting. What has ended meanwhile has taken its time along.
    const uint64_t runnable = runnable_ns(members_of(pid_, run_));
    const uint64_t used = runnable > *runnable_before_ ? runnable - *runnable_before_ : 0;
    return finish(used * 3 > window ? HowEnded::spun : HowEnded::hung, 0);
}

RunEnd SweepRun::finish(HowEnded how, int number) {
    RunEnd end{how, number, {}, {}, {}, monotonic_now() - started_};
    if (how == HowEnded::hung || how == HowEnded::spun) {
        end.where = waits_of(members_of(pid_, run_));
    }
    for (const pid_t pid : members_of(pid_, run_)) {
        ::kill(pid, SIGKILL);
    }
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    end.out = contents_of(out_);
    end.err = contents_of(err_);
    return end;
}

}  // namespace interrupt::control
