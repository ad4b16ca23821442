/* One entry and its arithmetic; see entry.h. */
#include "stats/entry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Current rates look at this span of seconds before the last request. */
#define RATE_FROM 12
#define RATE_TO 2

/* Between two bounds; the lower one for what is no number. Not fmin(), which
   is a call into libm: this is on the way of every request. */
static inline double
clamp(double x, double low, double high)
{
    return x > low ? (x < high ? x : high) : low;
}

/* The second of a time. Users may assign any time; no second is so far off
   that it could not be reckoned with. */
static inline int64_t
second_of(double t)
{
    return (int64_t)clamp(t, -0x1p52, 0x1p52);
}

/* Adds, and stays at the greatest number rather than begin anew. */
static void
add(int64_t *sum, int64_t n)
{
    if (__builtin_add_overflow(*sum, n, sum)) {
        *sum = INT64_MAX;
    }
}

static void
show_as(struct stats_entry *e, const struct stats_key *copy)
{
    e->method = copy->method;
    e->name = copy->name;
    e->method_len = (uint32_t)copy->method_len;
    e->name_len = (uint32_t)copy->name_len;
}

struct stats_entry *
entry_new(const struct stats_key *key, uint32_t snapshots_kept, double now)
{
    struct stats_entry *e = calloc(
        1, sizeof(*e) + key->method_len + key->name_len + 2);
    if (e == NULL) {
        return NULL;
    }
    struct stats_key copy = names_copy((char *)(e + 1), key);
    show_as(e, &copy);
    e->snapshots_kept = snapshots_kept;
    atomic_init(&e->refs, 1);
    if (entry_reset(e, now) < 0) {
        entry_unref(e);
        return NULL;
    }
    return e;
}

struct stats_entry *
entry_ref(struct stats_entry *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

static void
free_parts(struct stats_entry *e)
{
    buckets_clear(&e->buckets);
    seconds_clear(&e->seconds);
    snapshots_clear(&e->snapshots);
    histogram_clear(&e->fine);
}

void
entry_unref(struct stats_entry *e)
{
    if (e != NULL &&
        atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1) {
        free_parts(e);
        names_free(e->names);
        free(e);
    }
}

int
entry_rename(struct stats_entry *e, const struct stats_key *shown)
{
    struct stats_names *names = names_new(e->names, shown);
    if (names == NULL) {
        return -1;
    }
    struct stats_key copy = names->key;
    names->key = entry_key(e);
    e->names = names;
    show_as(e, &copy);
    return 0;
}

int
entry_set_key(struct stats_entry *e, const struct stats_key *key)
{
    struct stats_names *names = names_new(e->names, key);
    if (names == NULL) {
        return -1;
    }
    e->names = names;
    return 0;
}

static int
take_snapshot(struct stats_entry *e, int64_t at)
{
    return snapshots_take(&e->snapshots, e->snapshots_kept, at, e->requests,
                          e->none_requests, &e->buckets);
}

int
entry_reset(struct stats_entry *e, double now)
{
    free_parts(e);
    e->requests = e->none_requests = e->failures = 0;
    e->total_time = e->max_time = 0;
    e->min_time = INFINITY;
    e->total_length = 0;
    e->fractions = false;
    e->start = now;
    e->last = 0;
    e->generation++;
    return take_snapshot(e, second_of(now));
}

/* Far beyond the histogram's end, and still an integer. */
static int64_t
microseconds(double ms)
{
    return (int64_t)(clamp(ms * 1000, 0, 0x1p60) + 0.5);
}

static int
log_time(struct stats_entry *e, const struct stats_sample *sample)
{
    e->total_time += sample->ms;
    e->fractions |= !sample->whole;
    if (sample->ms < e->min_time) {
        e->min_time = sample->ms;
    }
    if (sample->ms > e->max_time) {
        e->max_time = sample->ms;
    }
    int r = histogram_add(&e->fine, microseconds(sample->ms));
    return buckets_add(&e->buckets, sample->bucket, 1) < 0 ? -1 : r;
}

int
entry_log(struct stats_entry *e, const struct stats_sample *sample)
{
    int result = 0;
    int64_t second = second_of(sample->now);
    if (e->snapshots_kept != 0 && e->last != 0 &&
        second > second_of(e->last)) {
        result = take_snapshot(e, second - 1);
    }
    e->requests++;
    add(&e->total_length, sample->length);
    e->last = sample->now;
    if (!sample->timed) {
        e->none_requests++;
    }
    else if (log_time(e, sample) < 0) {
        result = -1;
    }
    return seconds_add(&e->seconds, second, 1, 0) < 0 ? -1 : result;
}

int
entry_log_failure(struct stats_entry *e, double now)
{
    e->failures++;
    return seconds_add(&e->seconds, second_of(now), 0, 1);
}

int
entry_merge(struct stats_entry *e, const struct stats_entry *other)
{
    int64_t before = second_of(e->last);
    add(&e->requests, other->requests);
    add(&e->none_requests, other->none_requests);
    add(&e->failures, other->failures);
    e->total_time += other->total_time;
    add(&e->total_length, other->total_length);
    e->min_time = fmin(e->min_time, other->min_time);
    e->max_time = fmax(e->max_time, other->max_time);
    e->start = fmin(e->start, other->start);
    e->last = fmax(e->last, other->last);
    e->fractions |= other->fractions;
    e->generation++;
    if (buckets_merge(&e->buckets, &other->buckets) < 0 ||
        seconds_merge(&e->seconds, &other->seconds) < 0 ||
        histogram_merge(&e->fine, &other->fine) < 0) {
        return -1;
    }
    if (second_of(e->last) <= before) {
        return 0;
    }
    return take_snapshot(e, second_of(e->last));
}

int
entry_set_buckets(struct stats_entry *e, struct buckets *buckets)
{
    struct histogram fine = {0};
    int failed = snapshots_detach(&e->snapshots, &e->buckets) < 0;
    for (uint32_t i = 0; i < buckets->used && !failed; i++) {
        const struct bucket *b = &buckets->items[i];
        failed = histogram_add_many(&fine, microseconds(b->value),
                                    b->count) < 0;
    }
    if (failed) {
        histogram_clear(&fine);
        return -1;
    }
    histogram_clear(&e->fine);
    buckets_clear(&e->buckets);
    e->fine = fine;
    e->buckets = *buckets;
    *buckets = (struct buckets){0};
    e->generation++;
    return 0;
}

double
entry_fail_ratio(const struct stats_entry *e)
{
    if (e->requests == 0) {
        return e->failures > 0;
    }
    return (double)e->failures / (double)e->requests;
}

double
entry_average(const struct stats_entry *e)
{
    return entry_timed(e) == 0 ? 0 : e->total_time / (double)entry_timed(e);
}

double
entry_average_length(const struct stats_entry *e)
{
    return e->requests == 0 ? 0
                            : (double)e->total_length / (double)e->requests;
}

/* Rounded figures must not contradict the exact ones beside them. The bound
   above comes last, because the greatest is 0 where all times are below. */
static double
between(const struct stats_entry *e, double ms)
{
    if (e->min_time > e->max_time) {
        return ms;
    }
    return clamp(ms, e->min_time, e->max_time);
}

double
entry_median(const struct stats_entry *e)
{
    if (entry_timed(e) <= 0) {
        return 0;
    }
    return between(e, buckets_median(&e->buckets, entry_timed(e)));
}

double
entry_bucket_percentile(const struct stats_entry *e, double p)
{
    return buckets_percentile(&e->buckets, NULL, entry_timed(e), p);
}

bool
entry_median_is_bucket(const struct stats_entry *e)
{
    return entry_median(e) == buckets_median(&e->buckets, entry_timed(e));
}

/* A bucket may be rounded up beyond the greatest time: nobody waited so long.
   Rounded down it stays as Locust shows it. */
static double
not_above_max(const struct stats_entry *e, double ms)
{
    bool known = e->min_time <= e->max_time;
    return known && ms > e->max_time ? e->max_time : ms;
}

double
entry_percentile(const struct stats_entry *e, double p)
{
    if (e->buckets.used == 0) {
        return 0;
    }
    return not_above_max(e, entry_bucket_percentile(e, p));
}

double
entry_fine_percentile(const struct stats_entry *e, double p)
{
    if (e->fine.count == 0) {
        return 0;
    }
    bool known = e->min_time <= e->max_time;
    if (known && (p <= 0 || p >= 1)) {
        return p <= 0 ? e->min_time : e->max_time;
    }
    return between(e, (double)histogram_percentile(&e->fine, p) / 1000);
}

bool
entry_current_bucket_percentile(const struct stats_entry *e, double p,
                                double now, int window, double *ms)
{
    const struct snapshot *then =
        snapshots_near(&e->snapshots, second_of(now) - window);
    if (then == NULL) {
        return false;
    }
    struct bucket_base base = {.counts = then->counts,
                               .values = then->values,
                               .used = then->used};
    int64_t n = entry_timed(e) - (then->requests - then->none_requests);
    *ms = buckets_percentile(&e->buckets, &base, n, p);
    return true;
}

bool
entry_current_percentile(const struct stats_entry *e, double p, double now,
                         int window, double *ms)
{
    if (!entry_current_bucket_percentile(e, p, now, window, ms)) {
        return false;
    }
    *ms = not_above_max(e, *ms);
    return true;
}

/* Both current rates. */
static void
current_rates(const struct stats_entry *e, const struct stats_span *span,
              double *rps, double *fail_rate)
{
    *rps = *fail_rate = 0;
    int64_t last = second_of(span->last), start = second_of(span->start);
    int64_t from = last - RATE_FROM > start ? last - RATE_FROM : start;
    int64_t to = last - RATE_TO;
    if (span->last == 0 || to <= from) {
        return;
    }
    uint64_t requests, failures;
    seconds_sum(&e->seconds, from, to, &requests, &failures);
    *rps = (double)requests / (double)(to - from);
    *fail_rate = (double)failures / (double)(to - from);
}

double
entry_current_rps(const struct stats_entry *e, const struct stats_span *span)
{
    double rps, fail_rate;
    current_rates(e, span, &rps, &fail_rate);
    return rps;
}

double
entry_current_fail_rate(const struct stats_entry *e,
                        const struct stats_span *span)
{
    double rps, fail_rate;
    current_rates(e, span, &rps, &fail_rate);
    return fail_rate;
}

static double
total_rate(int64_t count, const struct stats_span *span)
{
    if (span->last == 0 || span->start == 0 || span->last == span->start) {
        return 0;
    }
    return (double)count / (span->last - span->start);
}

double
entry_total_rps(const struct stats_entry *e, const struct stats_span *span)
{
    return total_rate(e->requests, span);
}

double
entry_total_fail_rate(const struct stats_entry *e,
                      const struct stats_span *span)
{
    return total_rate(e->failures, span);
}

size_t
entry_memory(const struct stats_entry *e)
{
    size_t n = sizeof(*e) + e->method_len + e->name_len + 2 +
               buckets_memory(&e->buckets) + histogram_memory(&e->fine) +
               e->seconds.size * sizeof(struct second) +
               e->snapshots.size * sizeof(struct snapshot);
    for (uint32_t i = 0; i < e->snapshots.used; i++) {
        const struct snapshot *snapshot = snapshots_item(&e->snapshots, i);
        size_t each = sizeof(*snapshot->counts);
        if (snapshot->values != NULL) {
            each += sizeof(*snapshot->values);
        }
        n += snapshot->used * each;
    }
    return n;
}
