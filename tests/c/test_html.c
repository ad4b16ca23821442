/* src/report/html.c: the object, its order, and its place in the page. */
#include "config.h"
#include "unit.h"

#include <string.h>

#include "report/html.h"
#include "samples.h"

static struct stats *
some_stats(void)
{
    struct stats *s = stats_new(0, 1000);
    assert_non_null(s);
    struct stats_key b = key_of("GET", "/b"), a = key_of("", "/a");
    struct stats_sample sample = {.timed = true, .ms = 12.4, .bucket = 12,
                                  .length = 100, .now = 1010};
    struct stats_error *error;
    assert_non_null(stats_log(s, &b, &sample));
    sample.ms = sample.bucket = 20;
    assert_non_null(stats_log(s, &b, &sample));
    assert_non_null(stats_log(s, &a, &sample));
    assert_non_null(
        stats_log_error(s, &b, "<no>", 4, 1010.5, &error));
    return s;
}

/* Whether the pieces stand in the text, in this order; NULL ends them. */
static void
assert_in_order(const struct buf *text, const char *const *pieces)
{
    const char *at = text->data;
    for (; *pieces != NULL; pieces++) {
        size_t left = text->length - (size_t)(at - text->data);
        at = memmem(at, left, *pieces, strlen(*pieces));
        if (at == NULL) {
            fail_msg("%s is missing or too early", *pieces);
        }
        at += strlen(*pieces);
    }
}

static void
the_object_is_sorted(void **state)
{
    const struct html_percentile statistics[] = {
        {0.5, "response_time_percentile_0.5"}};
    const struct html_percentile times[] = {{0.5, "0.5"}, {1, "1.0"}};
    const struct html_member members[] = {
        {"host", "\"</script>\"", 11}, {"aa", "[1]", 3}};
    struct html_report report = {
        .stats = some_stats(), .statistics = statistics,
        .statistics_count = 1, .times = times, .times_count = 2,
        .members = members, .member_count = 2};
    struct buf out = {0};
    assert_int_equal(html_args(&out, &report), 0);
    const char *const pieces[] = {
        "{\"aa\":[1],\"distribution\":[[12,15,1],[15,18,0],[18,22,2]]",
        ",\"exact_times\":[{\"0.5\":20,\"1.0\":20,\"max\":20,\"min\":20},",
        "\"max\":20,\"min\":12.4},{",
        ",\"failures_statistics\":[{\"error\":\"\\u003cno\\u003e\","
        "\"first_seen\":1010.5,\"last_seen\":1010.5,\"method\":\"GET\","
        "\"name\":\"/b\",\"occurrences\":1}]",
        ",\"host\":\"\\u003c/script\\u003e\"",
        ",\"requests_statistics\":[{\"avg_content_length\":100.0,"
        "\"avg_response_time\":20.0,\"current_fail_per_sec\":0.0,"
        "\"current_rps\":",
        "\"max_response_time\":20.0,\"median_response_time\":20,"
        "\"method\":\"\",\"min_response_time\":20.0,\"name\":\"/a\","
        "\"num_failures\":0,\"num_requests\":1,"
        "\"response_time_percentile_0.5\":20,\"total_fail_per_sec\":0.0,"
        "\"total_rps\":0.1}",
        "\"name\":\"/b\",\"num_failures\":1,\"num_requests\":2",
        "\"name\":\"Aggregated\",\"num_failures\":1,\"num_requests\":3",
        "\"response_time_statistics\":[{\"0.5\":20,\"1.0\":20,"
        "\"method\":\"\",\"name\":\"/a\"},",
        "}]}",
        NULL};
    assert_in_order(&out, pieces);
    assert_null(memmem(out.data, out.length, "<", 1));
    buf_free(&out);
    stats_free(report.stats);
}

static void
an_empty_test_has_no_rows_but_the_sum(void **state)
{
    struct html_report report = {.stats = stats_new(0, 1000)};
    struct buf out = {0};
    assert_int_equal(html_args(&out, &report), 0);
    const char *const pieces[] = {
        "{\"distribution\":[],"
        "\"exact_times\":[{\"max\":0,\"min\":0}],"
        "\"failures_statistics\":[],\"requests_statistics\":[{",
        "\"min_response_time\":0.0",
        "\"response_time_statistics\":[{\"method\":\"\","
        "\"name\":\"Aggregated\"}]}",
        NULL};
    assert_in_order(&out, pieces);
    buf_free(&out);
    stats_free(report.stats);
}

static void
the_distribution_has_every_time_once(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct stats_key key = key_of("GET", "/");
    const double times[] = {0, 0.004, 0.01, 0.0112, 0.99, 1, 4e9};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct stats_sample sample = {.timed = true, .ms = times[i],
                                      .bucket = 1, .now = 1001};
        assert_non_null(stats_log(s, &key, &sample));
    }
    struct html_report report = {.stats = s};
    struct buf out = {0};
    assert_int_equal(html_args(&out, &report), 0);
    const char *const pieces[] = {
        "{\"distribution\":[[0,0.01,2],[0.01,0.012,2],[0.012,0.015,0],",
        ",[0.82,1,1],[1,1.2,1],[1.2,1.5,0],",
        ",[3900000000,4700000000,1]],\"exact_times\"", NULL};
    assert_in_order(&out, pieces);
    buf_free(&out);
    stats_free(s);
}

static void
the_object_and_the_theme_are_in_the_page(void **state)
{
    struct buf out = {0};
    assert_int_equal(html_page(&out, "{\"a\":1}", 7, "dark"), 0);
    const char *const pieces[] = {
        "<!DOCTYPE html>", "window.templateArgs = {\"a\":1}\n",
        "window.theme = \"dark\"\n", "</html>", NULL};
    assert_in_order(&out, pieces);
    assert_null(memmem(out.data, out.length, "\"@", 2));
    buf_free(&out);
}

static void
an_unknown_theme_is_the_system_s(void **state)
{
    struct buf out = {0};
    assert_int_equal(html_page(&out, "{}", 2, "\";alert(1);\""), 0);
    const char *const pieces[] = {"window.theme = \"\"\n", NULL};
    assert_in_order(&out, pieces);
    assert_null(memmem(out.data, out.length, "alert(1)", 8));
    buf_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_object_is_sorted),
        cmocka_unit_test(an_empty_test_has_no_rows_but_the_sum),
        cmocka_unit_test(the_distribution_has_every_time_once),
        cmocka_unit_test(the_object_and_the_theme_are_in_the_page),
        cmocka_unit_test(an_unknown_theme_is_the_system_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
