/*
 * Generator lag: what the load generator itself adds to a request, measured
 * apart from the response time so that the one never colours the other.
 *
 * Two parts: from the call until the I/O thread picks the request up, and
 * from its completion until Python runs on. Used by the hub's thread alone.
 */
#ifndef LOCUST_STATS_LAG_H
#define LOCUST_STATS_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/histogram.h"

/* All zero is an empty one. */
struct lag {
    struct histogram pickup;    /* us */
    struct histogram resume;    /* us */
    double total_ns;            /* of both, of all requests */
};

/* Logs one request. 0, or -1 without memory. */
int lag_log(struct lag *lag, int64_t pickup_ns, int64_t resume_ns);

/* Whether it is worth a word: either median is above a millisecond, and that
   is more than the noise of a few requests, as 100 of them say, or a second of
   lag in all. */
bool lag_is_notable(const struct lag *lag);

/* Empties it and frees the memory. */
void lag_clear(struct lag *lag);

#endif
