// A semaphore of glibc's, taken without a call: the count is the low half of its first word, the rest of that word says
// who waits (sysdeps/nptl/internaltypes.h, struct new_sem). Verified before it is used: verify_semaphores().
#pragma once

#include <semaphore.h>

#include <atomic>
#include <cstdint>

namespace interrupt {

extern constinit bool semaphores_known;
void verify_semaphores();

inline std::atomic_ref<uint64_t> word_of(sem_t* semaphore) {
    return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(semaphore));
}

// As sem_trywait; errno stays as it is. False also where nothing is known of semaphores.
[[gnu::always_inline]] inline bool take_if_free(sem_t* semaphore) {
    uint64_t word = word_of(semaphore).load(std::memory_order_relaxed);
    // Acquire pairs with the release of sem_post.
    return semaphores_known && static_cast<uint32_t>(word) != 0 &&
           word_of(semaphore).compare_exchange_strong(word, word - 1, std::memory_order_acquire,
                                                      std::memory_order_relaxed);
}

}  // namespace interrupt
