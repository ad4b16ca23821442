/*
 * The clock that everything is measured with: CLOCK_MONOTONIC in nanoseconds.
 *
 * One clock for the hub and for the I/O threads, so that their stamps can be
 * subtracted from one another.
 */
#ifndef LOCUST_BASE_CLOCK_H
#define LOCUST_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since some fixed point in the past. Never goes back. */
static inline int64_t
clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* So many seconds as nanoseconds that can be added to a moment: below 0 (and
   NaN) none, and 100 years at most. */
static inline int64_t
clock_span(double seconds)
{
    const double longest = 100 * 365.25 * 86400;
    if (!(seconds > 0)) {
        return 0;
    }
    return (int64_t)((seconds < longest ? seconds : longest) * 1e9);
}

/* clock_ns() in seconds, as time.perf_counter() gives them. */
static inline double
clock_perf(void)
{
    return (double)clock_ns() * 1e-9;
}

/* Seconds since the epoch, as time.time() gives them. */
static inline double
clock_wall(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

#endif
