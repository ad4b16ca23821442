/* src/report/table.c: the console's tables, to the character. */
#include "unit.h"

#include <string.h>

#include "report/table.h"
#include "samples.h"

static const struct table_layout narrow = {.type_width = 8, .name_width = 20};

static void
assert_lines(struct lines *out, const char *const *golden, size_t n)
{
    assert_int_equal(out->count, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(out->items[i], golden[i]);
    }
    lines_clear(out);
}

#define ASSERT_LINES(out, golden) \
    assert_lines(out, golden, sizeof(golden) / sizeof(golden[0]))

static struct stats *
some_stats(void)
{
    struct stats *s = stats_new(0, 1000);
    s->total->start = 1000;
    log_ms(s, "GET", "/b", 12500.9, 1005);
    log_ms(s, "GET", "/\xc3\xa9", 3.7, 1006);
    log_ms(s, "GET", "/\xc3\xa9", 155, 1010);
    log_ms(s, "POST", "/b", -1, 1010);
    log_fail(s, "/b", "boom", 1010);
    return s;
}

#define SEPARATOR \
    "--------|----------------|-------|-------------|-------|-------|-------" \
    "|-------|--------|-----------"
#define HEADER \
    "Type     Name              # reqs      # fails |    Avg     Min     Max" \
    "    Med |   req/s  failures/s"

static void
stats_table(void **state)
{
    static const char *const golden[] = {
        HEADER,
        SEPARATOR,
        "GET      /b                     1   1(100.00%) |  12500   12500   "
        "12500  12500 |    0.10        0.10",
        "POST     /b                     1     0(0.00%) |      0       0     "
        "  0      0 |    0.10        0.00",
        "GET      /\xc3\xa9                     2     0(0.00%) |     79       "
        "3     155      4 |    0.20        0.00",
        SEPARATOR,
        "         Aggregated             4    1(25.00%) |   4219       3   "
        "12500    160 |    0.40        0.10",
    };
    struct stats *s = some_stats();
    struct lines out = {0};
    assert_int_equal(table_stats(&out, s, &narrow, false), 0);
    ASSERT_LINES(&out, golden);
    stats_free(s);
}

static void
stats_table_with_current_rates(void **state)
{
    struct stats *s = some_stats();
    struct lines out = {0};
    assert_int_equal(table_stats(&out, s, &narrow, true), 0);
    /* Seconds 1000 to 1007 of which two saw a request. */
    assert_non_null(strstr(out.items[6], "|    0.25        0.00"));
    lines_clear(&out);
    stats_free(s);
}

static void
tables_of_nothing(void **state)
{
    static const char *const golden[] = {
        HEADER,
        SEPARATOR,
        SEPARATOR,
        "         Aggregated             0     0(0.00%) |      0       0     "
        "  0      0 |    0.00        0.00",
        "Response time percentiles (approximated)",
        "Type     Name                      50%   100% # reqs",
        "--------|--------------------|--------|------|------",
        "--------|--------------------|--------|------|------",
        "Error report",
        "# occurrences      Error                                          "
        "                                                     ",
        "------------------|-----------------------------------------------"
        "----------------------------------",
        "------------------|-----------------------------------------------"
        "----------------------------------",
        "",
    };
    static const double percentiles[] = {0.5, 1.0};
    struct stats *s = stats_new(0, 1000);
    struct lines out = {0};
    assert_int_equal(table_stats(&out, s, &narrow, true), 0);
    assert_int_equal(table_percentiles(&out, s, &narrow, percentiles, 2), 0);
    assert_int_equal(table_errors(&out, s, &narrow), 0);
    ASSERT_LINES(&out, golden);
    stats_free(s);
}

static void
percentile_table(void **state)
{
    static const char *const golden[] = {
        "Response time percentiles (approximated)",
        "Type     Name                      50%  99.9%   100% # reqs",
        "--------|--------------------|--------|------|------|------",
        "GET      /b                      12500  12500  12500      1",
        "GET      /\xc3\xa9                        155    155    155      2",
        "--------|--------------------|--------|------|------|------",
        "         Aggregated                160  12500  12500      4",
    };
    static const double percentiles[] = {0.5, 0.999, 1.0};
    struct stats *s = some_stats();
    struct lines out = {0};
    assert_int_equal(table_percentiles(&out, s, &narrow, percentiles, 3), 0);
    ASSERT_LINES(&out, golden);
    stats_free(s);
}

static void
labels_of_percentiles(void **state)
{
    static const struct {
        double p;
        const char *label;
    } golden[] = {{0.5, "50%"}, {0.66, "66%"}, {0.99, "99%"}, {1.0, "100%"},
                  {0.999, "99.9%"}, {0.9999, "99.99%"},
                  {0.12345678, "12.345678%"}, {0.29, "29.0%"}, {0, "0%"}};
    for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        char label[48];
        percentile_label(label, sizeof(label), golden[i].p);
        assert_string_equal(label, golden[i].label);
    }
}

static void
error_table(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct lines out = {0};
    log_fail(s, "/\xc3\xa9", "boom", 1010);
    log_fail(s, "/\xc3\xa9", "boom", 1010);
    struct stats_error *error =
        log_fail(s, "/x", "CatchResponseError('bad')", 1010);
    assert_int_equal(error_set_label(error, "bad", 3), 0);
    assert_int_equal(table_errors(&out, s, &narrow), 0);
    assert_int_equal(out.count, 7);
    assert_non_null(strstr(out.items[3],
                           "2                  GET /\xc3\xa9: boom   "));
    assert_int_equal(strlen(out.items[3]), 18 + 1 + 100 + 1);
    assert_non_null(strstr(out.items[4], "1                  GET /x: bad "));
    assert_string_equal(out.items[6], "");
    lines_clear(&out);
    stats_free(s);
}

static void
long_names_push_the_columns(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct lines out = {0};
    log_ms(s, "GET", "/a/name/that/is/too/long", 5, 1001);
    assert_int_equal(table_stats(&out, s, &narrow, true), 0);
    assert_non_null(strstr(out.items[2],
                           "GET      /a/name/that/is/too/long       1     "));
    lines_clear(&out);
    stats_free(s);
}

static void
lag_is_told_when_it_matters(void **state)
{
    struct lag lag = {0};
    struct lines out = {0};
    assert_int_equal(lag_log(&lag, 10000, 900000), 0);
    assert_int_equal(report_lag_lines(&out, &lag), 0);
    assert_int_equal(out.count, 0);
    lag_clear(&lag);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(lag_log(&lag, 127000, 4000000), 0);
    }
    assert_int_equal(report_lag_lines(&out, &lag), 0);
    assert_int_equal(out.count, 4);
    assert_non_null(strstr(out.items[1], "median 0.1 ms"));
    assert_non_null(strstr(out.items[2], "median 4.0 ms, 99% below 4.0 ms"));
    lines_clear(&out);
    lag_clear(&lag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats_table),
        cmocka_unit_test(stats_table_with_current_rates),
        cmocka_unit_test(tables_of_nothing),
        cmocka_unit_test(percentile_table),
        cmocka_unit_test(labels_of_percentiles),
        cmocka_unit_test(error_table),
        cmocka_unit_test(long_names_push_the_columns),
        cmocka_unit_test(lag_is_told_when_it_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
