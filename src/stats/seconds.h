/*
 * How many requests and failures there were in which second.
 *
 * Only seconds in which something happened take room (16 bytes), and only the
 * last SECONDS_MAX of those are kept: an hour of constant load, at most
 * 64 KiB. Older ones leave; no figure but the per-second map of the JSON
 * output looks further back than 12 seconds.
 */
#ifndef LOCUST_STATS_SECONDS_H
#define LOCUST_STATS_SECONDS_H

#include <stdint.h>

#define SECONDS_MAX 4096        /* a power of two */

struct second {
    int64_t at;                 /* seconds since the epoch */
    uint32_t requests;
    uint32_t failures;
};

/* A ring, oldest first. All zero is an empty one. */
struct seconds {
    struct second *ring;
    uint32_t size;              /* a power of two, or 0 */
    uint32_t first;
    uint32_t used;
};

/* The i-th second that is kept, oldest first. */
static inline struct second *
seconds_item(const struct seconds *s, uint32_t i)
{
    return &s->ring[(s->first + i) & (s->size - 1)];
}

/* Adds to one second. Seconds may come in any order (clocks are set back);
   one older than all that a full ring holds is left out. 0, or -1 without
   memory. */
int seconds_add(struct seconds *s, int64_t at, uint32_t requests,
                uint32_t failures);

/* Requests and failures from second `from` up to, not including, `to`. */
void seconds_sum(const struct seconds *s, int64_t from, int64_t to,
                 uint64_t *requests, uint64_t *failures);

/* Adds what other counted. 0, or -1 without memory. */
int seconds_merge(struct seconds *s, const struct seconds *other);

/* Empties it and frees the memory. */
void seconds_clear(struct seconds *s);

#endif
