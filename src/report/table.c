/* The console's tables; see table.h. */
#include "report/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define METHOD_SPACE 1          /* between the first two columns */
#define ERROR_COLUMN 100
#define COUNT_COLUMN 18
#define PERCENTILE_COLUMN 6
#define FIRST_PERCENTILE_COLUMN 8

static int
name_column(const struct table_layout *layout)
{
    return layout->name_width - layout->type_width + 4;
}

/* Python's %d of a float: cut, not rounded. */
static long long
whole(double x)
{
    return (long long)fmin(fmax(x, -0x1p62), 0x1p62);
}

static void
dashes(struct lines *out, int n)
{
    lines_fill(out, '-', n > 0 ? (size_t)n : 0);
}

/* --- Statistics. */

static void
stats_separator(struct lines *out, const struct table_layout *layout)
{
    static const int columns[] = {7, 13, 7, 7, 7, 7, 8, 11};
    dashes(out, layout->type_width);
    lines_printf(out, "|");
    dashes(out, name_column(layout));
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        lines_printf(out, "|");
        dashes(out, columns[i]);
    }
    lines_end(out);
}

static void
stats_header(struct lines *out, const struct table_layout *layout)
{
    lines_pad(out, "Type", layout->type_width + METHOD_SPACE);
    lines_pad(out, "Name", name_column(layout));
    lines_printf(out, " %7s %12s |%7s %7s %7s%7s | %7s %11s", "# reqs",
                 "# fails", "Avg", "Min", "Max", "Med", "req/s",
                 "failures/s");
    lines_end(out);
}

/* A method and the blanks behind it: two at least, as in Locust. */
static void
method_column(struct lines *out, const char *method, int width)
{
    bool wide = width >= 0 && lines_width(method) >= (size_t)width;
    lines_pad(out, method, width);
    lines_fill(out, ' ', METHOD_SPACE + (wide && method[0] != '\0'));
}

void
table_stats_row(struct lines *out, const struct stats_entry *e,
                const struct stats_span *span,
                const struct table_layout *layout, bool current)
{
    char fails[64];
    snprintf(fails, sizeof(fails), "%" PRId64 "(%.2f%%)", e->failures,
             entry_fail_ratio(e) * 100);
    method_column(out, e->method, layout->type_width);
    lines_pad(out, e->name, name_column(layout));
    lines_printf(out, " %7" PRId64 " %12s |%7lld %7lld %7lld%7lld",
                 e->requests, fails, whole(entry_average(e)),
                 isinf(e->min_time) ? 0 : whole(e->min_time),
                 whole(e->max_time), whole(entry_median(e)));
    lines_printf(out, " | %7.2f %11.2f",
                 current ? entry_current_rps(e, span)
                         : entry_total_rps(e, span),
                 current ? entry_current_fail_rate(e, span)
                         : entry_total_fail_rate(e, span));
    lines_end(out);
}

static void
locked_stats_row(struct lines *out, struct stats *s,
                 const struct stats_entry *e,
                 const struct table_layout *layout, bool current)
{
    stats_lock(s);
    struct stats_span span = stats_span(s);
    table_stats_row(out, e != NULL ? e : s->total, &span, layout, current);
    stats_unlock(s);
}

int
table_stats(struct lines *out, struct stats *s,
            const struct table_layout *layout, bool current)
{
    struct stats_entry **list;
    size_t n;
    if (stats_list_entries(s, &list, &n) < 0) {
        return -1;
    }
    stats_header(out, layout);
    stats_separator(out, layout);
    for (size_t i = 0; i < n; i++) {
        locked_stats_row(out, s, list[i], layout, current);
    }
    stats_separator(out, layout);
    locked_stats_row(out, s, NULL, layout, current);
    stats_list_free(list, n);
    return out->failed ? -1 : 0;
}

/* --- Percentiles. */

void
percentile_label(char *label, size_t size, double p)
{
    double percent = p * 100;
    if (percent == floor(percent)) {
        snprintf(label, size, "%.0f%%", percent);
        return;
    }
    /* As Python writes round(percent, 6), with one digit at least. */
    char number[40];
    int n = snprintf(number, sizeof(number), "%.6f", percent);
    while (number[n - 1] == '0' && number[n - 2] != '.') {
        number[--n] = '\0';
    }
    snprintf(label, size, "%s%%", number);
}

/* The width of a percentile's column: the first is wider. */
static int
percentile_width(size_t i)
{
    return i == 0 ? FIRST_PERCENTILE_COLUMN : PERCENTILE_COLUMN;
}

static void
percentile_separator(struct lines *out, const struct table_layout *layout,
                     size_t n)
{
    dashes(out, layout->type_width);
    lines_printf(out, "|");
    dashes(out, layout->name_width);
    for (size_t i = 0; i <= n; i++) {   /* one more for the count */
        lines_printf(out, "|");
        dashes(out, percentile_width(i));
    }
    lines_end(out);
}

static void
percentile_header(struct lines *out, const struct table_layout *layout,
                  const double *percentiles, size_t n)
{
    lines_printf(out, "Response time percentiles (approximated)");
    lines_end(out);
    lines_pad(out, "Type", layout->type_width);
    lines_fill(out, ' ', METHOD_SPACE);
    lines_pad(out, "Name", layout->name_width);
    for (size_t i = 0; i < n; i++) {
        char label[48];
        percentile_label(label, sizeof(label), percentiles[i]);
        lines_printf(out, " %*s", percentile_width(i), label);
    }
    lines_printf(out, " %*s", percentile_width(n), "# reqs");
    lines_end(out);
}

void
table_percentile_row(struct lines *out, const struct stats_entry *e,
                     const struct table_layout *layout,
                     const double *percentiles, size_t n, bool locusts)
{
    lines_pad(out, e->method, layout->type_width);
    lines_fill(out, ' ', METHOD_SPACE);
    lines_pad(out, e->name, layout->name_width);
    for (size_t i = 0; i < n; i++) {
        double ms = locusts ? entry_bucket_percentile(e, percentiles[i])
                            : entry_percentile(e, percentiles[i]);
        lines_printf(out, " %*lld", percentile_width(i), whole(ms));
    }
    lines_printf(out, " %*" PRId64, percentile_width(n), e->requests);
    lines_end(out);
}

static void
locked_percentile_row(struct lines *out, struct stats *s,
                      const struct stats_entry *e,
                      const struct table_layout *layout,
                      const double *percentiles, size_t n)
{
    stats_lock(s);
    if (e == NULL) {
        e = s->total;
    }
    if (e->buckets.used != 0) {
        table_percentile_row(out, e, layout, percentiles, n, false);
    }
    stats_unlock(s);
}

int
table_percentiles(struct lines *out, struct stats *s,
                  const struct table_layout *layout,
                  const double *percentiles, size_t n)
{
    struct stats_entry **list;
    size_t count;
    if (stats_list_entries(s, &list, &count) < 0) {
        return -1;
    }
    percentile_header(out, layout, percentiles, n);
    percentile_separator(out, layout, n);
    for (size_t i = 0; i < count; i++) {
        locked_percentile_row(out, s, list[i], layout, percentiles, n);
    }
    percentile_separator(out, layout, n);
    locked_percentile_row(out, s, NULL, layout, percentiles, n);
    stats_list_free(list, count);
    return out->failed ? -1 : 0;
}

/* --- Errors. */

static void
error_separator(struct lines *out, const struct table_layout *layout)
{
    dashes(out, COUNT_COLUMN);
    lines_printf(out, "|");
    dashes(out, 80 + layout->name_width - COUNT_COLUMN - 1);
    lines_end(out);
}

static void
error_row(struct lines *out, struct stats *s, const struct stats_error *e)
{
    struct lines text = {0};
    stats_lock(s);
    lines_printf(&text, "%s %s: %s", e->method, e->name,
                 e->label != NULL ? e->label : e->text);
    lines_printf(out, "%-*" PRId64 " ", COUNT_COLUMN, e->occurrences);
    stats_unlock(s);
    if (text.failed) {
        out->failed = true;
    }
    else {
        lines_pad(out, text.open, ERROR_COLUMN);
    }
    lines_end(out);
    lines_clear(&text);
}

int
table_errors(struct lines *out, struct stats *s,
             const struct table_layout *layout)
{
    struct stats_error **list;
    size_t n;
    if (stats_list_errors(s, &list, &n) < 0) {
        return -1;
    }
    lines_printf(out, "Error report");
    lines_end(out);
    lines_printf(out, "%-*s %-*s", COUNT_COLUMN, "# occurrences",
                 ERROR_COLUMN, "Error");
    lines_end(out);
    error_separator(out, layout);
    for (size_t i = 0; i < n; i++) {
        error_row(out, s, list[i]);
    }
    error_separator(out, layout);
    lines_end(out);
    stats_list_free_errors(list, n);
    return out->failed ? -1 : 0;
}

/* --- Generator lag. */

static void
lag_line(struct lines *out, const char *what, const struct histogram *h)
{
    lines_printf(out, "  %-44s median %.1f ms, 99%% below %.1f ms", what,
                 (double)histogram_percentile(h, 0.5) / 1000,
                 (double)histogram_percentile(h, 0.99) / 1000);
    lines_end(out);
}

int
report_lag_lines(struct lines *out, const struct lag *lag)
{
    if (!lag_is_notable(lag)) {
        return 0;
    }
    lines_printf(out, "Generator lag (not part of the response times): the "
                      "Python side of this process was busy");
    lines_end(out);
    lag_line(out, "from the call until the request was taken up",
             &lag->pickup);
    lag_line(out, "from the reply until Python went on", &lag->resume);
    lines_end(out);
    return out->failed ? -1 : 0;
}
