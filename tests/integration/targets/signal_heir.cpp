// signal_heir STATE HOW CHILD: puts SIGURG, SIGWINCH and SIGUSR1 into a state, then becomes, or starts, itself again in
// a way that HOW names. The heir prints what it has inherited: as libc says it, and, where it is a program without the
// shim (CHILD is "bare"), as the kernel says it. STATE: b blocked, i ignored, d default, h handled, p pending.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <string>

namespace {

const char* const self = "/proc/self/exe";

int report(bool bare) {
    sigset_t blocked;
    sigset_t pending;
    sigprocmask(SIG_SETMASK, nullptr, &blocked);
    sigpending(&pending);
    for (const int number : {SIGURG, SIGWINCH, SIGUSR1}) {
        struct sigaction action;
        sigaction(number, nullptr, &action);
        std::printf("signal %d: blocked %d, pending %d, %s, flags %x\n", number, sigismember(&blocked, number),
                    sigismember(&pending, number),
                    action.sa_handler == SIG_IGN   ? "ignored"
                    : action.sa_handler == SIG_DFL ? "default"
                                                   : "handled",
                    static_cast<unsigned>(action.sa_flags));
    }
    std::ifstream status("/proc/self/status");
    for (std::string line; bare && std::getline(status, line);) {
        if (line.starts_with("Sig") && !line.starts_with("SigQ")) {
            std::printf("%s\n", line.c_str());
        }
    }
    std::fflush(stdout);
    return 0;
}

void prepare(const char* state) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGURG, SIGWINCH, SIGUSR1}) {
        sigaddset(&set, number);
    }
    for (; *state != 0; ++state) {
        if (*state == 'b') {
            sigprocmask(SIG_BLOCK, &set, nullptr);
        }
        for (const int number : {SIGURG, SIGWINCH, SIGUSR1}) {
            switch (*state) {
                case 'i':
                    signal(number, SIG_IGN);
                    break;
                case 'd':
                    signal(number, SIG_DFL);
                    break;
                case 'h':
                    signal(number, [](int) {});
                    break;
                case 'p':
                    raise(number);
                    break;
                default:
                    break;
            }
        }
    }
}

int start(const std::string& how, char** arguments) {
    const char* const name = arguments[0];
    const char* const mode = arguments[1];
    std::string command = std::string(name) + " " + mode;
    pid_t child = 0;
    int status = 0;
    if (how.starts_with("failed-")) {  // an exec that fails leaves everything as it was
        execv("/nonexistent", arguments);
        execlp("/nonexistent", "x", nullptr);
        report(false);
        return start(how.substr(7), arguments);
    }
    if (how == "execve") {
        execve(name, arguments, environ);
    } else if (how == "execv") {
        execv(name, arguments);
    } else if (how == "execvp") {
        execvp(name, arguments);
    } else if (how == "execvpe") {
        execvpe(name, arguments, environ);
    } else if (how == "execl") {
        execl(name, name, mode, nullptr);
    } else if (how == "execlp") {
        execlp(name, name, mode, nullptr);
    } else if (how == "execle") {
        execle(name, name, mode, nullptr, environ);
    } else if (how == "fexecve") {
        fexecve(open(self, O_RDONLY | O_CLOEXEC), arguments, environ);
    } else if (how == "execveat") {
        execveat(AT_FDCWD, name, arguments, environ, 0);
    } else if (how == "fork") {
        if ((child = fork()) == 0) {
            execv(name, arguments);
        }
    } else if (how == "vfork") {
        if ((child = vfork()) == 0) {
            execv(name, arguments);
            _exit(127);
        }
    } else if (how == "vfork-default") {  // the child sets what its heir gets; the parent keeps its own
        if ((child = vfork()) == 0) {
            signal(SIGURG, SIG_DFL);
            signal(SIGWINCH, SIG_DFL);
            sigset_t none;
            sigemptyset(&none);
            sigprocmask(SIG_SETMASK, &none, nullptr);
            execv(name, arguments);
            _exit(127);
        }
    } else if (how == "vfork-ignore") {
        if ((child = vfork()) == 0) {
            signal(SIGURG, SIG_IGN);
            signal(SIGWINCH, SIG_IGN);
            sigset_t all;
            sigfillset(&all);
            sigprocmask(SIG_SETMASK, &all, nullptr);
            execv(name, arguments);
            _exit(127);
        }
    } else if (how == "posix_spawn") {
        posix_spawn(&child, name, nullptr, nullptr, arguments, environ);
    } else if (how == "posix_spawnp") {
        posix_spawnp(&child, name, nullptr, nullptr, arguments, environ);
    } else if (how == "posix_spawn-attributes") {
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGURG);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setsigmask(&attributes, &set);
        posix_spawnattr_setsigdefault(&attributes, &set);
        posix_spawn(&child, name, nullptr, &attributes, arguments, environ);
    } else if (how == "system") {
        status = system(command.c_str());
    } else if (how == "popen") {
        std::FILE* pipe = popen(command.c_str(), "r");
        for (int c; (c = std::fgetc(pipe)) != EOF;) {
            std::putchar(c);
        }
        status = pclose(pipe);
    }
    if (child > 0) {
        waitpid(child, &status, 0);
    }
    std::printf("ended with %d; afterwards:\n", status);
    return report(false);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc <= 2) {
        return report(argc == 2 && std::strcmp(argv[1], "bare") == 0);
    }
    if (std::strcmp(argv[3], "bare") == 0) {
        unsetenv("LD_PRELOAD");
    }
    prepare(argv[1]);
    char* arguments[] = {argv[0], argv[3], nullptr};
    return start(argv[2], arguments);
}
