/* What a stranger's program does with an installed libinterruptctl: tiny PID CALL OUTCOME. Waits until a thread of the process is
 * blocked in the call, interrupts it, and prints what has become of that. */
#include <interrupt/interruptctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
    struct interruptctl_process* process;
    struct interruptctl_wanted wanted = INTERRUPTCTL_WANTED_INIT;
    struct interruptctl_request request = INTERRUPTCTL_REQUEST_INIT;
    const struct interruptctl_result* result;
    size_t count;
    int status;
    if (argc != 4) {
        return 2;
    }
    status = interruptctl_open(atoi(argv[1]), &process);
    if (status != INTERRUPTCTL_DONE) {
        fprintf(stderr, "%s\n", interruptctl_error(NULL));
        return status;
    }
    wanted.calls = argv[2];
    request.outcome = argv[3];
    status = interruptctl_wait(process, &wanted, &count);
    if (status == INTERRUPTCTL_DONE) {
        status = interruptctl_interrupt(process, interruptctl_thread_at(process, 0)->tid, &request, &result);
    }
    if (status == INTERRUPTCTL_DONE) {
        printf("%s %s\n", result->word, result->call);
    } else {
        fprintf(stderr, "%s\n", interruptctl_error(process));
    }
    interruptctl_close(process);
    return status;
}
