// CPython's lock says "sem_wait: Connection timed out" on stderr when a wait without a time limit ends with an error,
// which is how it is made to end here. That one message is left out.
#include <dlfcn.h>

#include <cstring>

#include "shim/adapters/cpython/blocking_builtin.h"

extern "C" __attribute__((visibility("default"))) void perror(const char* prefix) {
    interrupt::cpython::PythonThread& thread = interrupt::cpython::python_thread;
    if (thread.mute_perror) {
        thread.mute_perror = false;
        if (prefix != nullptr && strcmp(prefix, "sem_wait") == 0) {
            return;
        }
    }
    if (auto* const real = reinterpret_cast<void (*)(const char*)>(dlsym(RTLD_NEXT, "perror"))) {
        real(prefix);
    }
}
