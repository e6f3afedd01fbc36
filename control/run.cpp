#include "control/run.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "control/descriptor.h"
#include "control/failure.h"
#include "control/process.h"
#include "control/table_directory.h"

namespace interrupt::control {
namespace {

volatile std::sig_atomic_t program = 0;

// What is sent to interruptctl alone is meant for the program.
void hand_on(int signal, siginfo_t* info, void*) {
    const int saved_errno = errno;
    if (program > 0 && info->si_code != SI_KERNEL) {  // the terminal sends its signals to both
        ::kill(static_cast<pid_t>(program), signal);
    }
    errno = saved_errno;
}

constexpr int handed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT};

// As the program has ended: with its status, or by its signal.
[[noreturn]] void end_like(int status) {
    if (WIFSIGNALED(status)) {
        const rlimit no_core{0, 0};  // the program's own is enough
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::signal(WTERMSIG(status), SIG_DFL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::raise(WTERMSIG(status));
    }
    ::_exit(WEXITSTATUS(status));
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
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < sizeof(RunFile)) {  // SIGXFSZ would end us
        errno = EFBIG;
        const Failure failure = failed("cannot be made");
        ::unlink(path_.c_str());
        throw failure;
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
    ::unlink(path_.c_str());
}

void run_with_report(const Launch& launch, const std::vector<std::string>& rules) {
    int status = 0;
    {
        Run run(false);
        ::setenv("INTERRUPT_RUN", run.path().c_str(), 1);
        sigset_t handed;
        sigset_t before;
        ::sigemptyset(&handed);
        for (const int signal : handed_on) {
            ::sigaddset(&handed, signal);
        }
        ::sigprocmask(SIG_BLOCK, &handed, &before);
        const pid_t child = ::fork();
        if (child < 0) {
            throw Failure(Status::not_permitted, text("no process could be started: ", std::strerror(errno), "."));
        }
        if (child == 0) {
            ::sigprocmask(SIG_SETMASK, &before, nullptr);
            try {
                become(launch);
            } catch (const Failure& failure) {
                std::cerr << text("interruptctl: ", failure.what(), '\n') << std::flush;
                ::_exit(static_cast<int>(failure.status()));
            }
        }
        program = child;
        struct sigaction action = {};
        action.sa_sigaction = hand_on;
        action.sa_flags = SA_SIGINFO | SA_RESTART;
        for (const int signal : handed_on) {
            ::sigaction(signal, &action, nullptr);
        }
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        say_what_never_acted(run.file(), rules);
    }
    end_like(status);
}

}  // namespace interrupt::control
