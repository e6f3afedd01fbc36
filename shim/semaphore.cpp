#include "shim/semaphore.h"

#include "shim/libc_functions.h"

namespace interrupt {

constinit bool semaphores_known = false;

void verify_semaphores() {
    sem_t semaphore;
    if (sem_init(&semaphore, 0, 2) != 0) {
        return;
    }
    const auto count = word_of(&semaphore);
    bool as_expected = count.load() == 2;
    as_expected = as_expected && sem_post(&semaphore) == 0 && count.load() == 3;
    as_expected = as_expected && real::sem_trywait.resolve()(&semaphore) == 0 && count.load() == 2;
    count.fetch_sub(2);
    as_expected = as_expected && real::sem_trywait.resolve()(&semaphore) == -1 && count.load() == 0;
    semaphores_known = as_expected;
}

}  // namespace interrupt
