/*
 * The memory that a connection touches at each of its requests, to be loaded
 * ahead: what libcurl and OpenSSL keep of it is some dozens of blocks, and with
 * many users all of them are cold.
 */
#ifndef LOCUST_HTTP_FOOTPRINT_H
#define LOCUST_HTTP_FOOTPRINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/prefetch.h"

#define FOOTPRINT_RANGES 28

/* All zero: nothing is known. Addresses only, which may be out of date: no
   harm is done by loading what is no longer wanted. */
struct footprint {
    /* The address of a cache line, plus how many follow; 0: the end. */
    uintptr_t ranges[FOOTPRINT_RANGES];
};

/* Fills it with the blocks that pointers lead to from this one, the nearest
   ones. The one left out is not followed. block_bytes() says how many bytes the
   block has that begins at an address, any address; 0: none does. */
void footprint_find(struct footprint *f, const void *from,
                    const void *left_out,
                    size_t (*block_bytes)(const void *p));

/* Begins to load it. */
static inline void
footprint_load(const struct footprint *f)
{
    for (int i = 0; i < FOOTPRINT_RANGES && f->ranges[i] != 0; i++) {
        uintptr_t more = f->ranges[i] % CACHE_LINE;
        prefetch((const void *)(f->ranges[i] - more), (more + 1) * CACHE_LINE);
    }
}

#endif
