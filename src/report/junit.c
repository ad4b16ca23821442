/* JUnit's XML; see junit.h. */
#include "config.h"
#include "report/junit.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

/* What a test reports as a response time may be anything. */
#define TIME_MAX_S 1e15

/* A document that is being written. Out of memory once, it stays failed. */
struct xml {
    struct buf *out;
    bool failed;
};

static void
put(struct xml *x, const char *bytes, size_t n)
{
    x->failed |= !buf_append(x->out, bytes, n);
}

static void
put_string(struct xml *x, const char *text)
{
    put(x, text, strlen(text));
}

/* For numbers and what else is short and harmless. */
static void __attribute__((format(printf, 2, 3)))
put_format(struct xml *x, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put_string(x, text);
}

/* Whether XML 1.0 allows the character at all. */
static bool
is_allowed(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' ||
           (c >= ' ' && c != 0xfffe && c != 0xffff);
}

/* Text between tags or in quotes. What XML cannot hold becomes U+FFFD, and a
   line end in quotes its number. */
static void
put_text(struct xml *x, const char *text, size_t n, bool quoted)
{
    size_t taken;
    for (size_t i = 0; i < n; i += taken) {
        uint32_t c;
        taken = utf8_decode(text + i, n - i, &c);
        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\r' ||
            (quoted && c < ' ' && is_allowed(c))) {
            put_format(x, "&#%" PRIu32 ";", c);
        }
        else if (c == UTF8_REPLACEMENT || !is_allowed(c)) {
            put_string(x, "\xef\xbf\xbd");
        }
        else {
            put(x, text + i, taken);
        }
    }
}

static void
put_attribute(struct xml *x, const char *name, const char *value, size_t n)
{
    put_format(x, " %s=\"", name);
    put_text(x, value, n, true);
    put_string(x, "\"");
}

/* --- Cases. */

static void
open_case(struct xml *x, const char *class_name, const char *name,
          size_t name_len, double seconds)
{
    put_string(x, "    <testcase");
    put_attribute(x, "classname", class_name, strlen(class_name));
    put_attribute(x, "name", name, name_len);
    put_format(x, " time=\"%.6f\">", fmin(fmax(seconds, 0), TIME_MAX_S));
}

static void
close_case(struct xml *x)
{
    put_string(x, "</testcase>\n");
}

/* An error, and its place among all of them in order of appearance. */
struct failure {
    struct stats_error *error;
    size_t place;
};

/* Errors in the order of the entries; `next` follows these. */
struct errors {
    struct failure *list;
    size_t n;
    size_t next;
};

/* As stats_list_entries() sorts. */
static int
compare_names(const struct stats_error *error, const char *name,
              const char *method)
{
    int order = strcmp(error->name, name);
    return order != 0 ? order : strcmp(error->method, method);
}

static int
compare_failures(const void *a, const void *b)
{
    const struct failure *x = a, *y = b;
    int order = compare_names(x->error, y->error->name, y->error->method);
    return order != 0 ? order : x->place < y->place ? -1 : 1;
}

/* How often which error was seen, of an entry behind the last one. The
   statistics are locked. */
static void
put_errors(struct xml *x, const struct stats_entry *e, struct errors *errors)
{
    for (; errors->next < errors->n; errors->next++) {
        const struct stats_error *error = errors->list[errors->next].error;
        int order = compare_names(error, e->name, e->method);
        if (order > 0) {
            break;
        }
        if (order == 0) {
            const char *text = error->label ? error->label : error->text;
            put_format(x, "%" PRId64 " x ", error->occurrences);
            put_text(x, text, strlen(text), false);
            put_string(x, "\n");
        }
    }
}

static void
put_request(struct xml *x, const struct junit_report *report,
            const struct stats_entry *e, struct errors *errors)
{
    const char *tag = report->tolerant ? "system-out" : "failure";
    open_case(x, e->method_len > 0 ? e->method : "request", e->name,
              e->name_len, entry_average(e) / 1000);
    if (e->failures > 0) {
        put_format(x, "<%s", tag);
        if (!report->tolerant) {
            put_format(x, " message=\"%" PRId64 " of %" PRId64 " failed\"",
                       e->failures, e->requests);
        }
        put_string(x, ">");
        put_errors(x, e, errors);
        put_format(x, "</%s>", tag);
    }
    close_case(x);
}

static void
put_threshold(struct xml *x, const struct threshold_row *row)
{
    open_case(x, "threshold", row->text, strlen(row->text), 0);
    put_string(x, row->kept ? "<system-out>measured: "
                            : "<failure message=\"not kept\">measured: ");
    put_text(x, row->measured, strlen(row->measured), false);
    put_string(x, row->kept ? "</system-out>" : "</failure>");
    close_case(x);
}

static void
put_exception(struct xml *x, const struct junit_report *report,
              const struct junit_exception *e)
{
    const char *tag = report->tolerant ? "system-out" : "error";
    open_case(x, "exception", e->message, strlen(e->message), 0);
    put_format(x, "<%s", tag);
    if (!report->tolerant) {
        put_format(x, " message=\"raised %" PRId64 " times\"", e->count);
    }
    put_string(x, ">");
    put_text(x, e->traceback, strlen(e->traceback), false);
    put_format(x, "</%s>", tag);
    close_case(x);
}

/* --- Suites. */

struct suite {
    const char *name;
    size_t cases;
    size_t failures;
    size_t errors;
};

static void
open_suite(struct xml *x, const struct suite *suite, double start,
           double seconds)
{
    char when[32] = "";
    time_t second = (time_t)start;
    struct tm tm;
    if (gmtime_r(&second, &tm) != NULL) {
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    }
    put_format(x, "  <testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\"",
               suite->name, suite->cases, suite->failures);
    put_format(x, " errors=\"%zu\" skipped=\"0\" time=\"%.3f\"",
               suite->errors, seconds);
    put_format(x, " timestamp=\"%s\">\n", when);
}

static void
close_suite(struct xml *x)
{
    put_string(x, "  </testsuite>\n");
}

static void
put_requests(struct xml *x, const struct junit_report *report,
             struct stats_entry **entries, size_t n,
             struct errors *errors)
{
    for (size_t i = 0; i < n; i++) {
        stats_lock(report->stats);
        put_request(x, report, entries[i], errors);
        stats_unlock(report->stats);
    }
}

static void
put_suites(struct xml *x, const struct junit_report *report,
           struct stats_entry **entries, const struct suite suites[3],
           struct errors *errors, const struct stats_span *span)
{
    double seconds = span->last > span->start ? span->last - span->start : 0;
    if (suites[0].cases > 0) {
        open_suite(x, &suites[0], span->start, seconds);
        put_requests(x, report, entries, suites[0].cases, errors);
        close_suite(x);
    }
    if (suites[1].cases > 0) {
        open_suite(x, &suites[1], span->start, seconds);
        for (size_t i = 0; i < suites[1].cases; i++) {
            put_threshold(x, &report->thresholds[i]);
        }
        close_suite(x);
    }
    if (suites[2].cases > 0) {
        open_suite(x, &suites[2], span->start, seconds);
        for (size_t i = 0; i < suites[2].cases; i++) {
            put_exception(x, report, &report->exceptions[i]);
        }
        close_suite(x);
    }
}

static void
count_cases(const struct junit_report *report, struct stats_entry **entries,
            size_t n, struct suite suites[3])
{
    suites[0] = (struct suite){.name = "requests", .cases = n};
    suites[1] = (struct suite){.name = "thresholds",
                               .cases = report->threshold_count};
    suites[2] = (struct suite){.name = "exceptions",
                               .cases = report->exception_count};
    for (size_t i = 0; i < n && !report->tolerant; i++) {
        suites[0].failures += entries[i]->failures > 0;
    }
    for (size_t i = 0; i < report->threshold_count; i++) {
        suites[1].failures += !report->thresholds[i].kept;
    }
    suites[2].errors = report->tolerant ? 0 : report->exception_count;
}

static int
write_document(struct buf *out, const struct junit_report *report,
               struct stats_entry **entries, size_t n,
               struct errors *errors)
{
    struct xml x = {.out = out};
    struct suite suites[3];
    stats_lock(report->stats);
    struct stats_span span = stats_span(report->stats);
    count_cases(report, entries, n, suites);
    stats_unlock(report->stats);
    put_string(&x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    put_format(&x, "<testsuites name=\"locust\" tests=\"%zu\"",
               suites[0].cases + suites[1].cases + suites[2].cases);
    put_format(&x, " failures=\"%zu\" errors=\"%zu\">\n",
               suites[0].failures + suites[1].failures, suites[2].errors);
    put_suites(&x, report, entries, suites, errors, &span);
    put_string(&x, "</testsuites>\n");
    return x.failed ? -1 : 0;
}

/* The caller frees the list. 0, or -1 without memory. */
static int
sort_errors(struct errors *errors, struct stats_error **list, size_t n)
{
    *errors = (struct errors){.list = malloc((n + 1) * sizeof(*errors->list)),
                              .n = n};
    if (errors->list == NULL) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        errors->list[i] = (struct failure){.error = list[i], .place = i};
    }
    qsort(errors->list, n, sizeof(*errors->list), compare_failures);
    return 0;
}

static int
write_with_errors(struct buf *out, const struct junit_report *report,
                  struct stats_entry **entries, size_t n)
{
    struct stats_error **list;
    struct errors errors = {0};
    size_t error_count;
    if (stats_list_errors(report->stats, &list, &error_count) < 0) {
        return -1;
    }
    int result = sort_errors(&errors, list, error_count) < 0
                     ? -1
                     : write_document(out, report, entries, n, &errors);
    free(errors.list);
    stats_list_free_errors(list, error_count);
    return result;
}

int
junit_xml(struct buf *out, const struct junit_report *report)
{
    struct stats_entry **entries;
    size_t n;
    if (stats_list_entries(report->stats, &entries, &n) < 0) {
        return -1;
    }
    int result = write_with_errors(out, report, entries, n);
    stats_list_free(entries, n);
    return result;
}
