// Compile-time switches of the library's test builds. The library that is installed has every one at its default.
#pragma once

#ifndef INTERRUPT_WITH_RETRY_TIMER
#define INTERRUPT_WITH_RETRY_TIMER 1
#endif
#ifndef INTERRUPT_WITH_RECORD_LOCK
#define INTERRUPT_WITH_RECORD_LOCK 1
#endif
#ifndef INTERRUPT_WITH_FENCES
#define INTERRUPT_WITH_FENCES 1
#endif
#ifndef INTERRUPT_WITH_DELAYS
#define INTERRUPT_WITH_DELAYS 0
#endif

namespace interrupt {

// Each of these taken out must make the storm fail: the tests build the library without it and look.
inline constexpr bool with_retry_timer = INTERRUPT_WITH_RETRY_TIMER;
inline constexpr bool with_record_lock = INTERRUPT_WITH_RECORD_LOCK;
inline constexpr bool with_fences = INTERRUPT_WITH_FENCES;
// Random delays in the protocol's windows, so that the races that they hold happen often.
inline constexpr bool with_delays = INTERRUPT_WITH_DELAYS;

}  // namespace interrupt
