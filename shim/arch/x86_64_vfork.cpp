// vfork for x86-64. The child runs on the parent's stack and overwrites the return address that a C function would
// need: so it is kept in a register that the system call preserves, as in glibc's own.
#include "shim/arch/arch.h"

#if defined(__x86_64__)
asm(R"(
        .text
        .globl vfork
        .type vfork, @function
        .globl __vfork
        .type __vfork, @function
vfork:
__vfork:
        .cfi_startproc
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        call    interrupt_before_vfork
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %rdx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rdx
        movl    $58, %eax               # SYS_vfork
        syscall
        pushq   %rdx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rip, 0
        testq   %rax, %rax
        je      1f
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        movq    %rax, %rdi
        call    interrupt_after_vfork
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
1:
        ret
        .cfi_endproc
        .size vfork, .-vfork
        .size __vfork, .-__vfork
)");
#endif
