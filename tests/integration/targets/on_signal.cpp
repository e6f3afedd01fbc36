// on_signal MODE...: threads "worker-1", "worker-2" and "other" wait, and say when they are interrupted and when they
// have cleaned up, which takes them a moment; main pauses, says so when that ends, and returns 3. Started with
// INTERRUPT_ON.
//
//   stubborn   main pauses again             handler    main handles SIGINT
//   survivors  the threads wait again        jumps      ... by a siglongjmp
//   sandbox    a seccomp filter is set       flag       ... without ending its pause: it reads with SA_RESTART
//   no-filter  setting one fails
//   raise      main raises SIGTERM           unknown    one more thread, of which the shim does not know
//   fork       a child waits, alone          vfork      the same in a vfork child
//   system     main waits in system()        exec       main becomes this program without modes
//   reset      after its handler has run main sets the default action again and raises SIGINT
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

#include "interrupt/interrupt.h"

namespace {

std::set<std::string>& modes = *new std::set<std::string>;  // threads look at it to the very end
bool has(const char* mode) {
    return modes.count(mode) != 0;
}

void say(const std::string& line) {
    const std::string whole = line + "\n";
    if (write(STDOUT_FILENO, whole.data(), whole.size()) < 0) {
        _exit(99);
    }
}

std::atomic<int> ready = 0;

void* wait_in_thread(void* argument) {
    const char* const name = static_cast<const char*>(argument);
    pthread_setname_np(pthread_self(), name);
    ++ready;
    do {
        if (poll(nullptr, 0, -1) < 0 && errno == EINTR) {
            say(std::string(name) + " interrupted");
        }
    } while (has("survivors"));
    usleep(100'000);
    say(std::string(name) + " cleaned up");
    return nullptr;
}

std::atomic<bool> unknown_may_wait = false;

// Makes no call that the shim could see until it is told to.
void* compute_then_wait(void*) {
    ++ready;
    while (!unknown_may_wait) {
    }
    return wait_in_thread(const_cast<char*>("unknown"));
}

void start(const char* name) {
    pthread_t thread;
    pthread_create(&thread, nullptr, wait_in_thread, const_cast<char*>(name));
}

void start_unknown() {
    using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    void* const libc = dlopen("libc.so.6", RTLD_NOW);
    pthread_t thread;
    reinterpret_cast<Create>(dlsym(libc, "pthread_create"))(&thread, nullptr, compute_then_wait, nullptr);
}

sigjmp_buf back;
void handle(int) {
    say("handler");
    if (has("jumps")) {
        siglongjmp(back, 1);
    }
}

void set_handler() {
    struct sigaction action = {};
    action.sa_handler = handle;
    action.sa_flags = has("flag") ? SA_RESTART : 0;
    sigaction(SIGINT, &action, nullptr);
}

int pause_once(const char* name) {
    say(std::string(name) + " waits " + std::to_string(getpid()));
    const int result = pause();
    say(std::string(name) + (result < 0 && errno == EINTR ? " interrupted" : " goes on"));
    return result;
}

[[gnu::noinline]] int wait_in_vfork_child() {
    const pid_t child = vfork();
    if (child == 0) {
        say("child waits " + std::to_string(getpid()));
        for (;;) {
            syscall(SYS_pause);
        }
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    modes.insert(argv + 1, argv + argc);
    if (has("exec")) {
        char* const arguments[] = {argv[0], nullptr};
        execv("/proc/self/exe", arguments);
    }
    if (has("handler") || has("reset")) {
        set_handler();
    }
    for (const char* name : {"worker-1", "worker-2", "other"}) {
        start(name);
    }
    if (has("unknown")) {
        start_unknown();
    }
    while (ready < (has("unknown") ? 4 : 3)) {
        usleep(1000);
    }
    if (has("no-filter")) {
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr);
    }
    if (has("sandbox")) {
        sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        const sock_fprog filter{1, &allow};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
    }
    if (has("raise")) {
        raise(SIGTERM);
    }
    if (has("fork")) {
        if (fork() == 0) {
            pause_once("child");
            _exit(5);
        }
        int status = 0;
        wait(&status);
        say("child status " + std::to_string(status));
    }
    if (has("vfork")) {
        say("child status " + std::to_string(wait_in_vfork_child()));
    }
    if (has("system")) {
        say("system " + std::to_string(system("echo shell $$; exec sleep 1000")));
    }
    if (has("flag")) {
        say("main waits " + std::to_string(getpid()));
        char byte;
        const ssize_t size = read(STDIN_FILENO, &byte, 1);
        say(size < 0 && errno == EINTR ? "main interrupted" : "main read " + std::to_string(size));
    } else if (sigsetjmp(back, 1) == 0) {
        do {
            pause_once("main");
            unknown_may_wait = true;
        } while (has("stubborn"));
    } else {
        say("main jumped");
    }
    if (interrupt_pending()) {
        say("main still has a request");
    }
    if (has("reset")) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
        say("main outlived it");
    }
    return 3;
}
