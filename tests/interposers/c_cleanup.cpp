// C's pthread_cleanup_push: with C++ exceptions the same macro is a class, and its way through the stack is another.
#undef __EXCEPTIONS
#include "tests/interposers/c_cleanup.h"

#include <pthread.h>

namespace interrupt_tests {

void call_with_c_cleanup(void (*function)(void*), void (*cleanup)(void*), void* argument) {
    pthread_cleanup_push(cleanup, argument);
    function(argument);
    pthread_cleanup_pop(0);
}

}  // namespace interrupt_tests
