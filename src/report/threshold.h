/*
 * Thresholds: conditions on the statistics that decide whether a test has
 * passed.
 *
 *     threshold = [METHOD " " name ":"] metric operator number [unit]
 *     metric    = p50 .. p99.99 | median | avg | min | max
 *               | rps | fail_ratio | failures | requests
 *     operator  = "<" | "<=" | ">" | ">=" | "==" | "!="
 *     unit      = "ms" | "s" for times, without one: ms; "%" for fail_ratio
 *
 * Blanks may stand between the parts, so that a name neither begins nor ends
 * with one. Without a request it is about all
 * requests together. As a name may contain colons, the last one counts.
 * Percentiles are those of the fine histogram (stats/histogram.h), everything
 * else is exact.
 */
#ifndef LOCUST_REPORT_THRESHOLD_H
#define LOCUST_REPORT_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "report/lines.h"
#include "stats/stats.h"

enum threshold_metric {
    THRESHOLD_PERCENTILE,
    THRESHOLD_AVERAGE,
    THRESHOLD_MIN,
    THRESHOLD_MAX,
    THRESHOLD_RPS,
    THRESHOLD_FAIL_RATIO,
    THRESHOLD_FAILURES,
    THRESHOLD_REQUESTS
};

enum threshold_operator {
    THRESHOLD_BELOW,
    THRESHOLD_AT_MOST,
    THRESHOLD_ABOVE,
    THRESHOLD_AT_LEAST,
    THRESHOLD_EQUAL,
    THRESHOLD_DIFFERENT
};

struct threshold {
    const char *text;           /* borrowed: what it was parsed from */
    struct stats_key key;       /* within text; method NULL: all requests */
    enum threshold_metric metric;
    enum threshold_operator op;
    double percentile;          /* 0..1 */
    double limit;               /* ms, requests a second, a part, a count */
};

/* What is wrong with a text. */
struct threshold_error {
    size_t position;            /* byte, from 0 */
    const char *expected;       /* what should stand there */
};

/* Reads a text, which must live as long as the threshold. 0, or -1 with error
   filled in. */
int threshold_parse(struct threshold *t, const char *text,
                    struct threshold_error *error);

struct threshold_result {
    bool kept;                  /* false also if nothing was measured */
    bool measured;
    bool exceeded;              /* the value is above what is allowed, which no
                                   more requests put right for a count */
    double value;               /* as the limit */
};

/* Takes the lock. */
void threshold_check(const struct threshold *t, struct stats *s,
                     struct threshold_result *result);

/* The value with its unit, or that nothing was measured. */
void threshold_value_text(char *out, size_t size, const struct threshold *t,
                          const struct threshold_result *result);

/* How a threshold stands, as reports tell it. */
struct threshold_row {
    const char *text;           /* borrowed, as the next */
    const char *measured;
    bool kept;
};

/* A table of thresholds, with an empty line at its end. 0, or -1 without
   memory. */
int threshold_table(struct lines *out, const struct threshold_row *rows,
                    size_t n);

#endif
