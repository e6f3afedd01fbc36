// sigsetjmp for x86-64. It returns twice, so libc's function is entered by a jump, with the stack and the registers as
// the program had them: arguments rdi (the environment) and esi (whether the mask is kept). setjmp as a function keeps
// the mask.
#include "shim/arch/arch.h"

#if defined(__x86_64__)
asm(R"(
        .text
        .globl setjmp
        .type setjmp, @function
setjmp:
        .cfi_startproc
        movl    $1, %esi
        jmp     __sigsetjmp_of_interrupt
        .cfi_endproc
        .size setjmp, .-setjmp
        .globl __sigsetjmp
        .type __sigsetjmp, @function
__sigsetjmp:
__sigsetjmp_of_interrupt:
        .cfi_startproc
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        pushq   %rsi
        .cfi_adjust_cfa_offset 8
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        call    interrupt_before_sigsetjmp
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %rsi
        .cfi_adjust_cfa_offset -8
        popq    %rdi
        .cfi_adjust_cfa_offset -8
        jmp     *%rax
        .cfi_endproc
        .size __sigsetjmp, .-__sigsetjmp
)");
#endif
