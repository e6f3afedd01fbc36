// Who asks for interrupts: this process itself, or another one, tests/bench/requester.cpp, that is told what to do
// through a pipe. Each request says when it began, by the clock that all processes share.
#pragma once

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/bench/blocked.h"

extern char** environ;

namespace interrupt_bench {

enum class Way : char { tgkill = 't', library = 'l', serve = 's' };

struct Order {
    Way way;
    pid_t tid;
};

class OtherProcess {
public:
    // `socket`: of an interruptctl that serves; empty if there is none.
    explicit OtherProcess(const std::string& socket) {
        int orders[2];
        int answers[2];
        if (pipe(orders) != 0 || pipe(answers) != 0) {
            std::abort();
        }
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, orders[0], 0);
        posix_spawn_file_actions_adddup2(&actions, answers[1], 1);
        for (const int fd : {orders[0], orders[1], answers[0], answers[1]}) {
            posix_spawn_file_actions_addclose(&actions, fd);
        }
        std::vector<char*> environment;  // it is no program under the shim
        for (char** each = environ; *each != nullptr; ++each) {
            if (std::string(*each).rfind("LD_PRELOAD=", 0) != 0) {
                environment.push_back(*each);
            }
        }
        environment.push_back(nullptr);
        const std::string pid = std::to_string(getpid());
        const char* const arguments[] = {REQUESTER_PATH, pid.c_str(), socket.c_str(), nullptr};
        if (posix_spawn(&child_, REQUESTER_PATH, &actions, nullptr, const_cast<char**>(arguments),
                        environment.data()) != 0) {
            std::abort();
        }
        posix_spawn_file_actions_destroy(&actions);
        close(orders[0]);
        close(answers[1]);
        orders_ = orders[1];
        answers_ = answers[0];
    }
    OtherProcess(const OtherProcess&) = delete;
    ~OtherProcess() {
        close(orders_);
        close(answers_);
        waitpid(child_, nullptr, 0);
    }

    uint64_t request(Way way, pid_t tid) const {
        const Order order = {way, tid};
        uint64_t began = 0;
        if (write(orders_, &order, sizeof order) != sizeof order ||
            read(answers_, &began, sizeof began) != sizeof began) {
            std::fprintf(stderr, "the requester has ended\n");
            std::exit(1);
        }
        return began;
    }

private:
    pid_t child_ = 0;
    int orders_ = -1;
    int answers_ = -1;
};

}  // namespace interrupt_bench
