/*
 * The HTML report: one page that needs nothing else, made of the page in
 * static/report (built into the program) and one JSON object.
 *
 * The object is window.templateArgs, with the keys that Locust's report has:
 * other programs read it. What is known in C alone is written here; the rest
 * comes as members that are JSON already.
 */
#ifndef LOCUST_REPORT_HTML_H
#define LOCUST_REPORT_HTML_H

#include <stddef.h>

#include "base/buf.h"
#include "stats/stats.h"

/* A percentile, and its key in JSON. */
struct html_percentile {
    double p;                   /* 0..1 */
    const char *key;
};

/* A member of the object: JSON in ASCII. */
struct html_member {
    const char *key;
    const char *json;
    size_t length;
};

/* Percentiles are sorted by key. */
struct html_report {
    struct stats *stats;
    const struct html_percentile *statistics;   /* of requests_statistics */
    size_t statistics_count;
    const struct html_percentile *times;    /* of response_time_statistics */
    size_t times_count;
    const struct html_member *members;
    size_t member_count;
};

/* Appends the object: the members, and distribution, exact_times,
   failures_statistics, requests_statistics and response_time_statistics, all
   sorted by key.
   Statistics are locked entry by entry. 0, or -1 without memory. */
int html_args(struct buf *out, const struct html_report *report);

/* Appends the page with such an object. theme is "light", "dark", or "" for
   that of the reader's system. 0, or -1 without memory. */
int html_page(struct buf *out, const char *args, size_t length,
              const char *theme);

#endif
