// sigsetjmp and the longjmp family: the signal mask that they keep and put back has the nudge's signal as the program
// sees it, which the kernel does not know; and a jump out of a handler leaves the call that the handler ran on top of
// (fork_in_handler.h). Where no mask is kept nothing is done: a forked child then has a page too many.
#include <setjmp.h>

#include "shim/fork_in_handler.h"
#include "shim/libc_functions.h"
#include "shim/program_signals.h"

#define EXPORTED extern "C" [[gnu::visibility("default")]]

namespace interrupt {
namespace {

// Kept in the last words of the saved mask: libc and the kernel use the first ones only.
constexpr unsigned long kept = 0x696e7472'6a6d7000;

// With it: which signal was the nudge's, and whether the program had it blocked.
constexpr unsigned long signal_shift = 1;
constexpr unsigned long blocked_bit = 1;
constexpr unsigned long added = 0xff;

template <size_t from_end>
unsigned long& word_of(struct __jmp_buf_tag* environment) {
    constexpr size_t words = sizeof environment->__saved_mask / sizeof(unsigned long);
    return reinterpret_cast<unsigned long*>(&environment->__saved_mask)[words - from_end];
}
unsigned long& place(struct __jmp_buf_tag* environment) {
    return word_of<1>(environment);
}
unsigned long& record_below(struct __jmp_buf_tag* environment) {
    return word_of<2>(environment);
}

void keep(struct __jmp_buf_tag* environment, bool blocked) {
    place(environment) =
        kept | static_cast<unsigned long>(settings.signal) << signal_shift | (blocked ? blocked_bit : 0);
}

void put_back(struct __jmp_buf_tag* environment) {
    ThreadContext& context = thread_context;
    context.signal_let_in = false;
    set_signal_awaited(false);
    let_nudge_in();
    if (settings.signal == 0 || environment->__mask_was_saved == 0 || (place(environment) & ~added) != kept) {
        return;
    }
    bool blocked = (place(environment) & blocked_bit) != 0;
    const auto signal = static_cast<int>((place(environment) & added) >> signal_shift);
    set_record_below(reinterpret_cast<ThreadRecord*>(record_below(environment)));
    if (signal_use.load(std::memory_order_relaxed) == SignalUse::programs) {
        if (blocked) {  // kept when the kernel was not to know of it
            sigaddset(reinterpret_cast<sigset_t*>(&environment->__saved_mask), signal);
        }
        return;
    }
    if (signal != settings.signal) {  // it was another one when the mask was kept (give_way.h)
        sigset_t& mask = *reinterpret_cast<sigset_t*>(&environment->__saved_mask);
        blocked ? sigaddset(&mask, signal) : sigdelset(&mask, signal);
        blocked = holds_nudge_signal(&mask);
        sigdelset(&mask, settings.signal);
        keep(environment, blocked);
    }
    set_signal_blocked(blocked);
    deliver_held_signal();  // the kernel lets it in before the jump, too
}

using Jump = Real<void(struct __jmp_buf_tag*, int)>;
constinit Jump real_longjmp{"longjmp"};
constinit Jump real_checked_longjmp{"__longjmp_chk"};

[[noreturn]] void jump(Jump& real, struct __jmp_buf_tag* environment, int value) {
    put_back(environment);
    real.resolve()(environment, value);
    __builtin_unreachable();
}

using SetJump = Real<int(struct __jmp_buf_tag*, int)>;
constinit SetJump real_sigsetjmp{"__sigsetjmp"};

}  // namespace

// Called by __sigsetjmp and setjmp (arch), which then jump to what it returns: libc's function has to see their caller.
extern "C" [[gnu::visibility("hidden"), gnu::used]] void* interrupt_before_sigsetjmp(struct __jmp_buf_tag* environment,
                                                                                     int saves_mask) {
    if (saves_mask != 0) {
        keep(environment, thread_context.signal_blocked);
        record_below(environment) = reinterpret_cast<unsigned long>(thread_context.record_below);
    }
    return reinterpret_cast<void*>(real_sigsetjmp.resolve());
}

}  // namespace interrupt

using namespace interrupt;

// All of these are one function in libc. Declared here by the names of the linker: the headers' declarations are
// noreturn.
#define LONGJMP(symbol, name, real)                             \
    EXPORTED void name(struct __jmp_buf_tag*, int) asm(symbol); \
    void name(struct __jmp_buf_tag* environment, int value) {   \
        jump(real, environment, value);                         \
    }
LONGJMP("longjmp", jump_with_mask, real_longjmp)
LONGJMP("_longjmp", jump_without_mask, real_longjmp)
LONGJMP("siglongjmp", signal_jump, real_longjmp)
LONGJMP("__longjmp_chk", checked_jump, real_checked_longjmp)
