/*
 * The tables that Locust writes to its console, line by line, to the
 * character: other programs read them.
 *
 * Statistics are locked entry by entry, so that a long table never holds up
 * the requests of a test. Every function returns 0, or -1 without memory, and
 * then out holds a part.
 */
#ifndef LOCUST_REPORT_TABLE_H
#define LOCUST_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "report/lines.h"
#include "stats/lag.h"
#include "stats/stats.h"

struct table_layout {
    int type_width;             /* STATS_TYPE_WIDTH, usually 8 */
    int name_width;             /* STATS_NAME_WIDTH, at most 80 usually */
};

/* Header, one row per entry sorted by (name, method), Aggregated. Rates are
   current ones, or those of the whole run. */
int table_stats(struct lines *out, struct stats *s,
                const struct table_layout *layout, bool current);

/* The percentiles (each 0..1) of all entries that have times. */
int table_percentiles(struct lines *out, struct stats *s,
                      const struct table_layout *layout,
                      const double *percentiles, size_t n);

/* The error report in the order of first appearance, with an empty line at
   its end; its head is written also when there are none. */
int table_errors(struct lines *out, struct stats *s,
                 const struct table_layout *layout);

/* One row of the first or second table. The lock is the caller's business.
   Percentiles are those that reports show, or Locust's own, which can be above
   the greatest time. */
void table_stats_row(struct lines *out, const struct stats_entry *e,
                     const struct stats_span *span,
                     const struct table_layout *layout, bool current);
void table_percentile_row(struct lines *out, const struct stats_entry *e,
                          const struct table_layout *layout,
                          const double *percentiles, size_t n, bool locusts);

/* A percentile's name: 0.5 is "50%", 0.999 is "99.9%". */
void percentile_label(char *label, size_t size, double p);

/* What the generator added to the requests, if it is worth a word: nothing
   when both medians are below a millisecond. */
int report_lag_lines(struct lines *out, const struct lag *lag);

#endif
