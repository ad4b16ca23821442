/* src/report/junit.c: the document, and texts that could break it. */
#include "config.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/junit.h"
#include "samples.h"

static struct stats *
some_stats(void)
{
    struct stats *s = stats_new(0, 1000);
    assert_non_null(s);
    struct stats_key a = key_of("GET", "/a");
    struct stats_key b = key_of("", "/<b>&\"\n\x01\xff");
    struct stats_sample sample = {.timed = true, .ms = 250, .bucket = 250,
                                  .now = 1002.5};
    struct stats_error *error;
    assert_non_null(stats_log(s, &a, &sample));
    assert_non_null(stats_log(s, &b, &sample));
    assert_non_null(stats_log_error(s, &b, "]]> <no>", 8, 1002, &error));
    return s;
}

static void
assert_has(const struct buf *text, const char *piece)
{
    if (memmem(text->data, text->length, piece, strlen(piece)) == NULL) {
        fail_msg("%s is missing in %.*s", piece, (int)text->length,
                 text->data);
    }
}

static void
the_document(void **state)
{
    const struct threshold_row rows[] = {{"p95<200", "250.0 ms", false},
                                         {"max<300", "250.0 ms", true}};
    const struct junit_exception exceptions[] = {
        {"ValueError('x')", "Traceback:\n  <file>", 3}};
    struct junit_report report = {
        .stats = some_stats(), .thresholds = rows, .threshold_count = 2,
        .exceptions = exceptions, .exception_count = 1};
    struct buf out = {0};
    assert_int_equal(junit_xml(&out, &report), 0);
    static const char *const pieces[] = {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\"locust\" tests=\"5\" failures=\"2\" errors=\"1\">",
        "<testsuite name=\"requests\" tests=\"2\" failures=\"1\" errors=\"0\" "
        "skipped=\"0\" time=\"2.500\" timestamp=\"1970-01-01T00:16:40\">",
        "<testcase classname=\"GET\" name=\"/a\" time=\"0.250000\">"
        "</testcase>",
        "<testcase classname=\"request\" name=\"/&#60;b&#62;&#38;&#34;&#10;"
        "\xef\xbf\xbd\xef\xbf\xbd\" time=\"0.250000\">"
        "<failure message=\"1 of 1 failed\">1 x ]]&#62; &#60;no&#62;\n"
        "</failure></testcase>",
        "<testcase classname=\"threshold\" name=\"p95&#60;200\" "
        "time=\"0.000000\"><failure message=\"not kept\">measured: 250.0 ms"
        "</failure>",
        "<system-out>measured: 250.0 ms</system-out>",
        "<testcase classname=\"exception\" name=\"ValueError('x')\" "
        "time=\"0.000000\"><error message=\"raised 3 times\">Traceback:\n"
        "  &#60;file&#62;</error>",
        "</testsuites>\n",
    };
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        assert_has(&out, pieces[i]);
    }
    buf_free(&out);
    stats_free(report.stats);
}

static void
a_tolerant_one_fails_nothing(void **state)
{
    const struct junit_exception exceptions[] = {{"E()", "Traceback", 1}};
    struct junit_report report = {.stats = some_stats(), .tolerant = true,
                                  .exceptions = exceptions,
                                  .exception_count = 1};
    struct buf out = {0};
    assert_int_equal(junit_xml(&out, &report), 0);
    assert_has(&out, "tests=\"3\" failures=\"0\" errors=\"0\">");
    assert_has(&out, "<system-out>1 x ]]&#62; &#60;no&#62;\n</system-out>");
    assert_null(memmem(out.data, out.length, "<failure", 8));
    assert_null(memmem(out.data, out.length, "<error", 6));
    buf_free(&out);
    stats_free(report.stats);
}

static void
an_empty_test(void **state)
{
    struct junit_report report = {.stats = stats_new(0, 1000)};
    struct buf out = {0};
    assert_int_equal(junit_xml(&out, &report), 0);
    assert_has(&out, "tests=\"0\" failures=\"0\" errors=\"0\">\n"
                     "</testsuites>\n");
    buf_free(&out);
    stats_free(report.stats);
}

/* Entries and errors come in any order; each error belongs to its own. */
static void
errors_of_many(void **state)
{
    static const struct {
        const char *method, *name, *text;
    } seen[] = {
        {"GET", "/b", "second"}, {"GET", "/a", "z"},    {"PUT", "/a", "put"},
        {"GET", "/a", "a"},      {"GET", "/b", "third"},
    };
    struct junit_report report = {.stats = stats_new(0, 1000)};
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        struct stats_key key = {.method = seen[i].method, .method_len = 3,
                                .name = seen[i].name, .name_len = 2};
        struct stats_error *error;
        assert_non_null(stats_log_error(report.stats, &key, seen[i].text,
                                        strlen(seen[i].text), 1001, &error));
    }
    struct stats_key other = {.method = "GET", .method_len = 3, .name = "/0",
                              .name_len = 2};
    assert_non_null(stats_get(report.stats, &other, 1001));
    struct buf out = {0};
    assert_int_equal(junit_xml(&out, &report), 0);
    assert_has(&out, "name=\"/0\" time=\"0.000000\"></testcase>");
    assert_has(&out, "name=\"/a\" time=\"0.000000\"><failure message=\"2 of 0 "
                     "failed\">1 x z\n1 x a\n</failure>");
    assert_has(&out, "classname=\"PUT\" name=\"/a\" time=\"0.000000\">"
                     "<failure message=\"1 of 0 failed\">1 x put\n</failure>");
    assert_has(&out, "name=\"/b\" time=\"0.000000\"><failure message=\"2 of 0 "
                     "failed\">1 x second\n1 x third\n</failure>");
    buf_free(&out);
    stats_free(report.stats);
}

static void
absurd_response_times(void **state)
{
    static const double times[] = {1e300, -5};
    static const char *const told[] = {"1000000000000000.000000", "0.000000"};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct junit_report report = {.stats = stats_new(0, 1000)};
        struct stats_key key = {.method = "GET", .method_len = 3,
                                .name = "/a", .name_len = 2};
        struct stats_sample sample = {.timed = true, .ms = times[i],
                                      .bucket = times[i], .now = 1001};
        assert_non_null(stats_log(report.stats, &key, &sample));
        struct buf out = {0};
        char expected[100];
        assert_int_equal(junit_xml(&out, &report), 0);
        snprintf(expected, sizeof(expected), "time=\"%s\"></testcase>",
                 told[i]);
        assert_has(&out, expected);
        buf_free(&out);
        stats_free(report.stats);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document),
        cmocka_unit_test(a_tolerant_one_fails_nothing),
        cmocka_unit_test(an_empty_test),
        cmocka_unit_test(errors_of_many),
        cmocka_unit_test(absurd_response_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
