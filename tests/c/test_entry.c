/* src/stats/entry.c: the arithmetic behind the numbers. */
#include "unit.h"

#include "stats/entry.h"

#include <math.h>

static const struct stats_key key = {.method = "GET", .method_len = 3,
                                     .name = "/a", .name_len = 2};

static struct stats_entry *
new_entry(void)
{
    struct stats_entry *e = entry_new(&key, STATS_SNAPSHOTS, 1000.5);
    assert_non_null(e);
    return e;
}

static void
log_ms(struct stats_entry *e, double ms, double now)
{
    struct stats_sample sample = {.timed = true, .ms = ms, .length = 10,
                                  .bucket = bucket_round(ms), .now = now};
    assert_int_equal(entry_log(e, &sample), 0);
}

static void
a_new_entry_is_all_zero(void **state)
{
    struct stats_entry *e = new_entry();
    struct stats_span span = {.start = 1000.5};
    double ms;
    assert_string_equal(e->method, "GET");
    assert_string_equal(e->name, "/a");
    assert_true(isinf(e->min_time) && e->max_time == 0 && e->last == 0);
    assert_true(entry_median(e) == 0 && entry_average(e) == 0);
    assert_true(entry_percentile(e, 0.99) == 0);
    assert_true(entry_fine_percentile(e, 0.99) == 0);
    assert_true(entry_fail_ratio(e) == 0 && entry_average_length(e) == 0);
    assert_true(entry_current_rps(e, &span) == 0);
    assert_true(entry_total_rps(e, &span) == 0);
    assert_false(entry_current_percentile(e, 0.5, 1020, 10, &ms));
    entry_unref(e);
}

static void
times_and_sizes(void **state)
{
    struct stats_entry *e = new_entry();
    struct stats_sample none = {.now = 1001, .length = 100};
    log_ms(e, 99.7, 1001);
    log_ms(e, 115.0, 1001);
    log_ms(e, 100, 1001);
    log_ms(e, 12500, 1001);
    assert_int_equal(entry_log(e, &none), 0);
    assert_int_equal(e->requests, 5);
    assert_int_equal(e->none_requests, 1);
    assert_true(e->min_time == 99.7 && e->max_time == 12500);
    assert_near(entry_average(e), 12814.7 / 4);
    assert_near(entry_average_length(e), 28);
    assert_int_equal(buckets_count(&e->buckets, 100), 2);
    assert_true(entry_median(e) == 100);
    assert_true(entry_percentile(e, 0.5) == 120);
    assert_true(entry_percentile(e, 0.99) == 12000);
    assert_true(entry_fine_percentile(e, 1.0) > 12400);
    entry_unref(e);
}

static void
rounded_figures_never_contradict_exact_ones(void **state)
{
    struct stats_entry *e = new_entry();
    log_ms(e, 155, 1001);
    assert_true(entry_bucket_percentile(e, 0.99) == 160);
    assert_true(entry_percentile(e, 0.99) == 155);
    assert_true(entry_fine_percentile(e, 0.99) == 155);
    assert_true(entry_median(e) == 155);
    assert_int_equal(entry_reset(e, 1002), 0);
    log_ms(e, 2.4, 1002);
    assert_true(entry_bucket_percentile(e, 0.5) == 2);
    assert_true(entry_percentile(e, 0.5) == 2);
    entry_unref(e);
}

static void
failures_are_not_requests(void **state)
{
    struct stats_entry *e = new_entry();
    assert_int_equal(entry_log_failure(e, 1001), 0);
    assert_int_equal(e->requests, 0);
    assert_true(entry_fail_ratio(e) == 1);
    log_ms(e, 1, 1001);
    log_ms(e, 1, 1001);
    assert_true(entry_fail_ratio(e) == 0.5);
    entry_unref(e);
}

static void
current_rate_looks_at_ten_seconds(void **state)
{
    struct stats_entry *e = new_entry();
    for (int second = 1000; second <= 1030; second++) {
        for (int i = 0; i < second - 999; i++) {
            log_ms(e, 5, second + 0.5);
        }
        assert_int_equal(entry_log_failure(e, second), 0);
    }
    /* Seconds 1018 to 1027: 19 + 20 + ... + 28 requests. */
    struct stats_span span = {.start = 1000.5, .last = 1030.5};
    assert_near(entry_current_rps(e, &span), 23.5);
    assert_near(entry_current_fail_rate(e, &span), 1);
    assert_near(entry_total_rps(e, &span), 496.0 / 30);
    assert_near(entry_total_fail_rate(e, &span), 31.0 / 30);
    /* Near the start only 1026 and 1027 count: 27 and 28. */
    span.start = 1026.2;
    assert_near(entry_current_rps(e, &span), 27.5);
    span.start = 1029;
    assert_near(entry_current_rps(e, &span), 0);
    span.start = span.last;
    assert_near(entry_total_rps(e, &span), 0);
    entry_unref(e);
}

static void
current_percentile_forgets_the_past(void **state)
{
    struct stats_entry *e = new_entry();
    double ms = 0;
    for (int second = 1001; second <= 1040; second++) {
        for (int i = 0; i < 10; i++) {
            log_ms(e, second < 1030 ? 500 : 20 + i, second + 0.2);
        }
    }
    assert_true(entry_current_percentile(e, 0.95, 1040.9, 10, &ms));
    assert_true(ms == 29);
    assert_true(entry_current_percentile(e, 0.95, 1035.9, 10, &ms));
    assert_true(ms == 500);
    assert_false(entry_current_percentile(e, 0.95, 1100, 10, &ms));
    assert_true(entry_percentile(e, 0.95) == 500);
    assert_int_equal(e->snapshots.used, STATS_SNAPSHOTS);
    entry_unref(e);
}

static void
merge_is_the_same_as_logging(void **state)
{
    struct stats_entry *a = new_entry(), *b = new_entry(), *both = new_entry();
    for (int i = 0; i < 2000; i++) {
        double ms = i * i % 3001 / 2.0;
        log_ms(i % 2 ? a : b, ms, 1001 + i / 100);
        log_ms(both, ms, 1001 + i / 100);
    }
    b->start = 900;
    assert_int_equal(entry_log_failure(b, 1001), 0);
    assert_int_equal(entry_merge(a, b), 0);
    assert_int_equal(a->requests, both->requests);
    assert_int_equal(a->failures, 1);
    assert_near(a->total_time, both->total_time);
    assert_true(a->min_time == both->min_time);
    assert_true(a->max_time == both->max_time);
    assert_true(a->start == 900 && a->last == both->last);
    assert_true(entry_median(a) == entry_median(both));
    assert_true(entry_percentile(a, 0.9) == entry_percentile(both, 0.9));
    assert_true(entry_fine_percentile(a, 0.9) ==
                entry_fine_percentile(both, 0.9));
    assert_int_equal(a->seconds.used, both->seconds.used);
    entry_unref(a);
    entry_unref(b);
    entry_unref(both);
}

static void
buckets_can_be_replaced(void **state)
{
    struct stats_entry *e = new_entry();
    struct buckets new = {0};
    double ms;
    for (int second = 1001; second <= 1020; second++) {
        log_ms(e, 500, second);
    }
    uint32_t generation = e->generation;
    assert_int_equal(buckets_add(&new, 7, 50), 0);
    assert_int_equal(buckets_add(&new, 500, 20), 0);
    assert_int_equal(entry_set_buckets(e, &new), 0);
    assert_null(new.items);
    assert_true(e->generation != generation);
    e->requests = 70;
    /* The snapshot of second 1010 still counts 10 of 500, whose position is
       another one now; so 10 of 60 are at 500. */
    assert_true(entry_current_percentile(e, 0.9, 1020, 10, &ms));
    assert_true(ms == 500);
    assert_true(entry_current_percentile(e, 0.8, 1020, 10, &ms));
    assert_true(ms == 7);
    e->min_time = 7;
    assert_true(fabs(entry_fine_percentile(e, 0.5) - 7) < 0.06);
    assert_true(fabs(entry_fine_percentile(e, 0.99) - 500) < 4);
    log_ms(e, 7, 1021);
    log_ms(e, 7, 1022);
    assert_true(entry_current_percentile(e, 0.99, 1022, 12, &ms));
    entry_unref(e);
}

static void
merge_takes_snapshots(void **state)
{
    struct stats_entry *e = new_entry(), *other = new_entry();
    log_ms(other, 5, 1005.5);
    assert_int_equal(entry_merge(e, other), 0);
    assert_int_equal(e->snapshots.used, 2);
    assert_int_equal(snapshots_item(&e->snapshots, 1)->at, 1005);
    assert_int_equal(snapshots_item(&e->snapshots, 1)->requests, 1);
    assert_int_equal(entry_merge(e, other), 0);
    assert_int_equal(e->snapshots.used, 2);
    entry_unref(e);
    entry_unref(other);
}

static void
exact_percentiles_end_at_the_bounds(void **state)
{
    struct stats_entry *e = new_entry();
    assert_true(entry_fine_percentile(e, 1) == 0);
    log_ms(e, 0.123, 1001);
    log_ms(e, 155.25, 1001);
    assert_true(entry_fine_percentile(e, 0) == 0.123);
    assert_true(entry_fine_percentile(e, -1) == 0.123);
    assert_true(entry_fine_percentile(e, 1) == 155.25);
    assert_true(entry_fine_percentile(e, 2) == 155.25);
    assert_true(entry_fine_percentile(e, 0.99) <= 155.25);
    assert_true(entry_fine_percentile(e, NAN) == 0.123);
    assert_true(entry_bucket_percentile(e, 0.99) == 160);
    assert_true(entry_percentile(e, 0.99) == 155.25);
    entry_unref(e);
}

static void
medians_know_where_they_are_from(void **state)
{
    struct stats_entry *e = new_entry();
    log_ms(e, 127.5, 1001);
    assert_true(entry_median(e) == 127.5);
    assert_false(entry_median_is_bucket(e));
    log_ms(e, 500, 1001);
    log_ms(e, 130, 1001);
    assert_true(entry_median(e) == 130);
    assert_true(entry_median_is_bucket(e));
    entry_unref(e);
}

static void
memory_is_bounded(void **state)
{
    struct stats_entry *e = new_entry();
    assert_true(sizeof(*e) < 704);
    assert_true(entry_memory(e) < 1536);
    for (int i = 0; i < 2000000; i++) {
        log_ms(e, 1 + i % 60, 1000 + i / 400);
    }
    size_t after = entry_memory(e);
    for (int i = 2000000; i < 4000000; i++) {
        log_ms(e, 1 + i % 60, 1000 + i / 400);
    }
    assert_int_equal(entry_memory(e), after);
    assert_true(after < 96 * 1024);
    entry_unref(e);
}

static void
extreme_times_do_no_harm(void **state)
{
    struct stats_entry *e = new_entry();
    log_ms(e, -5, 1001);
    assert_true(e->min_time == -5 && e->max_time == 0);
    assert_true(entry_median(e) == -5);
    log_ms(e, 1e300, 1001);
    assert_true(entry_percentile(e, 1.0) <= 1e300);
    assert_true(entry_percentile(e, NAN) == -5);
    assert_true(entry_percentile(e, 1e300) == entry_percentile(e, 1));
    struct stats_span span = {.start = -INFINITY, .last = 1e300};
    assert_true(entry_current_rps(e, &span) == 0);
    e->total_length = INT64_MAX - 1;
    log_ms(e, 1, 1001);
    assert_true(e->total_length == INT64_MAX);
    entry_unref(e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_entry_is_all_zero),
        cmocka_unit_test(times_and_sizes),
        cmocka_unit_test(rounded_figures_never_contradict_exact_ones),
        cmocka_unit_test(failures_are_not_requests),
        cmocka_unit_test(current_rate_looks_at_ten_seconds),
        cmocka_unit_test(current_percentile_forgets_the_past),
        cmocka_unit_test(merge_is_the_same_as_logging),
        cmocka_unit_test(buckets_can_be_replaced),
        cmocka_unit_test(merge_takes_snapshots),
        cmocka_unit_test(exact_percentiles_end_at_the_bounds),
        cmocka_unit_test(medians_know_where_they_are_from),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(extreme_times_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
