#include "control/run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "control/descriptor.h"
#include "control/failure.h"
#include "control/process.h"
#include "control/table_directory.h"

namespace interrupt::control {
namespace {

// What a program can have inherited of the terminal and of pipes must not be kept open by the reporter, all but the
// standard error that it is to write to.
void leave_the_program_alone(int pidfd) {
    ::setsid();
    const int nothing = ::open("/dev/null", O_RDWR);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(nothing, STDOUT_FILENO);
    ::dup2(pidfd, 3);
    ::syscall(SYS_close_range, 4u, ~0u, 0u);
}

void await_end(int pidfd) {
    pollfd program{pidfd, POLLIN, 0};
    while (::poll(&program, 1, -1) < 0 && errno == EINTR) {
    }
}

void say_what_never_acted(const RunFile& file, const std::vector<std::string>& rules) {
    std::string said;
    for (size_t i = 0; i < rules.size() && i < most_injection_rules; ++i) {
        const uint64_t met = file.rules_met[i].load(std::memory_order_relaxed);
        if (file.rules_acted[i].load(std::memory_order_relaxed) == 0) {
            said += text("interruptctl: the rule `", printable(rules[i]), "` was met by ",
                         met == 0   ? "no call"
                         : met == 1 ? "one call"
                                    : text(met, " calls"),
                         met == 0 ? ".\n" : ", and has never acted.\n");
        }
    }
    std::cerr << said << std::flush;
}

}  // namespace

Run::Run(bool wants_points) {
    const std::string directory = table_directory();
    ::mkdir(directory.c_str(), 0700);
    uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) {
        random = static_cast<uint64_t>(::getpid());
    }
    path_ = text(directory, "/", ::getpid(), "-", random, ".run");
    const auto failed = [&](const char* what) {
        return Failure(Status::not_permitted, text("`", printable(path_), "` ", what, ": ", std::strerror(errno), "."));
    };
    const Descriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) {
        throw failed("cannot be made");
    }
    void* memory = MAP_FAILED;
    const int error = ::posix_fallocate(file.get(), 0, sizeof(RunFile));  // its memory: later there may be none
    if (error == 0) {
        memory = ::mmap(nullptr, sizeof(RunFile), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    } else {
        errno = error;
    }
    if (memory == MAP_FAILED) {
        const Failure failure = failed("cannot be mapped");
        ::unlink(path_.c_str());
        throw failure;
    }
    file_ = static_cast<RunFile*>(memory);
    file_->magic = run_magic_word();
    file_->version = run_version;
    file_->wants_points = wants_points;
}

Run::~Run() {
    ::munmap(file_, sizeof(RunFile));
    if (!keeps_) {
        ::unlink(path_.c_str());
    }
}

void report_rules_at_end(Run& run, const std::vector<std::string>& rules) {
    const Descriptor program(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (!program) {
        throw Failure(Status::not_permitted,
                      text("the end of the program cannot be waited for: ", std::strerror(errno), "."));
    }
    const pid_t first = ::fork();
    if (first < 0) {
        throw Failure(Status::not_permitted, text("no process could be started: ", std::strerror(errno), "."));
    }
    if (first != 0) {
        run.keep();
        while (::waitpid(first, nullptr, 0) < 0 && errno == EINTR) {
        }
        return;
    }
    if (::fork() == 0) {  // nobody's: the program never sees it as a child
        leave_the_program_alone(program.get());
        await_end(3);
        say_what_never_acted(run.file(), rules);
        ::unlink(run.path().c_str());
    }
    ::_exit(0);
}

}  // namespace interrupt::control
