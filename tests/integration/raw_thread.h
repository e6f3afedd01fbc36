// A thread that the shim sees neither start nor end.
#pragma once

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stdexcept>

namespace interrupt_tests {

// A thread made by the system call alone. It shares its creator's thread-local data: it may make raw system calls only.
class RawThread {
public:
    RawThread() {
        const long tid = start(stack_ + sizeof stack_, &state_, &gone_);
        if (tid <= 0) {
            throw std::runtime_error("clone failed");
        }
        tid_ = static_cast<pid_t>(tid);
    }
    ~RawThread() { end(); }
    pid_t tid() const { return tid_; }
    // Its stack is free then; the kernel knows its id for a moment longer.
    void end() {
        state_.stop = 1;
        while (__atomic_load_n(&gone_, __ATOMIC_ACQUIRE) != 0) {
            sched_yield();
        }
    }
    // Results of its waits that were no end of the time limit.
    int strays() const { return __atomic_load_n(&state_.strays, __ATOMIC_RELAXED); }
    int waits() const { return __atomic_load_n(&state_.waits, __ATOMIC_RELAXED); }

private:
    struct State {
        volatile int stop = 0;
        int strays = 0;
        int waits = 0;
    };

    // The child never returns from here; it sleeps a millisecond at a time.
    [[gnu::noinline]] static long start(char* stack, State* state, pid_t* gone) {
        const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                           CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
        auto** top = reinterpret_cast<void**>(stack) - 2;
        top[0] = state;
        register pid_t* child_tid asm("r10") = gone;
        register long tls asm("r8") = 0;
        long result;
        asm volatile(
            "syscall\n\t"
            "test %%rax, %%rax\n\t"
            "jnz 1f\n\t"
            "mov (%%rsp), %%rbx\n\t"
            "sub $16, %%rsp\n"
            "2: movq $0, (%%rsp)\n\t"
            "movq $1000000, 8(%%rsp)\n\t"
            "mov $35, %%eax\n\t"  // nanosleep
            "mov %%rsp, %%rdi\n\t"
            "xor %%esi, %%esi\n\t"
            "syscall\n\t"
            "incl 8(%%rbx)\n\t"
            "test %%rax, %%rax\n\t"
            "jz 3f\n\t"
            "incl 4(%%rbx)\n"
            "3: cmpl $0, (%%rbx)\n\t"
            "je 2b\n\t"
            "mov $60, %%eax\n\t"  // exit
            "xor %%edi, %%edi\n\t"
            "syscall\n"
            "1:"
            : "=a"(result)
            : "a"(SYS_clone), "D"(flags), "S"(top), "d"(nullptr), "r"(child_tid), "r"(tls)
            : "rcx", "r11", "rbx", "memory");
        return result;
    }

    State state_;
    pid_t gone_ = -1;  // zeroed by the kernel when the thread has ended
    pid_t tid_ = 0;
    alignas(16) char stack_[64 * 1024];
};

}  // namespace interrupt_tests
