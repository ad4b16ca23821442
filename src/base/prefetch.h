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

#define CACHE_LINE 64

/* Begins to load so many bytes. Any address will do, also one that nobody can
   read: nothing happens then. Always inline, because gcc takes a function that
   only does this for one without an effect, and leaves out its calls. */
__attribute__((always_inline)) static inline void
prefetch(const void *address, size_t bytes)
{
    const char *p = address;
    for (size_t i = 0; i < bytes; i += CACHE_LINE) {
        __builtin_prefetch(p + i);
    }
}

#endif
