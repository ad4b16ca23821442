/*
 * The fine histogram. Octave 0 holds 0..63 us; octave n holds
 * [64 << (n - 1), 64 << n) in steps of 1 << (n - 1).
 */
#include "stats/histogram.h"

#include <math.h>
#include <stdlib.h>

#define GREATEST (((int64_t)HISTOGRAM_STEPS << (HISTOGRAM_OCTAVES - 1)) - 1)

static unsigned
octave_of(uint64_t us)
{
    return us < HISTOGRAM_STEPS ? 0 : 58 - (unsigned)__builtin_clzll(us);
}

static unsigned
step_of(uint64_t us, unsigned octave)
{
    return octave == 0 ? (unsigned)us
                       : (unsigned)(us >> (octave - 1)) - HISTOGRAM_STEPS;
}

/* Where a step begins. */
static int64_t
start_of(unsigned octave, unsigned step)
{
    return octave == 0 ? (int64_t)step
                       : (int64_t)(HISTOGRAM_STEPS + step) << (octave - 1);
}

/* The middle of a step. */
static int64_t
time_of(unsigned octave, unsigned step)
{
    if (octave == 0) {
        return step;
    }
    int64_t width = (int64_t)1 << (octave - 1);
    return (HISTOGRAM_STEPS + step) * width + width / 2;
}

static uint64_t *
octave_get(struct histogram *h, unsigned octave)
{
    if (h->octaves[octave] == NULL) {
        h->octaves[octave] = calloc(HISTOGRAM_STEPS, sizeof(uint64_t));
    }
    return h->octaves[octave];
}

int
histogram_add_many(struct histogram *h, int64_t us, uint64_t n)
{
    if (n == 0) {
        return 0;
    }
    uint64_t v = us < 0 ? 0 : us > GREATEST ? GREATEST : us;
    unsigned octave = octave_of(v);
    uint64_t *steps = octave_get(h, octave);
    if (steps == NULL) {
        return -1;
    }
    steps[step_of(v, octave)] += n;
    h->count += n;
    return 0;
}

int64_t
histogram_at(const struct histogram *h, uint64_t place)
{
    int64_t found = 0;
    uint64_t seen = 0;
    for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
        const uint64_t *steps = h->octaves[o];
        for (unsigned s = 0; steps != NULL && s < HISTOGRAM_STEPS; s++) {
            if (steps[s] == 0) {
                continue;
            }
            found = time_of(o, s);
            seen += steps[s];
            if (seen > place) {
                return found;
            }
        }
    }
    return found;
}

int64_t
histogram_percentile(const struct histogram *h, double p)
{
    double part = fmin(fmax(p, 0), 1);
    return histogram_at(h, (uint64_t)((double)h->count * part));
}

uint64_t
histogram_between(const struct histogram *h, int64_t from, int64_t to)
{
    uint64_t n = 0;
    for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
        const uint64_t *steps = h->octaves[o];
        for (unsigned s = 0; steps != NULL && s < HISTOGRAM_STEPS; s++) {
            int64_t us = start_of(o, s);
            n += us >= from && us < to ? steps[s] : 0;
        }
    }
    return n;
}

int
histogram_merge(struct histogram *h, const struct histogram *other)
{
    for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
        const uint64_t *from = other->octaves[o];
        if (from == NULL) {
            continue;
        }
        uint64_t *to = octave_get(h, o);
        if (to == NULL) {
            return -1;
        }
        for (unsigned s = 0; s < HISTOGRAM_STEPS; s++) {
            to[s] += from[s];
            h->count += from[s];
        }
    }
    return 0;
}

size_t
histogram_memory(const struct histogram *h)
{
    size_t n = 0;
    for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
        n += h->octaves[o] != NULL;
    }
    return n * HISTOGRAM_STEPS * sizeof(uint64_t);
}

void
histogram_clear(struct histogram *h)
{
    for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
        free(h->octaves[o]);
    }
    *h = (struct histogram){0};
}
