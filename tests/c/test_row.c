/* src/report/row.c: numbers as Python writes them, rows of each kind. */
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/csv.h"
#include "samples.h"

static void
numbers_are_written_as_python_does(void **state)
{
    static const struct {
        double number;
        const char *text;
    } golden[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {100, "100.0"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {12.5, "12.5"},
        {-155.25, "-155.25"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-05"},
        {0.000012345, "1.2345e-05"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1.5e300, "1.5e+300"},
        {1234567890123456, "1234567890123456.0"},
        {12345678901234567, "1.2345678901234568e+16"},
        {1700000000.25, "1700000000.25"},
        {5e-324, "5e-324"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        char text[32];
        number_text(text, sizeof(text), golden[i].number);
        assert_string_equal(text, golden[i].text);
    }
}

static void
numbers_come_back(void **state)
{
    srand48(1);
    for (int i = 0; i < 100000; i++) {
        double x = ldexp(drand48() - 0.5, (int)(drand48() * 200) - 100);
        char text[32];
        number_text(text, sizeof(text), x);
        assert_true(strtod(text, NULL) == x);
    }
}

static void
log_time(struct stats *s, const char *name, double ms, bool whole, double now)
{
    struct stats_key key = key_of("GET", name);
    struct stats_sample sample = {.timed = true, .ms = ms, .whole = whole,
                                  .bucket = bucket_round(ms), .length = 10,
                                  .now = now};
    assert_non_null(stats_log(s, &key, &sample));
}

static const double parts[] = {0.5, 1};
static const struct percentiles two = {.items = parts, .count = 2};

static void
assert_text(struct buf *out, const char *text)
{
    assert_true(buf_append(out, "", 1));
    assert_string_equal(out->data, text);
    buf_free(out);
}

static void
requests_are_sorted_and_added_up(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct buf out = {0};
    log_time(s, "/b", 7, true, 1010);
    log_time(s, "/a, \"b\"", 127.5, false, 1020);
    assert_non_null(stats_get(s, &(struct stats_key){"", "/no", 0, 3}, 0));
    assert_int_equal(rows_of_requests(s, &two, csv_sink, &out), 0);
    /* 130 is above the greatest time, so that is what reports show. */
    assert_text(&out,
                "GET,\"/a, \"\"b\"\"\",1,0,127.5,127.5,127.5,127.5,10.0,0.05,"
                "0.0,127,127\r\n"
                "GET,/b,1,0,7,7.0,7,7,10.0,0.05,0.0,7,7\r\n"
                ",/no,0,0,0,0.0,0,0,0,0.0,0.0,N/A,N/A\r\n"
                ",Aggregated,2,0,7,67.25,7.0,127.5,10.0,0.1,0.0,127,127\r\n");
    stats_free(s);
}

static void
failures_are_sorted_by_key(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct buf out = {0};
    struct stats_key key = key_of("GET", "/a");
    struct stats_error *first, *second;
    stats_log_error(s, &key, "late\nline", 9, 1700000000.9, &first);
    stats_log_error(s, &key, "early", 5, 1, &second);
    second->first = 0;
    memset(first->key, 'f', STATS_ERROR_KEY);
    memset(second->key, '0', STATS_ERROR_KEY);
    assert_int_equal(rows_of_failures(s, csv_sink, &out), 0);
    assert_text(&out,
                "GET,/a,early,1,,1970-01-01T00:00:01Z\r\n"
                "GET,/a,\"late\nline\",1,2023-11-14T22:13:20Z,"
                "2023-11-14T22:13:20Z\r\n");
    stats_free(s);
}

static void
history_is_of_all_or_of_each(void **state)
{
    struct stats *s = stats_new(STATS_SNAPSHOTS, 1000);
    struct buf out = {0};
    struct history_moment moment = {.now = 1021.9, .users = 5, .window = 10};
    for (int second = 1001; second <= 1020; second++) {
        log_time(s, "/a", second < 1015 ? 7 : 50, false, second);
    }
    assert_int_equal(rows_of_history(s, &two, &moment, csv_sink, &out), 0);
    assert_text(&out, "1021,5,,Aggregated,1.000000,0.000000,7,50,20,0,7,19.9,"
                      "7.0,50.0,10.0\r\n");
    moment.full = true;
    assert_int_equal(rows_of_history(s, &two, &moment, csv_sink, &out), 0);
    assert_text(&out, "1021,5,GET,/a,1.000000,0.000000,50,50,20,0,7,19.9,7.0,"
                      "50.0,10.0\r\n"
                      "1021,5,,Aggregated,1.000000,0.000000,50,50,20,0,7,"
                      "19.9,7.0,50.0,10.0\r\n");
    moment.now = 2000;
    assert_int_equal(rows_of_history(s, &two, &moment, csv_sink, &out), 0);
    assert_non_null(strstr(out.data, ",0,0,20,0,7,"));
    buf_free(&out);
    stats_free(s);
}

static int
refuse(void *sink, const struct row *row)
{
    ++*(int *)sink;
    return -1;
}

static void
a_sink_can_end_it(void **state)
{
    struct stats *s = stats_new(0, 1000);
    int calls = 0;
    log_time(s, "/a", 7, false, 1010);
    log_time(s, "/b", 7, false, 1010);
    assert_int_equal(rows_of_requests(s, &two, refuse, &calls), -1);
    assert_int_equal(calls, 1);
    stats_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_python_does),
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(requests_are_sorted_and_added_up),
        cmocka_unit_test(failures_are_sorted_by_key),
        cmocka_unit_test(history_is_of_all_or_of_each),
        cmocka_unit_test(a_sink_can_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
