// Whether a cancellation can be pending at all.
#pragma once

#include <atomic>

namespace interrupt {

// pthread_cancel has been called in this process, ever.
extern constinit std::atomic<bool> cancellation_used;

}  // namespace interrupt
