/* For tests in C: what statistics are told. A failed check ends the test. */
#ifndef LOCUST_TESTS_SAMPLES_H
#define LOCUST_TESTS_SAMPLES_H

#include "stats/stats.h"

/* Borrows both. */
struct stats_key key_of(const char *method, const char *name);

/* Logs a reply of one byte that took so many ms, or that has no time if that
   is below 0. The entry is the statistics'. */
struct stats_entry *log_ms(struct stats *s, const char *method,
                           const char *name, double ms, double now);

/* Logs that a GET has failed. */
struct stats_error *log_fail(struct stats *s, const char *name,
                             const char *text, double now);

#endif
