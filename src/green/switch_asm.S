/*
 * Stack switching for x86-64 (System V ABI) and aarch64 (AAPCS64).
 *
 * green_switch(void **from, void *to) stores what the ABI calls callee-saved,
 * and nothing else: the caller believes that it called a function. Signal
 * masks are left alone, they belong to the OS thread.
 *
 * The control words of floating point (rounding, traps) belong to a thread, so
 * each green thread has its own, on aarch64 too, where the ABI leaves FPCR to
 * the program. Writing it stalls some processors: it is written if it differs.
 *
 * green_switch_boot is the bottom frame of every stack. Its return address is
 * undefined in the unwind tables, so that backtraces stop there.
 *
 * A stored stack, from the stored pointer upwards:
 *
 *   x86-64   mxcsr+x87 control word, r15, r14, r13, r12, rbx, rbp, return address
 *   aarch64  x19 .. x28, x29 (frame), x30 (return address), d8 .. d15, FPCR
 *
 * green_switch_prepare (switch.c) builds the same picture by hand.
 */
#if defined(__x86_64__)

    .text
    .globl  green_switch
    .hidden green_switch
    .type   green_switch, @function
    .p2align 4
green_switch:
    .cfi_startproc
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    subq    $8, %rsp
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw   4(%rsp)
    addq    $8, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret
    .cfi_endproc
    .size   green_switch, . - green_switch

    .globl  green_switch_boot
    .hidden green_switch_boot
    .type   green_switch_boot, @function
    .p2align 4
green_switch_boot:
    .cfi_startproc
    .cfi_undefined rip
    xorl    %ebp, %ebp
    movq    %r13, %rdi
    call    *%r12
    ud2
    .cfi_endproc
    .size   green_switch_boot, . - green_switch_boot

#elif defined(__aarch64__)

    .text
    .globl  green_switch
    .hidden green_switch
    .type   green_switch, %function
    .p2align 4
green_switch:
    .cfi_startproc
    sub     sp, sp, #176
    stp     x19, x20, [sp, #0]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    stp     d8,  d9,  [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mrs     x10, fpcr
    str     x10, [sp, #160]
    mov     x9, sp
    str     x9, [x0]
    mov     sp, x1
    ldp     x19, x20, [sp, #0]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8,  d9,  [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    ldr     x11, [sp, #160]
    cmp     x11, x10
    b.eq    1f
    msr     fpcr, x11
1:
    add     sp, sp, #176
    ret
    .cfi_endproc
    .size   green_switch, . - green_switch

    .globl  green_switch_boot
    .hidden green_switch_boot
    .type   green_switch_boot, %function
    .p2align 4
green_switch_boot:
    .cfi_startproc
    .cfi_undefined x30
    mov     x29, xzr
    mov     x0, x20
    blr     x19
    brk     #1
    .cfi_endproc
    .size   green_switch_boot, . - green_switch_boot

#else
#error "no stack switch is written for this processor"
#endif

    .section .note.GNU-stack, "", %progbits
