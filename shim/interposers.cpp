// Expands the list: each row becomes a function with libc's name around one interruption point.
#include "shim/interruption_point.h"
#include "shim/libc_functions.h"

using namespace interrupt::waits;
using interrupt::BlockedCall;
using interrupt::Call;
using interrupt::Contested;
using interrupt::ThreadRecord;

// noexcept(noexcept(...)) makes one macro fit the functions that glibc declares __THROW, and fails where a row's
// signature is not the header's.
#define INTERPOSE(ret, name, params, args, kind, wait) VARIANT(ret, name, name, params, args, kind, wait)
#define VARIANT(ret, name, of, params, args, kind, make_wait)                                                      \
    struct contested_##name {                                                                                      \
        Contested at;                                                                                              \
        ret result;                                                                                                \
        [[gnu::noinline]] ret operator() params const {                                                            \
            auto its_wait = make_wait;                                                                             \
            return interrupt::go_on_contested(                                                                     \
                at, its_wait, result, [&]() __attribute__((always_inline)) { return interrupt::real::name args; }, \
                [] { interrupt::real::name.resolve(); });                                                          \
        }                                                                                                          \
    };                                                                                                             \
    extern "C" [[gnu::visibility("default")]] ret name params noexcept(noexcept(::name args)) {                    \
        INTERRUPT_MARK_FRAME();                                                                                    \
        using Wait = decltype(make_wait);                                                                          \
        ThreadRecord* const record = Wait::redirects ? nullptr : interrupt::current_record();                      \
        if constexpr (!Wait::redirects) {                                                                          \
            if (record != nullptr) [[likely]] {                                                                    \
                const BlockedCall call{Call::of##_, (make_wait).target(), __builtin_return_address(0)};            \
                if (interrupt::publish(*record, call)) [[unlikely]] {                                              \
                    return contested_##name {                                                                      \
                        {record, false, call}, {}                                                                  \
                    }                                                                                              \
                    args;                                                                                          \
                }                                                                                                  \
                interrupt::delay_in_window();                                                                      \
                const ret result = interrupt::real::name args;                                                     \
                if (Wait::succeeded(result) && interrupt::retire(*record)) [[likely]] {                            \
                    return result;                                                                                 \
                }                                                                                                  \
                return contested_##name{{record, true, call}, result} args;                                        \
            }                                                                                                      \
        }                                                                                                          \
        return contested_##name {                                                                                  \
            {nullptr, false, {Call::of##_, 0, __builtin_return_address(0)}}, {}                                    \
        }                                                                                                          \
        args;                                                                                                      \
    }
#define CUSTOM(...)
#define CUSTOM_VARIANT(...)
#include "shim/interposers.def"
