// Threads made by the bare system call, which the shim sees neither start nor end: 200 one after the other, each
// requested once; then the main thread, which has its record last, is interrupted.
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "interrupt/interrupt.h"

namespace {

alignas(16) char stack[64 * 1024];
int stop;
pid_t alive;

// The child shares its parent's thread-local data: it makes raw system calls only, a sleep of 100 us at a time.
[[gnu::noinline]] long start() {
    const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                       CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
    auto** top = reinterpret_cast<void**>(stack + sizeof stack) - 2;
    top[0] = &stop;
    register pid_t* child_tid asm("r10") = &alive;
    register long tls asm("r8") = 0;
    long result;
    asm volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "mov (%%rsp), %%rbx\n\t"
        "sub $16, %%rsp\n"
        "2: movq $0, (%%rsp)\n\t"
        "movq $100000, 8(%%rsp)\n\t"
        "mov $35, %%eax\n\t"  // nanosleep
        "mov %%rsp, %%rdi\n\t"
        "xor %%esi, %%esi\n\t"
        "syscall\n\t"
        "cmpl $0, (%%rbx)\n\t"
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

}  // namespace

int main() {
    int requested = 0;
    int refused = 0;
    for (int i = 0; i < 200; ++i) {
        __atomic_store_n(&stop, 0, __ATOMIC_SEQ_CST);
        alive = -1;
        const auto tid = static_cast<pid_t>(start());
        ++requested;
        refused += interrupt_thread(tid) != 0;
        __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&alive, __ATOMIC_SEQ_CST) != 0) {
            sched_yield();
        }
        // The kernel says "ended" a little before the thread's id is free.
        while (syscall(SYS_tgkill, getpid(), tid, 0) == 0) {
            sched_yield();
        }
    }
    interrupt_thread(gettid());
    const bool interrupted = poll(nullptr, 0, 20'000) == -1 && errno == EINTR;
    std::printf("%d requested, %d refused, interrupted %d", requested, refused, interrupted);
    return 0;
}
