/* Rows of the statistics as data; see row.h. */
#include "report/row.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- Numbers as text. */

/* The digits of x without trailing zeros, the decimal exponent of the first.
   Locales may have a decimal comma, so only digits are looked at. */
static int
shortest_digits(double x, char digits[20])
{
    char text[40];
    for (int n = fabs(x) < DBL_MIN ? 1 : 15; n <= 17; n++) {
        snprintf(text, sizeof(text), "%.*e", n - 1, x);
        if (strtod(text, NULL) == x) {
            break;
        }
    }
    size_t n = 0;
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') {
            digits[n++] = *at;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    digits[n] = '\0';
    return atoi(at + 1);
}

void
number_text(char *out, size_t size, double x)
{
    if (!isfinite(x)) {
        snprintf(out, size, "%s", isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
        return;
    }
    static const char zeros[] = "0000000000000000";
    char digits[20];
    int exponent = shortest_digits(x, digits);
    int n = (int)strlen(digits);
    const char *sign = signbit(x) ? "-" : "";
    if (exponent < -4 || exponent >= 16) {
        snprintf(out, size, "%s%c%s%se%c%02d", sign, digits[0],
                 n > 1 ? "." : "", digits + 1, exponent < 0 ? '-' : '+',
                 abs(exponent));
    }
    else if (exponent < 0) {
        snprintf(out, size, "%s0.%.*s%s", sign, -exponent - 1, zeros, digits);
    }
    else if (n <= exponent + 1) {
        snprintf(out, size, "%s%s%.*s.0", sign, digits, exponent + 1 - n,
                 zeros);
    }
    else {
        snprintf(out, size, "%s%.*s.%s", sign, exponent + 1, digits,
                 digits + exponent + 1);
    }
}

/* --- Cells. */

/* The dates that have four digits, in seconds since the epoch. */
#define YEAR_1 (-62135596800.0)
#define YEAR_9999 253402300799.0

static struct cell *
add(struct row *row, enum cell_kind kind)
{
    static _Thread_local struct cell nowhere;    /* for what finds no room */
    if (row->used == row->size) {
        size_t size = row->size == 0 ? 32 : row->size * 2;
        struct cell *cells = realloc(row->cells, size * sizeof(*cells));
        if (cells == NULL) {
            row->failed = true;
            return &nowhere;
        }
        row->cells = cells;
        row->size = size;
    }
    struct cell *cell = &row->cells[row->used++];
    *cell = (struct cell){.kind = kind};
    return cell;
}

static void
add_text(struct row *row, const char *text)
{
    add(row, CELL_TEXT)->text = text;
}

static void
add_whole(struct row *row, int64_t n)
{
    add(row, CELL_WHOLE)->whole = n;
}

static void
add_number(struct row *row, double x)
{
    add(row, CELL_NUMBER)->number = x;
}

/* Cut, not rounded. */
static int64_t
cut(double x)
{
    return (int64_t)fmin(fmax(x, -0x1p62), 0x1p62);
}

/* Milliseconds as they came: as integers, if all did. */
static void
add_time(struct row *row, const struct stats_entry *e, double ms)
{
    if (!e->fractions && ms == floor(ms)) {
        add_whole(row, cut(ms));
    }
    else {
        add_number(row, ms);
    }
}

static void
add_median(struct row *row, const struct stats_entry *e)
{
    double ms = entry_median(e);
    if (entry_median_is_bucket(e) && ms == floor(ms)) {
        add_whole(row, cut(ms));
    }
    else {
        add_time(row, e, ms);
    }
}

static void
add_min(struct row *row, const struct stats_entry *e)
{
    if (isinf(e->min_time) || e->min_time == 0) {
        add_whole(row, 0);
    }
    else {
        add_time(row, e, e->min_time);
    }
}

static void
add_average_length(struct row *row, const struct stats_entry *e)
{
    if (e->requests == 0) {
        add_whole(row, 0);
    }
    else {
        add_number(row, entry_average_length(e));
    }
}

/* Six decimals, whatever the locale. */
static void
add_rate(struct row *row, double rate)
{
    struct cell *cell = add(row, CELL_TEXT);
    snprintf(cell->own, sizeof(cell->own), "%.6f", fmin(rate, 1e18));
    char *comma = strchr(cell->own, ',');
    if (comma != NULL) {
        *comma = '.';
    }
}

/* moment is NULL for those of the whole run. */
static void
add_percentiles(struct row *row, const struct stats_entry *e,
                const struct percentiles *percentiles,
                const struct history_moment *moment)
{
    for (size_t i = 0; i < percentiles->count; i++) {
        double ms = 0, p = percentiles->items[i];
        if (e->requests == 0) {
            add_text(row, "N/A");
            continue;
        }
        if (moment == NULL) {
            ms = entry_percentile(e, p);
        }
        else if (!entry_current_percentile(e, p, moment->now, moment->window,
                                           &ms)) {
            ms = 0;
        }
        add_whole(row, cut(ms));
    }
}

/* UTC, to the second; empty for never. */
static void
add_date(struct row *row, double t)
{
    struct cell *cell = add(row, CELL_TEXT);
    time_t seconds = (time_t)fmin(fmax(floor(t), YEAR_1), YEAR_9999);
    struct tm tm;
    if (t != 0 && gmtime_r(&seconds, &tm) != NULL) {
        strftime(cell->own, sizeof(cell->own), "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
}

/* --- Rows. */

static void
fill_request(struct row *row, const struct stats_entry *e,
             const struct stats_span *span,
             const struct percentiles *percentiles)
{
    add_text(row, e->method);
    add_text(row, e->name);
    add_whole(row, e->requests);
    add_whole(row, e->failures);
    add_median(row, e);
    add_number(row, entry_average(e));
    add_min(row, e);
    add_time(row, e, e->max_time);
    add_average_length(row, e);
    add_number(row, entry_total_rps(e, span));
    add_number(row, entry_total_fail_rate(e, span));
    add_percentiles(row, e, percentiles, NULL);
}

static void
fill_history(struct row *row, const struct stats_entry *e,
             const struct stats_span *span,
             const struct percentiles *percentiles,
             const struct history_moment *moment)
{
    add_whole(row, cut(moment->now));
    add_whole(row, moment->users);
    add_text(row, e->method);
    add_text(row, e->name);
    add_rate(row, entry_current_rps(e, span));
    add_rate(row, entry_current_fail_rate(e, span));
    add_percentiles(row, e, percentiles, moment->full ? moment : NULL);
    add_whole(row, e->requests);
    add_whole(row, e->failures);
    add_median(row, e);
    add_number(row, entry_average(e));
    add_min(row, e);
    add_time(row, e, e->max_time);
    add_average_length(row, e);
}

static void
fill_failure(struct row *row, const struct stats_error *error)
{
    add_text(row, error->method);
    add_text(row, error->name);
    add_text(row, error->text);
    add_whole(row, error->occurrences);
    add_date(row, error->first);
    add_date(row, error->last);
}

/* --- Tables. */

struct table {
    struct stats *stats;
    const struct percentiles *percentiles;
    const struct history_moment *moment;    /* NULL: a table of requests */
    row_sink put;
    void *sink;
    struct row row;
};

/* Hands over the row that was filled in. */
static int
hand_over(struct table *t)
{
    int r = t->row.failed ? -1 : t->put(t->sink, &t->row);
    t->row.used = 0;
    return r;
}

static int
put_entry(struct table *t, const struct stats_entry *e)
{
    stats_lock(t->stats);
    struct stats_span span = stats_span(t->stats);
    if (t->moment == NULL) {
        fill_request(&t->row, e, &span, t->percentiles);
    }
    else {
        fill_history(&t->row, e, &span, t->percentiles, t->moment);
    }
    stats_unlock(t->stats);
    return hand_over(t);
}

static int
put_total(struct table *t)
{
    stats_lock(t->stats);
    struct stats_entry *total = entry_ref(t->stats->total);
    stats_unlock(t->stats);
    int r = put_entry(t, total);
    entry_unref(total);
    return r;
}

static int
put_entries(struct table *t)
{
    struct stats_entry **list;
    size_t n;
    if (stats_list_entries(t->stats, &list, &n) < 0) {
        return -1;
    }
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        r = put_entry(t, list[i]);
    }
    stats_list_free(list, n);
    return r;
}

int
rows_of_requests(struct stats *s, const struct percentiles *percentiles,
                 row_sink put, void *sink)
{
    struct table t = {.stats = s, .percentiles = percentiles, .put = put,
                      .sink = sink};
    int r = put_entries(&t) < 0 ? -1 : put_total(&t);
    free(t.row.cells);
    return r;
}

int
rows_of_history(struct stats *s, const struct percentiles *percentiles,
                const struct history_moment *moment, row_sink put,
                void *sink)
{
    struct table t = {.stats = s, .percentiles = percentiles, .put = put,
                      .sink = sink, .moment = moment};
    int r = moment->full ? put_entries(&t) : 0;
    if (r == 0) {
        r = put_total(&t);
    }
    free(t.row.cells);
    return r;
}

int
rows_of_failures(struct stats *s, row_sink put, void *sink)
{
    struct stats_error **list;
    struct table t = {.stats = s, .put = put, .sink = sink};
    size_t n;
    if (stats_list_errors(s, &list, &n) < 0) {
        return -1;
    }
    stats_sort_errors(list, n);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        stats_lock(s);
        fill_failure(&t.row, list[i]);
        stats_unlock(s);
        r = hand_over(&t);
    }
    stats_list_free_errors(list, n);
    free(t.row.cells);
    return r;
}
