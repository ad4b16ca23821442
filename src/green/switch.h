/*
 * Switching C stacks: the only part of the program that is written in
 * assembly (switch_asm.S), one short routine per processor.
 */
#ifndef LOCUST_GREEN_SWITCH_H
#define LOCUST_GREEN_SWITCH_H

/* Stores the registers that a called function must keep on the current
   stack, the stack pointer in *from, and goes on where the stack pointer to
   was stored. Returns when somebody switches back to *from. */
void green_switch(void **from, void *to);

/* Lays a first frame on an empty stack that ends below top. Returns the
   pointer to hand to green_switch; the first switch to it calls
   entry(argument) on that stack. entry must never return. */
void *green_switch_prepare(void *top, void (*entry)(void *), void *argument);

#endif
