/*
 * The first frame of a fresh stack, as green_switch (switch_asm.S) expects to
 * find it.
 */
#include "green/switch.h"

#include <stdint.h>

extern void green_switch_boot(void) __attribute__((visibility("hidden")));

#if defined(__x86_64__)

/* The control words that the x86-64 ABI gives a program at start-up. */
#define MXCSR_DEFAULT 0x1f80u
#define X87_DEFAULT   0x037fu

void *
green_switch_prepare(void *top, void (*entry)(void *), void *argument)
{
    /* One word above the return address stays free: after the switch's ret
       the stack pointer is there, and must be 16-aligned for a call. */
    uintptr_t *sp = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)15) - 2;
    sp[1] = 0;
    sp[0] = 0;
    *--sp = (uintptr_t)green_switch_boot;
    *--sp = 0;                      /* rbp */
    *--sp = 0;                      /* rbx */
    *--sp = (uintptr_t)entry;       /* r12 */
    *--sp = (uintptr_t)argument;    /* r13 */
    *--sp = 0;                      /* r14 */
    *--sp = 0;                      /* r15 */
    *--sp = (uintptr_t)X87_DEFAULT << 32 | MXCSR_DEFAULT;
    return sp;
}

#elif defined(__aarch64__)

void *
green_switch_prepare(void *top, void (*entry)(void *), void *argument)
{
    uintptr_t *sp = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)15) - 22;
    /* Zero is also what FPCR is at start-up. */
    for (int i = 0; i < 22; i++) {
        sp[i] = 0;
    }
    sp[0] = (uintptr_t)entry;                   /* x19 */
    sp[1] = (uintptr_t)argument;                /* x20 */
    sp[11] = (uintptr_t)green_switch_boot;      /* x30 */
    return sp;
}

#endif
