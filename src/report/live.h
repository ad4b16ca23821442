/*
 * The live view: one frame of it, as text and escape sequences for a terminal
 * (ECMA-48, which all of them know).
 *
 * Figures at the top are of the last seconds, as are the charts: they are made
 * of samples, of which the last LIVE_SAMPLES are kept. The table is of the
 * whole test. A frame never has more lines than the terminal; what does not
 * fit is left out from the bottom: log lines first, then charts.
 */
#ifndef LOCUST_REPORT_LIVE_H
#define LOCUST_REPORT_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "stats/stats.h"

#define LIVE_SAMPLES 512        /* a power of two */

struct live_sample {
    double rate;                /* requests a second since the one before */
    double failure_rate;
    double median, p95, p99;    /* ms, of about the last ten seconds */
    int users;
};

/* All zero has no samples. */
struct live {
    struct live_sample ring[LIVE_SAMPLES];
    uint32_t taken;             /* in all */
    double at;                  /* when the last one was; 0: never */
    int64_t requests;           /* how many there were then */
    int64_t failures;
};

/* Takes a sample; now is in seconds since the epoch, window in seconds. */
void live_take(struct live *live, struct stats *s, int users, double now,
               int window);

/* What a frame tells beside the statistics; all text is UTF-8. */
struct live_view {
    int columns;
    int rows;
    bool colour;
    bool blocks;                /* the terminal knows more than ASCII */
    const char *host;
    const char *state;
    int users;
    double elapsed;             /* seconds */
    double limit;               /* seconds; 0: none */
    const char *const *log;     /* the last lines, oldest first */
    size_t log_count;
};

/* Appends a frame. 0, or -1 without memory. */
int live_frame(struct buf *out, const struct live *live, struct stats *s,
               const struct live_view *view);

#endif
