// requester PID SOCKET: interrupts threads of that process as it is told on its standard input, and says when each
// request began.
#include "tests/bench/requester.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdio>
#include <cstring>

#include "interrupt/interruptctl.h"

namespace {

int connect_to(const char* path) {
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<struct sockaddr*>(&address), sizeof address) != 0) {
        std::perror(path);
        std::exit(1);
    }
    return fd;
}

bool ask(int server, pid_t pid, pid_t tid) {
    char line[4096];
    const int size =
        std::snprintf(line, sizeof line, "{\"id\":1,\"op\":\"interrupt\",\"pid\":%d,\"tid\":%d}\n", pid, tid);
    if (write(server, line, static_cast<size_t>(size)) != size) {
        return false;
    }
    size_t length = 0;
    do {
        const ssize_t more = read(server, line + length, sizeof line - length);
        if (more <= 0) {
            return false;
        }
        length += static_cast<size_t>(more);
    } while (line[length - 1] != '\n');
    return std::string(line, length).find("\"ok\":true") != std::string::npos;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace interrupt_bench;
    if (argc < 3) {
        return 2;
    }
    const pid_t pid = std::atoi(argv[1]);
    struct interruptctl_process* process = nullptr;
    if (interruptctl_open(pid, &process) != 0) {
        std::fprintf(stderr, "%s\n", interruptctl_error(nullptr));
        return 1;
    }
    const int server = argv[2][0] == '\0' ? -1 : connect_to(argv[2]);
    Order order;
    while (read(0, &order, sizeof order) == sizeof order) {
        const uint64_t began = now_ns();
        bool done = false;
        switch (order.way) {
            case Way::tgkill:
                done = syscall(SYS_tgkill, pid, order.tid, SIGUSR1) == 0;
                break;
            case Way::library:
                done = interruptctl_interrupt(process, order.tid, nullptr, nullptr) == 0;
                break;
            case Way::serve:
                done = ask(server, pid, order.tid);
                break;
        }
        if (!done) {
            std::fprintf(stderr, "thread %d was not interrupted: %s\n", order.tid, interruptctl_error(process));
            return 1;
        }
        if (write(1, &began, sizeof began) != sizeof began) {
            return 1;
        }
    }
    interruptctl_close(process);
}
