/* Pass or fail; see threshold.h. */
#include "config.h"
#include "report/threshold.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 15           /* all of them count in a double */
#define WIDEST 200              /* of the table's column */

/* --- Reading. */

struct reader {
    const char *text;
    const char *at;
    struct threshold_error *error;
};

static int
wrong(struct reader *r, const char *expected)
{
    r->error->position = (size_t)(r->at - r->text);
    r->error->expected = expected;
    return -1;
}

static void
skip_blanks(struct reader *r)
{
    r->at += strspn(r->at, " \t");
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number without a sign. What it consists of tells it apart from the fancies
   of strtod(), such as nan and 0x1p3. */
static int
read_number(struct reader *r, double *number)
{
    char digits[DIGITS_MAX + 2];
    size_t n = 0;
    bool point = false;
    while (is_digit(r->at[n]) || (r->at[n] == '.' && !point)) {
        point |= r->at[n] == '.';
        if (n >= DIGITS_MAX + (size_t)point) {
            return wrong(r, "a number of at most 15 digits");
        }
        digits[n] = r->at[n];
        n++;
    }
    if (n == (size_t)point) {
        return wrong(r, "a number");
    }
    digits[n] = '\0';
    r->at += n;
    /* strtod() follows the locale, which may have a comma: no point is left. */
    char *dot = strchr(digits, '.');
    size_t behind = dot == NULL ? 0 : strlen(dot + 1);
    if (dot != NULL) {
        memmove(dot, dot + 1, behind + 1);
    }
    *number = strtod(digits, NULL) / pow(10, (double)behind);
    return 0;
}

/* METHOD and name before the last colon, if there is one, without the blanks
   around the name. */
static int
read_request(struct reader *r, struct threshold *t)
{
    const char *colon = strrchr(r->text, ':');
    if (colon == NULL) {
        return 0;
    }
    size_t method = strcspn(r->at, " ");
    if (method == 0 || r->at + method >= colon) {
        return wrong(r, "METHOD and name of a request before the colon");
    }
    t->key.method = r->at;
    t->key.method_len = method;
    const char *name = r->at + method + 1, *end = colon;
    while (name < end && *name == ' ') {
        name++;
    }
    while (end > name && end[-1] == ' ') {
        end--;
    }
    t->key.name = name;
    t->key.name_len = (size_t)(end - name);
    r->at = colon + 1;
    return 0;
}

static int
read_percentile(struct reader *r, struct threshold *t)
{
    double percent;
    r->at++;
    const char *begin = r->at;
    if (read_number(r, &percent) < 0) {
        return -1;
    }
    if (percent <= 0 || percent > 100) {
        r->at = begin;
        return wrong(r, "a percentile above 0 and up to 100");
    }
    t->metric = THRESHOLD_PERCENTILE;
    t->percentile = percent / 100;
    return 0;
}

static int
read_metric(struct reader *r, struct threshold *t)
{
    static const struct {
        const char *name;
        enum threshold_metric metric;
    } metrics[] = {
        {"median", THRESHOLD_PERCENTILE}, {"avg", THRESHOLD_AVERAGE},
        {"min", THRESHOLD_MIN},           {"max", THRESHOLD_MAX},
        {"rps", THRESHOLD_RPS},           {"fail_ratio", THRESHOLD_FAIL_RATIO},
        {"failures", THRESHOLD_FAILURES}, {"requests", THRESHOLD_REQUESTS},
    };
    skip_blanks(r);
    if (r->at[0] == 'p' && is_digit(r->at[1])) {
        return read_percentile(r, t);
    }
    size_t n = strspn(r->at, "abcdefghijklmnopqrstuvwxyz_");
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        if (strlen(metrics[i].name) == n &&
            memcmp(r->at, metrics[i].name, n) == 0) {
            r->at += n;
            t->metric = metrics[i].metric;
            t->percentile = 0.5;
            return 0;
        }
    }
    return wrong(r, "p50 to p99.99, median, avg, min, max, rps, fail_ratio, "
                    "failures or requests");
}

static int
read_operator(struct reader *r, struct threshold *t)
{
    /* The longer ones first. */
    static const struct {
        const char *text;
        enum threshold_operator op;
    } operators[] = {
        {"<=", THRESHOLD_AT_MOST}, {">=", THRESHOLD_AT_LEAST},
        {"==", THRESHOLD_EQUAL},   {"!=", THRESHOLD_DIFFERENT},
        {"<", THRESHOLD_BELOW},    {">", THRESHOLD_ABOVE},
    };
    skip_blanks(r);
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t n = strlen(operators[i].text);
        if (strncmp(r->at, operators[i].text, n) == 0) {
            r->at += n;
            t->op = operators[i].op;
            return 0;
        }
    }
    return wrong(r, "<, <=, >, >=, == or !=");
}

static bool
is_time(const struct threshold *t)
{
    return t->metric <= THRESHOLD_MAX;
}

static bool
take_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(r->at, word, n) != 0) {
        return false;
    }
    r->at += n;
    return true;
}

static int
read_unit(struct reader *r, struct threshold *t)
{
    const char *expected = "the end";
    skip_blanks(r);
    if (is_time(t)) {
        expected = "ms, s or the end";
        if (!take_word(r, "ms") && take_word(r, "s")) {
            t->limit *= 1000;
        }
    }
    else if (t->metric == THRESHOLD_FAIL_RATIO) {
        expected = "% or the end";
        if (take_word(r, "%")) {
            t->limit /= 100;
        }
    }
    skip_blanks(r);
    return *r->at == '\0' ? 0 : wrong(r, expected);
}

int
threshold_parse(struct threshold *t, const char *text,
                struct threshold_error *error)
{
    struct reader r = {.text = text, .at = text, .error = error};
    *t = (struct threshold){.text = text};
    skip_blanks(&r);
    if (read_request(&r, t) < 0 || read_metric(&r, t) < 0 ||
        read_operator(&r, t) < 0) {
        return -1;
    }
    skip_blanks(&r);
    return read_number(&r, &t->limit) < 0 || read_unit(&r, t) < 0 ? -1 : 0;
}

/* --- Checking. */

/* False: there is nothing to say about. */
static bool
measure(const struct threshold *t, const struct stats_entry *e,
        const struct stats_span *span, double *value)
{
    switch (t->metric) {
    case THRESHOLD_PERCENTILE:
        *value = entry_fine_percentile(e, t->percentile);
        return entry_timed(e) > 0;
    case THRESHOLD_AVERAGE:
        *value = entry_average(e);
        return entry_timed(e) > 0;
    case THRESHOLD_MIN:
        *value = e->min_time;
        return entry_timed(e) > 0;
    case THRESHOLD_MAX:
        *value = e->max_time;
        return entry_timed(e) > 0;
    case THRESHOLD_RPS:
        *value = entry_total_rps(e, span);
        return true;
    case THRESHOLD_FAIL_RATIO:
        *value = entry_fail_ratio(e);
        return e->requests > 0 || e->failures > 0;
    case THRESHOLD_FAILURES:
        *value = (double)e->failures;
        return true;
    default:
        *value = (double)e->requests;
        return true;
    }
}

static bool
holds(const struct threshold *t, double value)
{
    switch (t->op) {
    case THRESHOLD_BELOW:
        return value < t->limit;
    case THRESHOLD_AT_MOST:
        return value <= t->limit;
    case THRESHOLD_ABOVE:
        return value > t->limit;
    case THRESHOLD_AT_LEAST:
        return value >= t->limit;
    case THRESHOLD_EQUAL:
        return value == t->limit;
    default:
        return value != t->limit;
    }
}

/* Whether the value is greater than anything that the threshold allows. */
static bool
exceeds(const struct threshold *t, double value)
{
    switch (t->op) {
    case THRESHOLD_BELOW:
        return value >= t->limit;
    case THRESHOLD_AT_MOST:
    case THRESHOLD_EQUAL:
        return value > t->limit;
    default:
        return false;
    }
}

void
threshold_check(const struct threshold *t, struct stats *s,
                struct threshold_result *result)
{
    *result = (struct threshold_result){0};
    stats_lock(s);
    const struct stats_entry *e =
        t->key.method == NULL ? s->total : stats_find(s, &t->key);
    struct stats_span span = stats_span(s);
    result->measured =
        e != NULL && measure(t, e, &span, &result->value);
    stats_unlock(s);
    if (result->measured) {
        result->kept = holds(t, result->value);
        result->exceeded = exceeds(t, result->value);
    }
}

/* --- Telling. */

void
threshold_value_text(char *out, size_t size, const struct threshold *t,
                     const struct threshold_result *result)
{
    double value = result->value;
    if (!result->measured) {
        snprintf(out, size, "no such request");
        if (t->key.method == NULL) {
            snprintf(out, size, "no requests");
        }
    }
    else if (is_time(t)) {
        snprintf(out, size, "%.*f ms", value < 100 ? 3 : 1, value);
    }
    else if (t->metric == THRESHOLD_FAIL_RATIO) {
        snprintf(out, size, "%.2f%%", value * 100);
    }
    else if (t->metric == THRESHOLD_RPS) {
        snprintf(out, size, "%.2f/s", value);
    }
    else {
        snprintf(out, size, "%.0f", value);
    }
}

/* How many columns the longest text takes, in bytes; at least this many. */
static int
widest(const struct threshold_row *rows, size_t n, size_t least)
{
    size_t width = least;
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(rows[i].text);
        width = length > width ? length : width;
    }
    return width > WIDEST ? WIDEST : (int)width;
}

int
threshold_table(struct lines *out, const struct threshold_row *rows, size_t n)
{
    int width = widest(rows, n, strlen("Threshold"));
    lines_printf(out, "Thresholds");
    lines_end(out);
    lines_printf(out, "%-8s %-*s %s", "Result", width, "Threshold",
                 "Measured");
    lines_end(out);
    lines_printf(out, "--------|");
    lines_fill(out, '-', (size_t)width);
    lines_printf(out, "|----------------");
    lines_end(out);
    for (size_t i = 0; i < n; i++) {
        lines_printf(out, "%-8s ", rows[i].kept ? "passed" : "FAILED");
        lines_pad(out, rows[i].text, width);
        lines_printf(out, " %s", rows[i].measured);
        lines_end(out);
    }
    lines_end(out);
    return out->failed ? -1 : 0;
}
