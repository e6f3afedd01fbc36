// A program with a loop of its own: it watches its input and its wakeup fd, with interrupts masked in its calls.
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "interrupt/interrupt.h"

int main() {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    interrupt_mask(INTERRUPT_MASK_ALL);
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {interrupt_wakeup_fd(), POLLIN, 0}};
    std::printf("looping\n");
    for (;;) {
        if (poll(fds, 2, 20'000) <= 0) {
            std::printf("not woken\n");
            return 1;
        }
        if (fds[0].revents != 0) {
            std::printf("input ended\n");
            return 0;
        }
        interrupt_mask(INTERRUPT_MASK_NONE);
        const int error = interrupt_check();
        interrupt_mask(INTERRUPT_MASK_ALL);
        std::printf("woken %d, readable %d\n", error, poll(&fds[1], 1, 0));
    }
}
