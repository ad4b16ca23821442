/*
 * Response times as Locust counts them: rounded to a bucket, and each bucket
 * with a count. The percentiles that Locust prints come from these.
 *
 * Buckets stand in the order of first appearance, because that is the order
 * in which JSON shows them; `order` lists them by value. Locust's own rule
 * has 280 buckets up to 10 s and one a second above; 28 bytes each.
 */
#ifndef LOCUST_STATS_BUCKETS_H
#define LOCUST_STATS_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "stats/index.h"

struct bucket {
    double value;               /* ms */
    uint64_t count;
};

/* All zero is an empty one. */
struct buckets {
    struct bucket *items;       /* in order of first appearance */
    uint32_t *order;            /* positions in items, by value */
    uint32_t used;
    uint32_t size;
    struct index index;
};

/* The counts of an earlier time, to be taken off: counts[i] belongs to
   items[i] (values is NULL), or to the bucket values[i]. */
struct bucket_base {
    const uint64_t *counts;
    const double *values;
    uint32_t used;
};

/* Locust's rule: to 1 below 100, to 10 below 1,000, to 100 below 10,000, else
   to 1,000, each half to even (as Python 3 rounds). ms must be finite. */
double bucket_round(double ms);

/* Adds n to the count of a bucket. value must be finite. 0, or -1 without
   memory. */
int buckets_add(struct buckets *b, double value, uint64_t n);

/* The count of a bucket, 0 for one that was never seen. */
uint64_t buckets_count(const struct buckets *b, double value);

/* Locust's percentile of n timed requests: from the greatest bucket down, the
   first that has no more than int(n * p) requests below it. base may be NULL.
   0 when there is nothing. */
double buckets_percentile(const struct buckets *b,
                          const struct bucket_base *base, int64_t n,
                          double p);

/* Locust's median of n timed requests: the bucket of the one at (n - 1) / 2.
   0 when there is nothing. */
double buckets_median(const struct buckets *b, int64_t n);

/* Adds what other counted. 0, or -1 without memory. */
int buckets_merge(struct buckets *b, const struct buckets *other);

/* Bytes in use beside the struct itself. */
size_t buckets_memory(const struct buckets *b);

/* Empties it and frees the memory. */
void buckets_clear(struct buckets *b);

#endif
