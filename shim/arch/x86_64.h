// x86-64, System V ABI.
#pragma once

#include <ucontext.h>

#include <cerrno>
#include <cstdint>

namespace interrupt::arch {

// A system call that leaves errno alone: the result, or a negative error number. Registers:
//   number rax; arguments rdi rsi rdx r10 r8 r9; result rax; rcx and r11 are lost.
inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    long result;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

inline void spin_pause() {
    asm volatile("pause");
}

inline greg_t& machine_register(void* context, int index) {
    return static_cast<ucontext_t*>(context)->uc_mcontext.gregs[index];
}

inline uintptr_t interrupted_pc(const void* context) {
    return static_cast<uintptr_t>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
}

// The thread was interrupted in a system call, which will come back with EINTR when the handler returns.
inline bool returns_eintr(void* context) {
    if (machine_register(context, REG_RAX) != -EINTR) {
        return false;
    }
    const auto* next = reinterpret_cast<const unsigned char*>(interrupted_pc(context));
    return next[-2] == 0x0f && next[-1] == 0x05;  // syscall
}

// The thread was interrupted where a system call has just returned a count, and may have been cut short for it.
inline bool returns_count(void* context) {
    const auto* next = reinterpret_cast<const unsigned char*>(interrupted_pc(context));
    return machine_register(context, REG_RAX) > 0 && next[-2] == 0x0f && next[-1] == 0x05;
}

// Only where returns_eintr(): the kernel keeps the argument registers.
inline uintptr_t syscall_argument(void* context, int index) {
    constexpr int registers[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
    return static_cast<uintptr_t>(machine_register(context, registers[index]));
}

inline void set_syscall_result(void* context, long result) {
    machine_register(context, REG_RAX) = result;
}

// Gives the frame of the function it stands in a personality routine, interrupt_unwound (unwind.cpp): the unwinder
// calls it when a cancellation, pthread_exit or a C++ exception passes through that frame. 0x1b: pc-relative, 4 bytes,
// signed.
#define INTERRUPT_MARK_FRAME() asm volatile(".cfi_personality 0x1b, interrupt_unwound")

}  // namespace interrupt::arch
