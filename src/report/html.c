/* The HTML report; see html.h. */
#include "config.h"
#include "report/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/json.h"

/* What static/report/build.py made, brought in by page.S. */
extern const char report_page_begin[];
extern const char report_page_end[];

/* What stands in the page for the object and the theme. */
static const char args_mark[] = "\"@templateArgs@\"";
static const char theme_mark[] = "\"@theme@\"";

/* --- Rows. */

static void
write_names(struct json *j, const struct stats_entry *e)
{
    json_key(j, "method");
    json_text(j, e->method, e->method_len);
    json_key(j, "name");
    json_text(j, e->name, e->name_len);
}

static void
write_percentiles(struct json *j, const struct stats_entry *e,
                  const struct html_percentile *percentiles, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_key(j, percentiles[i].key);
        json_number(j, entry_percentile(e, percentiles[i].p));
    }
}

static void
write_member(struct json *j, const char *key, double x)
{
    json_key(j, key);
    json_double(j, x);
}

/* Half up, as Locust's web interface has it. */
static double
rounded(double ms)
{
    return isinf(ms) ? 0 : floor(ms + 0.5);
}

/* As StatsEntry.to_dict(), with the keys sorted. */
static void
write_request(struct json *j, const struct html_report *report,
              const struct stats_entry *e, const struct stats_span *span)
{
    json_open(j, '{');
    write_member(j, "avg_content_length", entry_average_length(e));
    write_member(j, "avg_response_time", entry_average(e));
    write_member(j, "current_fail_per_sec", entry_current_fail_rate(e, span));
    write_member(j, "current_rps", entry_current_rps(e, span));
    write_member(j, "max_response_time", rounded(e->max_time));
    json_key(j, "median_response_time");
    json_number(j, entry_median(e));
    json_key(j, "method");
    json_text(j, e->method, e->method_len);
    write_member(j, "min_response_time", rounded(e->min_time));
    json_key(j, "name");
    json_text(j, e->name, e->name_len);
    json_key(j, "num_failures");
    json_int(j, e->failures);
    json_key(j, "num_requests");
    json_int(j, e->requests);
    write_percentiles(j, e, report->statistics, report->statistics_count);
    write_member(j, "total_fail_per_sec", entry_total_fail_rate(e, span));
    write_member(j, "total_rps", entry_total_rps(e, span));
    json_close(j, '}');
}

static void
write_times(struct json *j, const struct html_report *report,
            const struct stats_entry *e, const struct stats_span *span)
{
    json_open(j, '{');
    write_percentiles(j, e, report->times, report->times_count);
    write_names(j, e);
    json_close(j, '}');
}

typedef void (*write_row)(struct json *j, const struct html_report *report,
                          const struct stats_entry *e,
                          const struct stats_span *span);

/* One row per entry, sorted by (name, method), and Aggregated. */
static int
write_entries(struct json *j, const struct html_report *report,
              write_row write)
{
    struct stats *s = report->stats;
    struct stats_entry **list;
    size_t n;
    if (stats_list_entries(s, &list, &n) < 0) {
        return -1;
    }
    json_open(j, '[');
    for (size_t i = 0; i <= n; i++) {
        stats_lock(s);
        struct stats_span span = stats_span(s);
        write(j, report, i < n ? list[i] : s->total, &span);
        stats_unlock(s);
    }
    json_close(j, ']');
    stats_list_free(list, n);
    return 0;
}

/* --- The members that are written here. */

static int
write_requests(struct json *j, const struct html_report *report)
{
    return write_entries(j, report, write_request);
}

static int
write_response_times(struct json *j, const struct html_report *report)
{
    return write_entries(j, report, write_times);
}

static void
write_time_seen(struct json *j, const char *key, double seen)
{
    json_key(j, key);
    if (seen == 0) {
        json_null(j);
    }
    else {
        json_double(j, seen);
    }
}

static void
write_failure(struct json *j, const struct stats_error *e)
{
    json_open(j, '{');
    json_key(j, "error");
    json_text(j, e->text, e->text_len);
    write_time_seen(j, "first_seen", e->first);
    write_time_seen(j, "last_seen", e->last);
    json_key(j, "method");
    json_text(j, e->method, e->method_len);
    json_key(j, "name");
    json_text(j, e->name, e->name_len);
    json_key(j, "occurrences");
    json_int(j, e->occurrences);
    json_close(j, '}');
}

static int
write_failures(struct json *j, const struct html_report *report)
{
    struct stats *s = report->stats;
    struct stats_error **list;
    size_t n;
    if (stats_list_errors(s, &list, &n) < 0) {
        return -1;
    }
    stats_sort_errors(list, n);
    json_open(j, '[');
    for (size_t i = 0; i < n; i++) {
        stats_lock(s);
        write_failure(j, list[i]);
        stats_unlock(s);
    }
    json_close(j, ']');
    stats_list_free_errors(list, n);
    return 0;
}

/* --- What is exact. */

/* To the microsecond. */
static void
write_ms(struct json *j, const char *key, double ms)
{
    json_key(j, key);
    json_number(j, round(ms * 1000) / 1000);
}

static void
write_exact(struct json *j, const struct html_report *report,
            const struct stats_entry *e, const struct stats_span *span)
{
    json_open(j, '{');
    for (size_t i = 0; i < report->times_count; i++) {
        write_ms(j, report->times[i].key,
                 entry_fine_percentile(e, report->times[i].p));
    }
    write_ms(j, "max", e->max_time);
    write_ms(j, "min", isinf(e->min_time) ? 0 : e->min_time);
    json_close(j, '}');
}

static int
write_exact_times(struct json *j, const struct html_report *report)
{
    return write_entries(j, report, write_exact);
}

/* The bound i between the bins of the distribution, in us: 0, 10, 12, 15 ...
   100, 120 ..., each about a fifth above the one before. */
static int64_t
bin_bound(int i)
{
    static const int decade[] = {10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68,
                                 82};
    int64_t us = i == 0 ? 0 : decade[(i - 1) % 12];
    for (int n = (i - 1) / 12; n > 0; n--) {
        us *= 10;
    }
    return us;
}

/* All response times as [from ms, to ms, requests], without gaps. */
static int
write_distribution(struct json *j, const struct html_report *report)
{
    stats_lock(report->stats);
    const struct histogram *h = &report->stats->total->fine;
    uint64_t left = h->count;
    json_open(j, '[');
    for (int i = 0; left > 0; i++) {
        int64_t from = bin_bound(i), to = bin_bound(i + 1);
        uint64_t n = histogram_between(h, from, to);
        left -= n;
        if (n > 0 || left < h->count) {
            json_open(j, '[');
            json_number(j, (double)from / 1000);
            json_number(j, (double)to / 1000);
            json_int(j, (int64_t)n);
            json_close(j, ']');
        }
    }
    json_close(j, ']');
    stats_unlock(report->stats);
    return 0;
}

/* --- The object. */

struct member {
    const char *key;
    int (*write)(struct json *j, const struct html_report *report);
    const struct html_member *given;    /* instead of write */
};

static const struct member own_members[] = {
    {"distribution", write_distribution},
    {"exact_times", write_exact_times},
    {"failures_statistics", write_failures},
    {"requests_statistics", write_requests},
    {"response_time_statistics", write_response_times},
};

#define OWN_MEMBERS (sizeof(own_members) / sizeof(own_members[0]))

static int
compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->key,
                  ((const struct member *)b)->key);
}

/* All members, sorted by key. The caller frees them. NULL without memory. */
static struct member *
list_members(const struct html_report *report, size_t *n)
{
    *n = OWN_MEMBERS + report->member_count;
    struct member *list = malloc(*n * sizeof(*list));
    if (list == NULL) {
        return NULL;
    }
    memcpy(list, own_members, sizeof(own_members));
    for (size_t i = 0; i < report->member_count; i++) {
        list[OWN_MEMBERS + i] = (struct member){
            .key = report->members[i].key, .given = &report->members[i]};
    }
    qsort(list, *n, sizeof(*list), compare_keys);
    return list;
}

int
html_args(struct buf *out, const struct html_report *report)
{
    size_t n;
    struct member *list = list_members(report, &n);
    if (list == NULL) {
        return -1;
    }
    struct json j;
    json_begin(&j, out);
    json_open(&j, '{');
    int result = 0;
    for (size_t i = 0; i < n && result == 0; i++) {
        json_key(&j, list[i].key);
        if (list[i].given != NULL) {
            json_raw(&j, list[i].given->json, list[i].given->length);
        }
        else {
            result = list[i].write(&j, report);
        }
    }
    json_close(&j, '}');
    free(list);
    return json_end(&j) < 0 ? -1 : result;
}

/* --- The page. */

/* Appends what stands before the mark. Gives what follows it, or NULL without
   memory. That both marks are there, in this order, build.py has checked. */
static const char *
up_to(struct buf *out, const char *from, const char *mark)
{
    size_t left = (size_t)(report_page_end - from);
    const char *at = memmem(from, left, mark, strlen(mark));
    if (at == NULL || !buf_append(out, from, (size_t)(at - from))) {
        return NULL;
    }
    return at + strlen(mark);
}

int
html_page(struct buf *out, const char *args, size_t length, const char *theme)
{
    const char *rest = up_to(out, report_page_begin, args_mark);
    if (rest == NULL || !buf_append(out, args, length) ||
        (rest = up_to(out, rest, theme_mark)) == NULL) {
        return -1;
    }
    const char *quoted = strcmp(theme, "dark") == 0    ? "\"dark\""
                         : strcmp(theme, "light") == 0 ? "\"light\""
                                                       : "\"\"";
    bool done = buf_append(out, quoted, strlen(quoted)) &&
                buf_append(out, rest, (size_t)(report_page_end - rest));
    return done ? 0 : -1;
}
