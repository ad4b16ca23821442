/* src/report/threshold.c: what is read, what is refused and where, and what
   holds. */
#include "config.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "report/threshold.h"
#include "samples.h"

static void
log_times(struct stats *s, const char *name, int from, int to)
{
    struct stats_key key = key_of("GET", name);
    for (int ms = from; ms <= to; ms++) {
        struct stats_sample sample = {.timed = true, .ms = ms, .bucket = ms,
                                      .now = 1000 + ms / 10.0};
        assert_non_null(stats_log(s, &key, &sample));
    }
}

/* 100 requests of 1 to 100 ms, of which two failed, and one without a time. */
static struct stats *
some_stats(void)
{
    struct stats *s = stats_new(0, 1000);
    assert_non_null(s);
    log_times(s, "/a", 1, 50);
    log_times(s, "/b:c d", 51, 100);
    struct stats_key a = key_of("GET", "/a");
    struct stats_key untimed = key_of("POST", "/untimed");
    struct stats_sample sample = {.now = 1010};
    struct stats_error *error;
    assert_non_null(stats_log_error(s, &a, "no", 2, 1010, &error));
    assert_non_null(stats_log_error(s, &a, "no", 2, 1010, &error));
    assert_non_null(stats_log(s, &untimed, &sample));
    return s;
}

static void
what_holds(void **state)
{
    static const struct {
        const char *text;
        bool kept;
        bool exceeded;
        const char *value;
    } cases[] = {
        {"requests==101", true, false, "101"},
        {"requests>101", false, false, "101"},
        {"requests < 101", false, true, "101"},
        {"requests!=101", false, false, "101"},
        {"requests==100", false, true, "101"},
        {"requests==102", false, false, "101"},
        {"failures<=2", true, false, "2"},
        {"failures<2", false, true, "2"},
        {"fail_ratio<2%", true, false, "1.98%"},
        {"fail_ratio<0.0199", true, false, "1.98%"},
        {"fail_ratio<=1.98 %", false, true, "1.98%"},
        {"GET /a:fail_ratio==4%", true, false, "4.00%"},
        {"max<=100", true, false, "100.0 ms"},
        {"max<0.1s", false, true, "100.0 ms"},
        {"max<=.1 s", true, false, "100.0 ms"},
        {"min==1", true, false, "1.000 ms"},
        {"avg==50.5ms", true, false, "50.500 ms"},
        {"\tavg  >=  50.5 ", true, false, "50.500 ms"},
        {"rps>=10", true, false, "10.10/s"},
        {"GET /b:c d:min==51", true, false, "51.000 ms"},
        {"GET /b:c d: p100==100", true, false, "100.0 ms"},
        {" GET  /b:c d : p100==100", true, false, "100.0 ms"},
        {"GET /b:requests>0", false, false, "no such request"},
        {"POST /a:requests>0", false, false, "no such request"},
        {"POST /untimed:p50<1", false, false, "no such request"},
        {"POST /untimed:requests==1", true, false, "1"},
    };
    struct stats *s = some_stats();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct threshold t;
        struct threshold_error error;
        struct threshold_result result;
        char value[64];
        print_message("%s\n", cases[i].text);
        assert_int_equal(threshold_parse(&t, cases[i].text, &error), 0);
        threshold_check(&t, s, &result);
        threshold_value_text(value, sizeof(value), &t, &result);
        assert_int_equal(result.kept, cases[i].kept);
        assert_int_equal(result.exceeded, cases[i].exceeded);
        if (strncmp(cases[i].text, "POST /untimed:p", 15) != 0) {
            assert_string_equal(value, cases[i].value);
        }
    }
    stats_free(s);
}

static void
percentiles_are_those_of_the_fine_histogram(void **state)
{
    static const struct {
        const char *text;
        double p;
    } cases[] = {{"p50<1", 0.5},     {"median<1", 0.5}, {"p95<1", 0.95},
                 {"p99.9<1", 0.999}, {"p1<1", 0.01},    {"p100<1", 1}};
    struct stats *s = some_stats();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct threshold t;
        struct threshold_error error;
        struct threshold_result result;
        assert_int_equal(threshold_parse(&t, cases[i].text, &error), 0);
        threshold_check(&t, s, &result);
        assert_true(result.measured);
        assert_near(result.value, entry_fine_percentile(s->total, cases[i].p));
    }
    stats_free(s);
}

static void
nothing_measured_is_not_kept(void **state)
{
    static const char *const texts[] = {"p95<200", "avg<1", "min>0", "max<1",
                                        "fail_ratio<1%"};
    struct stats *s = stats_new(0, 1000);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct threshold t;
        struct threshold_error error;
        struct threshold_result result;
        char value[64];
        assert_int_equal(threshold_parse(&t, texts[i], &error), 0);
        threshold_check(&t, s, &result);
        assert_false(result.kept || result.exceeded || result.measured);
        threshold_value_text(value, sizeof(value), &t, &result);
        assert_string_equal(value, "no requests");
    }
    stats_free(s);
}

static void
what_is_refused(void **state)
{
    static const struct {
        const char *text;
        size_t position;
        const char *expected;
    } cases[] = {
        {"", 0, "p50"},
        {"p95", 3, "<, <="},
        {"p95=200", 3, "<, <="},
        {"p95<", 4, "a number"},
        {"p95<x", 4, "a number"},
        {"p95<-1", 4, "a number"},
        {"p95<.", 4, "a number"},
        {"p95<nan", 4, "a number"},
        {"p95<0x10", 5, "ms, s or the end"},
        {"p95<1e3", 5, "ms, s or the end"},
        {"p95<1.2.3", 7, "ms, s or the end"},
        {"p95<1234567890123456", 4, "at most 15 digits"},
        {"p95<200 %", 8, "ms, s or the end"},
        {"p95<200ms x", 10, "ms, s or the end"},
        {"p0<1", 1, "a percentile"},
        {"p101<1", 1, "a percentile"},
        {"p<1", 0, "p50"},
        {"p95x<1", 3, "<, <="},
        {"rpss<1", 0, "p50"},
        {"RPS<1", 0, "p50"},
        {"rps<1ms", 5, "the end"},
        {"failures<1%", 10, "the end"},
        {"fail_ratio<1ms", 12, "% or the end"},
        {"/login:p95<1", 0, "METHOD and name"},
        {":p95<1", 0, "METHOD and name"},
        {"GET /a:", 7, "p50"},
        {"GET /a:p95<1:", 13, "p50"},
        {"GET /a:nope<1", 7, "p50"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct threshold t;
        struct threshold_error error = {0};
        print_message("%s\n", cases[i].text);
        assert_int_equal(threshold_parse(&t, cases[i].text, &error), -1);
        assert_int_equal(error.position, cases[i].position);
        assert_non_null(strstr(error.expected, cases[i].expected));
    }
}

static void
the_table(void **state)
{
    const struct threshold_row rows[] = {
        {"p95<200", "12.500 ms", true},
        {"GET /\xc3\xa9:p99<500", "612.0 ms", false}};
    static const char *const golden[] = {
        "Thresholds",
        "Result   Threshold       Measured",
        "--------|---------------|----------------",
        "passed   p95<200         12.500 ms",
        "FAILED   GET /\xc3\xa9:p99<500  612.0 ms",
        "",
    };
    struct lines out = {0};
    assert_int_equal(threshold_table(&out, rows, 2), 0);
    assert_int_equal(out.count, sizeof(golden) / sizeof(golden[0]));
    for (size_t i = 0; i < out.count; i++) {
        assert_string_equal(out.items[i], golden[i]);
    }
    lines_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds),
        cmocka_unit_test(percentiles_are_those_of_the_fine_histogram),
        cmocka_unit_test(nothing_measured_is_not_kept),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
