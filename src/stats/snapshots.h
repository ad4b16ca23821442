/*
 * What the buckets held at the end of each of the last seconds, for the
 * percentiles of the last ten seconds ("response_times_cache" in Locust).
 *
 * A snapshot is 8 bytes per bucket that was in use then; an entry with 60
 * buckets keeps 20 of them in 10 KiB. It counts by position in the entry's
 * buckets. Only when those are replaced from outside, or the snapshot itself
 * comes from there, it names its buckets by their values.
 */
#ifndef LOCUST_STATS_SNAPSHOTS_H
#define LOCUST_STATS_SNAPSHOTS_H

#include <stdint.h>

#include "stats/buckets.h"

struct snapshot {
    int64_t at;                 /* the second at whose end it was taken */
    int64_t requests;
    int64_t none_requests;
    uint64_t *counts;           /* one for each of the first `used` buckets */
    double *values;             /* or for each of these; NULL: as above */
    uint32_t used;
};

/* A ring, oldest first. */
struct snapshots {
    struct snapshot *ring;      /* NULL until the first is taken */
    uint32_t size;              /* how many are kept at most */
    uint32_t first;
    uint32_t used;
};

static inline struct snapshot *
snapshots_item(const struct snapshots *s, uint32_t i)
{
    return &s->ring[(s->first + i) % s->size];
}

/* Takes one; it replaces one of the same second, or the oldest when there
   are `keep` of them. 0, or -1 without memory. */
int snapshots_take(struct snapshots *s, uint32_t keep, int64_t at,
                   int64_t requests, int64_t none_requests,
                   const struct buckets *buckets);

/* The one nearest to second `at`, by Locust's rule: itself, one earlier, one
   later, two earlier ... up to eight. NULL when there is none. */
const struct snapshot *snapshots_near(const struct snapshots *s, int64_t at);

/* Makes them independent of the buckets by whose positions they count, which
   are about to be replaced. 0, or -1 without memory, and then some are. */
int snapshots_detach(struct snapshots *s, const struct buckets *buckets);

/* Puts these in the place of all, oldest first; takes over the array and what
   is in it. */
void snapshots_replace(struct snapshots *s, struct snapshot *ring,
                       uint32_t n);

/* Empties it and frees the memory. */
void snapshots_clear(struct snapshots *s);

#endif
