/*
 * A test as CI servers read it: JUnit's XML.
 *
 * There is a suite of requests, where each (method, name) is a test case that
 * fails if a request of it failed, one of thresholds, and one of exceptions
 * that the users' code raised. A suite without cases is left out.
 */
#ifndef LOCUST_REPORT_JUNIT_H
#define LOCUST_REPORT_JUNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "report/threshold.h"
#include "stats/stats.h"

/* One kind of exception; text is UTF-8, ended by a zero. */
struct junit_exception {
    const char *message;
    const char *traceback;
    int64_t count;
};

struct junit_report {
    struct stats *stats;
    const struct threshold_row *thresholds;
    size_t threshold_count;
    const struct junit_exception *exceptions;
    size_t exception_count;
    bool tolerant;              /* failed requests and exceptions are told, but
                                   do not fail their cases */
};

/* Appends the document. Statistics are locked entry by entry. 0, or -1 without
   memory. */
int junit_xml(struct buf *out, const struct junit_report *report);

#endif
