// What targets share that watch what becomes of one signal: SIGURG, or the one whose number is given.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <initializer_list>

namespace watched_signal {

inline int number = SIGURG;
inline volatile sig_atomic_t ran;
inline void handler(int) {
    ran = ran + 1;
}

inline sigset_t set_of(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) {
        sigaddset(&set, signal);
    }
    return set;
}

inline bool blocked() {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, number) == 1;
}

inline bool pending() {
    sigset_t now;
    sigpending(&now);
    return sigismember(&now, number) == 1;
}

inline void block(bool wanted) {
    const sigset_t set = set_of({number});
    sigprocmask(wanted ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

inline void install(__sighandler_t wanted, int flags = 0) {
    struct sigaction action = {};
    action.sa_handler = wanted;
    action.sa_flags = flags;
    sigaction(number, &action, nullptr);
    ran = 0;
}

inline void say(const char* what, long result) {
    const int error = result < 0 ? errno : 0;
    std::printf("%s: %ld errno %d, ran %d, blocked %d, pending %d\n", what, result, error, static_cast<int>(ran),
                blocked(), pending());
}

}  // namespace watched_signal
