/*
 * C stacks for green threads.
 *
 * Address space is free, memory is not: every stack reserves megabytes, so
 * that Python's own recursion limit strikes before the stack ends, and costs
 * only the pages that were touched. Stacks are cut from slabs, so that
 * 100,000 of them are a handful of mappings; below each lies a guard that
 * turns an overflow into SIGSEGV instead of a write into the neighbour.
 */
#ifndef LOCUST_GREEN_STACK_H
#define LOCUST_GREEN_STACK_H

#include <stddef.h>

struct stack {
    char *low;              /* lowest usable byte; the guard ends here */
    char *top;              /* one past the highest usable byte */
    struct stack *next;     /* in the free list */
};

/* Sets the size of stacks made from now on, in bytes (rounded up to whole
   pages). Returns 0, or -1 with errno EINVAL if it is below 64 KB or above
   1 GB, EBUSY if a stack exists already. */
int stack_set_size(size_t bytes);
size_t stack_size(void);

/* A stack, from the free list or from a new slab. NULL with errno ENOMEM when
   no address space can be reserved. */
struct stack *stack_alloc(void);

/* Takes a stack back and returns most of its memory to the system. It must
   not be running. Frames from sp (its stored stack pointer) upwards may be
   left that never returned: AddressSanitizer forgets them. */
void stack_free(struct stack *stack, void *sp);

/* Returns the pages below sp, which nothing uses now, to the system, if the
   first of them was written to. */
void stack_trim(struct stack *stack, void *sp);

/* How overflow is caught: "guard regions", "mprotect", or "none" once the
   kernel's limit of mappings is reached. */
const char *stack_guard_kind(void);

/* The stack whose guard holds address, or NULL. For signal handlers. */
const struct stack *stack_of_guard(const void *address);

#endif
