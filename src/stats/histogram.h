/*
 * A fine histogram of times in microseconds.
 *
 * Log-linear: every octave (power of two) is divided into 64 equal steps, so
 * that the middle of a step is less than 0.8 % off whatever fell into it;
 * below 128 us it is exact. Times above 2^42 us (50 days) count as that.
 *
 * The memory does not depend on the number of values: the struct itself, and
 * 512 bytes for each octave in which a value was seen (at most 37 of them,
 * 18.5 KiB; response times between 1 ms and 60 ms take six, 3 KiB).
 */
#ifndef LOCUST_STATS_HISTOGRAM_H
#define LOCUST_STATS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_STEPS 64
#define HISTOGRAM_OCTAVES 37

/* All zero is an empty one. */
struct histogram {
    uint64_t count;
    uint64_t *octaves[HISTOGRAM_OCTAVES];   /* NULL: nothing there */
};

/* Counts a time n times; a negative one counts as 0. 0, or -1 without
   memory. */
int histogram_add_many(struct histogram *h, int64_t us, uint64_t n);

static inline int
histogram_add(struct histogram *h, int64_t us)
{
    return histogram_add_many(h, us, 1);
}

/* The time at this place (0: the least) among all that were counted, in us:
   the middle of the step it fell into. A place behind the end means the
   greatest. 0 when there is none. */
int64_t histogram_at(const struct histogram *h, uint64_t place);

/* The time below which the part p (0..1) of all lies, by Locust's rule for
   the place: int(count * p). */
int64_t histogram_percentile(const struct histogram *h, double p);

/* How many times lie in [from, to), in us. A step counts where it begins. */
uint64_t histogram_between(const struct histogram *h, int64_t from,
                           int64_t to);

/* Adds what other counted. 0, or -1 without memory, and then h has only a
   part of it. */
int histogram_merge(struct histogram *h, const struct histogram *other);

/* Bytes in use beside the struct itself. */
size_t histogram_memory(const struct histogram *h);

/* Empties it and frees the memory. */
void histogram_clear(struct histogram *h);

#endif
