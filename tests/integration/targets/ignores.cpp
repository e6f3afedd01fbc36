// Ends with 0 if it has inherited SIGURG ignored, otherwise with 1.
#include <signal.h>

int main() {
    struct sigaction action;
    return sigaction(SIGURG, nullptr, &action) == 0 && action.sa_handler == SIG_IGN ? 0 : 1;
}
