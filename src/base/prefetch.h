/*
 * Memory that is wanted soon.
 *
 * With thousands of users each of them finds what is its own cold, and a load
 * that misses all caches costs as much as a few hundred instructions. Whoever
 * works through a queue can ask for what the next ones need while it is busy
 * with this one.
 */
#ifndef LOCUST_BASE_PREFETCH_H
#define LOCUST_BASE_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64

/* Begins to load so many bytes. Any address will do, also one that nobody can
   read, or NULL: nothing happens then. */
static inline void
prefetch(const void *address, size_t bytes)
{
    uintptr_t p = (uintptr_t)address;
    for (size_t i = 0; i < bytes; i += CACHE_LINE) {
        __builtin_prefetch((const void *)(p + i));
        /* gcc takes a function that does nothing else for one without an
           effect, and leaves its calls out. */
        __asm__ volatile("");
    }
}

#endif
