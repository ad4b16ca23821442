/* Frames of the live view; see live.h. */
#include "config.h"
#include "report/live.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define CHART_ROWS 5
#define LOG_ROWS 4
#define LABEL_COLUMNS 11        /* beside a chart */
#define FIGURE_COLUMNS 61       /* of the table, without the name */
#define NAME_MIN 12

#define RED "\033[31m"
#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"
#define TO_END "\033[K"         /* clears the rest of the line */

/* --- Samples. */

void
live_take(struct live *live, struct stats *s, int users, double now,
          int window)
{
    struct live_sample *sample = &live->ring[live->taken % LIVE_SAMPLES];
    stats_lock(s);
    const struct stats_entry *total = s->total;
    double passed = live->at != 0 ? now - live->at : 0;
    double requests = (double)(total->requests - live->requests);
    double failures = (double)(total->failures - live->failures);
    *sample = (struct live_sample){.users = users};
    if (passed > 0) {           /* counts that were reset begin anew */
        sample->rate = fmax(requests, 0) / passed;
        sample->failure_rate = fmax(failures, 0) / passed;
    }
    entry_current_percentile(total, 0.5, now, window, &sample->median);
    entry_current_percentile(total, 0.95, now, window, &sample->p95);
    entry_current_percentile(total, 0.99, now, window, &sample->p99);
    live->requests = total->requests;
    live->failures = total->failures;
    stats_unlock(s);
    live->at = now;
    live->taken++;
}

static uint32_t
sample_count(const struct live *live)
{
    return live->taken < LIVE_SAMPLES ? live->taken : LIVE_SAMPLES;
}

/* The sample so many before the last one. */
static const struct live_sample *
sample_back(const struct live *live, uint32_t back)
{
    return &live->ring[(live->taken - 1 - back) % LIVE_SAMPLES];
}

/* --- A frame that is being written. Out of memory once, it stays failed. */

struct frame {
    struct buf *out;
    const struct live_view *view;
    int left;                   /* rows that are free */
    bool failed;
};

static void
put(struct frame *f, const char *bytes, size_t n)
{
    f->failed |= !buf_append(f->out, bytes, n);
}

static void
put_string(struct frame *f, const char *text)
{
    put(f, text, strlen(text));
}

static void __attribute__((format(printf, 2, 3)))
put_format(struct frame *f, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put_string(f, text);
}

static void
style(struct frame *f, const char *escape)
{
    if (f->view->colour) {
        put_string(f, escape);
    }
}

/* Ends a line. False: there is no room for another. */
static bool
end_line(struct frame *f)
{
    put_string(f, TO_END);
    f->left--;
    if (f->left > 0) {
        put_string(f, "\r\n");
    }
    return f->left > 0;
}

/* The columns that a character takes on a terminal: none, one or two. */
static int
width_of(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        int width;
    } ranges[] = {
        {0x300, 0x36f, 0},     {0x200b, 0x200f, 0},   {0xfe00, 0xfe0f, 0},
        {0x1100, 0x115f, 2},   {0x2e80, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},
        {0xf900, 0xfaff, 2},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
        {0xffe0, 0xffe6, 2},   {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (c >= ranges[i].from && c <= ranges[i].to) {
            return ranges[i].width;
        }
    }
    return 1;
}

/* What could lead the terminal astray: control characters, and what turns the
   direction of text. */
static bool
is_unseen(uint32_t c)
{
    return c < ' ' || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) ||
           c == 0xfeff;
}

/* As much of a text as fits into so many columns, padded with blanks. */
static void
put_cut(struct frame *f, const char *text, int columns)
{
    size_t n = strlen(text), taken;
    int used = 0;
    for (size_t i = 0; i < n; i += taken) {
        uint32_t c;
        taken = utf8_decode(text + i, n - i, &c);
        bool plain = !is_unseen(c) && (c < 0x7f || f->view->blocks);
        int width = plain ? width_of(c) : 1;
        if (used + width > columns) {
            break;
        }
        if (!plain || c == UTF8_REPLACEMENT) {
            put(f, "?", 1);
        }
        else {
            put(f, text + i, taken);
        }
        used += width;
    }
    for (; used < columns; used++) {
        put(f, " ", 1);
    }
}

/* --- The head. */

static void
clock_text(char *out, size_t size, double seconds)
{
    int64_t s = (int64_t)fmax(seconds, 0);
    int n = 0;
    if (s >= 3600) {
        n = snprintf(out, size, "%" PRId64 ":", s / 3600);
    }
    snprintf(out + n, size - (size_t)n, "%02d:%02d", (int)(s / 60 % 60),
             (int)(s % 60));
}

/* The host takes what the rest leaves. */
static void
put_title(struct frame *f)
{
    const struct live_view *view = f->view;
    char clock[64], limit[64], right[192];
    clock_text(clock, sizeof(clock), view->elapsed);
    clock_text(limit, sizeof(limit), view->limit);
    snprintf(right, sizeof(right), " %.16s  %s%s%s", view->state, clock,
             view->limit > 0 ? " / " : "", view->limit > 0 ? limit : "");
    int left = view->columns - (int)strlen(right);
    char text[512];
    snprintf(text, sizeof(text), "locust  %.400s", view->host);
    style(f, BOLD);
    put_cut(f, text, left > 0 ? left : view->columns);
    style(f, PLAIN);
    if (left > 0) {
        put_string(f, right);
    }
}

/* Milliseconds, with about three digits. */
static const char *
ms_text(char *out, size_t size, double ms)
{
    snprintf(out, size, "%.*f", ms < 10 ? 2 : ms < 100 ? 1 : 0, ms);
    return out;
}

/* The same for the last seconds, which are known in whole milliseconds. */
static const char *
recent_text(char *out, size_t size, double ms, int64_t requests)
{
    if (ms == 0 && requests > 0) {
        snprintf(out, size, "<1");
    }
    else {
        snprintf(out, size, "%.0f", ms);
    }
    return out;
}

/* The figures of the last sample, as many as fit into a line. */
static void
put_figures(struct frame *f, const struct live *live, struct stats *s)
{
    static const struct live_sample none;
    const struct live_sample *now =
        live->taken > 0 ? sample_back(live, 0) : &none;
    stats_lock(s);
    int64_t requests = s->total->requests, failures = s->total->failures;
    double ratio = entry_fail_ratio(s->total) * 100;
    stats_unlock(s);
    char text[256], times[3][32];
    snprintf(text, sizeof(text),
             "%d users   %" PRId64 " requests   %.1f/s   median %s ms   "
             "p95 %s ms   p99 %s ms   ",
             f->view->users, requests, now->rate,
             recent_text(times[0], sizeof(times[0]), now->median, requests),
             recent_text(times[1], sizeof(times[1]), now->p95, requests),
             recent_text(times[2], sizeof(times[2]), now->p99, requests));
    char failed[64];
    snprintf(failed, sizeof(failed), "%" PRId64 " failed (%.2f%%)", failures,
             ratio);
    int room = f->view->columns - (int)strlen(failed);
    if (room > 0) {
        int length = (int)strlen(text);
        put_cut(f, text, length < room ? length : room);
        style(f, failures > 0 ? RED : GREEN);
        put_string(f, failed);
        style(f, PLAIN);
    }
}

/* --- Charts. */

typedef double (*sample_value)(const struct live_sample *sample);

static double
rate_of(const struct live_sample *sample)
{
    return sample->rate;
}

static double
p95_of(const struct live_sample *sample)
{
    return sample->p95;
}

static double
users_of(const struct live_sample *sample)
{
    return sample->users;
}

/* The next number of the form 1, 2 or 5 times a power of ten. */
static double
round_up(double x)
{
    if (x <= 1) {
        return 1;
    }
    double power = pow(10, floor(log10(x)));
    double first = x / power;
    return power * (first <= 1 ? 1 : first <= 2 ? 2 : first <= 5 ? 5 : 10);
}

/* The part of a cell, in eighths, that a value fills in a row of the chart;
   row 0 is the lowest. */
static void
put_cell(struct frame *f, double part, int row)
{
    static const char *const blocks[] = {
        " ",            "\xe2\x96\x81", "\xe2\x96\x82",
        "\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85",
        "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"};
    int eighths = (int)lround(part * CHART_ROWS * 8) - row * 8;
    eighths = eighths < 0 ? 0 : eighths > 8 ? 8 : eighths;
    put_string(f, f->view->blocks ? blocks[eighths] : eighths >= 4 ? "#" : " ");
}

/* One line of a chart in so many columns, the newest sample at the right. */
static void
put_chart_row(struct frame *f, const struct live *live, sample_value value,
              double top, int row, int columns)
{
    char label[32] = "";
    if (row == CHART_ROWS - 1) {
        snprintf(label, sizeof(label), "%.0f", top);
    }
    else if (row == 0) {
        snprintf(label, sizeof(label), "0");
    }
    put_format(f, "%*.*s ", LABEL_COLUMNS - 2, LABEL_COLUMNS - 2, label);
    int width = columns - LABEL_COLUMNS;
    uint32_t n = sample_count(live);
    for (int i = width - 1; i >= 0; i--) {
        if ((uint32_t)i >= n) {
            put(f, " ", 1);
        }
        else {
            put_cell(f, value(sample_back(live, (uint32_t)i)) / top, row);
        }
    }
    put(f, " ", 1);
}

struct chart {
    const char *title;
    sample_value value;
    const char *colour;
    double top;
};

/* Charts side by side. */
static void
put_charts(struct frame *f, const struct live *live)
{
    struct chart charts[] = {
        {"requests/s", rate_of, CYAN, 0},
        {"p95 ms", p95_of, GREEN, 0},
        {"users", users_of, "", 0},
    };
    int n = f->view->columns >= 120 ? 3 : f->view->columns >= 70 ? 2 : 1;
    int width = f->view->columns / n;
    for (int i = 0; i < n; i++) {
        int samples = width - LABEL_COLUMNS;
        for (int k = 0; k < samples && (uint32_t)k < sample_count(live); k++) {
            double x = charts[i].value(sample_back(live, (uint32_t)k));
            charts[i].top = fmax(charts[i].top, x);
        }
        charts[i].top = round_up(charts[i].top);
        put_format(f, "%*s", LABEL_COLUMNS - 1, "");
        style(f, DIM);
        put_cut(f, charts[i].title, width - LABEL_COLUMNS + 1);
        style(f, PLAIN);
    }
    end_line(f);
    for (int row = CHART_ROWS - 1; row >= 0; row--) {
        for (int i = 0; i < n; i++) {
            style(f, charts[i].colour);
            put_chart_row(f, live, charts[i].value, charts[i].top, row, width);
            style(f, PLAIN);
        }
        end_line(f);
    }
}

/* --- The table. */

static void
put_row(struct frame *f, const struct stats_entry *e,
        const struct stats_span *span, int name_columns)
{
    if (e->failures > 0) {
        style(f, RED);
    }
    put_cut(f, e->method, 7);
    put(f, " ", 1);
    put_cut(f, e->name, name_columns);
    put_format(f, " %9" PRId64 " %8" PRId64, e->requests, e->failures);
    put_format(f, " %8.1f", entry_current_rps(e, span));
    static const double percentiles[] = {0.5, 0.95, 0.99};
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(double); i++) {
        char ms[32];
        double x = entry_fine_percentile(e, percentiles[i]);
        put_format(f, " %7s", ms_text(ms, sizeof(ms), x));
    }
    if (e->failures > 0) {
        style(f, PLAIN);
    }
    end_line(f);
}

/* As many of the entries as there are rows for, the total below. */
static int
put_table(struct frame *f, struct stats *s, int rows)
{
    struct stats_entry **list;
    size_t n;
    int name_columns = f->view->columns - FIGURE_COLUMNS;
    if (name_columns < NAME_MIN || rows < 3) {
        return 0;
    }
    if (stats_list_entries(s, &list, &n) < 0) {
        return -1;
    }
    style(f, BOLD);
    put_cut(f, "Type", 8);
    put_cut(f, "Name", name_columns);
    put_format(f, " %9s %8s %8s %7s %7s %7s", "requests", "failures", "req/s",
               "median", "p95", "p99");
    style(f, PLAIN);
    end_line(f);
    size_t shown = n <= (size_t)rows - 2 ? n : (size_t)rows - 3;
    stats_lock(s);
    struct stats_span span = stats_span(s);
    for (size_t i = 0; i < shown; i++) {
        put_row(f, list[i], &span, name_columns);
    }
    if (shown < n) {
        put_format(f, "        and %zu more", n - shown);
        end_line(f);
    }
    put_row(f, s->total, &span, name_columns);
    stats_unlock(s);
    stats_list_free(list, n);
    return 0;
}

/* --- All together. */

static void
put_log(struct frame *f, int rows)
{
    size_t n = f->view->log_count;
    size_t first = n > (size_t)rows ? n - (size_t)rows : 0;
    for (size_t i = first; i < n; i++) {
        style(f, DIM);
        put_cut(f, f->view->log[i], f->view->columns);
        style(f, PLAIN);
        end_line(f);
    }
}

static void
put_keys(struct frame *f)
{
    style(f, DIM);
    put_cut(f, "w W: 1 or 10 users more   s S: 1 or 10 fewer   q: end the test",
            f->view->columns - 1);
    style(f, PLAIN);
}

int
live_frame(struct buf *out, const struct live *live, struct stats *s,
           const struct live_view *view)
{
    struct frame f = {.out = out, .view = view, .left = view->rows};
    put_string(&f, "\033[H");
    put_title(&f);
    bool more = end_line(&f);
    if (more) {
        put_figures(&f, live, s);
        more = end_line(&f);
    }
    bool charts = f.left >= 1 + CHART_ROWS + 6 && view->columns >= 30;
    if (charts) {
        end_line(&f);
        put_charts(&f, live);
    }
    int log_rows = f.left >= LOG_ROWS + 8 ? LOG_ROWS : 0;
    int result = 0;
    if (more && f.left > 2) {
        end_line(&f);
        result = put_table(&f, s, f.left - log_rows - 2);
    }
    if (log_rows > 0 && f.left > log_rows + 1) {
        end_line(&f);
        put_log(&f, log_rows);
    }
    while (f.left > 1) {
        end_line(&f);
    }
    if (f.left == 1) {
        put_keys(&f);
        put_string(&f, TO_END);
    }
    return f.failed ? -1 : result;
}
