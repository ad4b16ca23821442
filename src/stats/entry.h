/*
 * What is known about one (method, name): counts, times, rates, percentiles.
 *
 * Two truths about response times stand side by side. The buckets are
 * Locust's, and all percentiles that carry Locust's names come from them. The
 * fine histogram is exact to 0.8 %. Minimum, maximum and sum are exact.
 *
 * An entry has a lock only through the collection it belongs to (stats.h).
 * It is counted: the collection, and whoever looks at it while the
 * collection may drop it, hold a reference each.
 *
 * Memory: the struct (520 bytes), and what its parts take, each with a bound
 * of its own. After one request that is 2.2 KiB; with 80 buckets and times
 * between 1 and 80 ms, 12 KiB; snapshots, if they are kept, up to as much
 * again as 160 bytes for every bucket.
 */
#ifndef LOCUST_STATS_ENTRY_H
#define LOCUST_STATS_ENTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/buckets.h"
#include "stats/histogram.h"
#include "stats/names.h"
#include "stats/seconds.h"
#include "stats/snapshots.h"

/* How many snapshots Locust keeps: its window of 10 s and 10 more. */
#define STATS_SNAPSHOTS 20

/* One finished request. */
struct stats_sample {
    bool timed;                 /* false: there is no response time */
    bool whole;                 /* it came as an integer, to be shown as one */
    double ms;                  /* finite */
    double bucket;              /* bucket_round(ms), or the user's; finite */
    int64_t length;             /* bytes */
    double now;                 /* seconds since the epoch */
};

struct stats_entry {
    atomic_uint refs;
    uint32_t snapshots_kept;    /* 0: no percentiles of the last seconds */
    uint32_t generation;        /* differs after any change but logging */
    bool fractions;             /* not all response times came as integers */
    void *tag;                  /* the Python layer's; borrowed */
    const char *method;         /* as shown; behind the struct, or in names */
    const char *name;
    struct stats_names *names;  /* NULL: the first ones. Owned */
    uint32_t method_len;
    uint32_t name_len;
    int64_t requests;           /* all, also those without a time */
    int64_t none_requests;      /* without a response time */
    int64_t failures;
    double total_time;          /* ms */
    double min_time;            /* ms; INFINITY: none */
    double max_time;            /* ms; at least 0 */
    int64_t total_length;       /* bytes */
    double start;               /* seconds since the epoch */
    double last;                /* last request; 0: none */
    struct buckets buckets;
    struct seconds seconds;
    struct snapshots snapshots;
    struct histogram fine;
};

/* The span of a test, by which rates are calculated: those of Aggregated. */
struct stats_span {
    double start;
    double last;                /* 0: no request yet */
};

/* A new entry with one reference. NULL without memory. */
struct stats_entry *entry_new(const struct stats_key *key,
                              uint32_t snapshots_kept, double now);
struct stats_entry *entry_ref(struct stats_entry *e);
void entry_unref(struct stats_entry *e);

/* The key under which a collection finds it. Points into the entry. */
static inline struct stats_key
entry_key(const struct stats_entry *e)
{
    return e->names != NULL
               ? e->names->key
               : (struct stats_key){.method = e->method,
                                    .name = e->name,
                                    .method_len = e->method_len,
                                    .name_len = e->name_len};
}

/* Changes the names it is shown by, or the key that a collection files it
   under. The collection's lock is the caller's business. 0, or -1 without
   memory, and then nothing is changed. */
int entry_rename(struct stats_entry *e, const struct stats_key *shown);
int entry_set_key(struct stats_entry *e, const struct stats_key *key);

/* Zero, as new. 0, or -1 without memory (for the first snapshot). */
int entry_reset(struct stats_entry *e, double now);

/* Logs a request. 0, or -1 without memory: counts and sums are right even
   then, but it may be missing in percentiles and rates. */
int entry_log(struct stats_entry *e, const struct stats_sample *sample);

/* Logs a failure. It does not count as a request. 0, or -1 as above. */
int entry_log_failure(struct stats_entry *e, double now);

/* Adds what other has, as Locust's extend(). 0, or -1 without memory. */
int entry_merge(struct stats_entry *e, const struct stats_entry *other);

/* Puts these buckets in the place of its own, and takes over what they hold.
   The fine histogram is then made of them, for lack of anything finer. 0, or
   -1 without memory, and then nothing is changed. */
int entry_set_buckets(struct stats_entry *e, struct buckets *buckets);

/* Requests with a response time. */
static inline int64_t
entry_timed(const struct stats_entry *e)
{
    return e->requests - e->none_requests;
}

/* Failures per request; 1 for failures without requests. */
double entry_fail_ratio(const struct stats_entry *e);

/* Milliseconds; 0 without timed requests. */
double entry_average(const struct stats_entry *e);

/* Bytes; 0 without requests. */
double entry_average_length(const struct stats_entry *e);

/* Locust's median, held between least and greatest; 0 without times. */
double entry_median(const struct stats_entry *e);

/* Whether the median is the value of a bucket, not one of its bounds. */
bool entry_median_is_bucket(const struct stats_entry *e);

/* Locust's percentile, and beside it the one that reports show: the same, but
   never above the greatest time. 0 without times. */
double entry_bucket_percentile(const struct stats_entry *e, double p);
double entry_percentile(const struct stats_entry *e, double p);

/* The percentile from the fine histogram: less than 0.8 % off, and exact at
   both ends. 0 without times. */
double entry_fine_percentile(const struct stats_entry *e, double p);

/* Locust's percentile of what came in since about `window` seconds before
   now, and the one that reports show. False: there is no snapshot of that
   time. */
bool entry_current_bucket_percentile(const struct stats_entry *e, double p,
                                     double now, int window, double *ms);
bool entry_current_percentile(const struct stats_entry *e, double p,
                              double now, int window, double *ms);

/* Requests (or failures) a second over [last - 12, last - 2), but not before
   the start; 0 before the first request. */
double entry_current_rps(const struct stats_entry *e,
                         const struct stats_span *span);
double entry_current_fail_rate(const struct stats_entry *e,
                               const struct stats_span *span);

/* Requests (or failures) a second over the whole span; 0 if undefined. */
double entry_total_rps(const struct stats_entry *e,
                       const struct stats_span *span);
double entry_total_fail_rate(const struct stats_entry *e,
                             const struct stats_span *span);

/* Bytes in use, all in all. */
size_t entry_memory(const struct stats_entry *e);

#endif
