/* src/stats/buckets.c: rounding, percentiles and medians as Locust's. */
#include "unit.h"

#include "stats/buckets.h"

static void
rounds_half_to_even_at_each_scale(void **state)
{
    static const double golden[][2] = {
        {0, 0}, {0.4, 0}, {0.5, 0}, {1.5, 2}, {2.5, 2}, {99.4, 99},
        {99.5, 100}, {99.99, 100}, {100, 100}, {105, 100}, {115, 120},
        {114.99999999999999, 110}, {109.99999999999999, 110}, {995, 1000},
        {985, 980}, {999.9, 1000}, {1049, 1000}, {1050, 1000}, {1150, 1200},
        {9950, 10000}, {10499, 10000}, {10500, 10000}, {11500, 12000},
        {12500, 12000}, {123456, 123000}, {-5, -5}, {-2.5, -2},
    };
    for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        assert_true(bucket_round(golden[i][0]) == golden[i][1]);
    }
}

static void
keeps_order_of_appearance(void **state)
{
    struct buckets b = {0};
    static const double values[] = {30, 10, 20, 10, 5};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(buckets_add(&b, values[i], 1), 0);
    }
    assert_int_equal(b.used, 4);
    assert_true(b.items[0].value == 30 && b.items[3].value == 5);
    assert_true(b.items[b.order[0]].value == 5);
    assert_true(b.items[b.order[3]].value == 30);
    assert_int_equal(buckets_count(&b, 10), 2);
    assert_int_equal(buckets_count(&b, 11), 0);
    buckets_clear(&b);
}

static void
minus_zero_is_zero(void **state)
{
    struct buckets b = {0};
    assert_int_equal(buckets_add(&b, 0.0, 1), 0);
    assert_int_equal(buckets_add(&b, -0.0, 1), 0);
    assert_int_equal(b.used, 1);
    buckets_clear(&b);
}

static void
percentile_is_locusts(void **state)
{
    struct buckets b = {0};
    assert_true(buckets_percentile(&b, NULL, 0, 0.5) == 0);
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(buckets_add(&b, i, 1), 0);
    }
    assert_true(buckets_percentile(&b, NULL, 100, 0) == 1);
    assert_true(buckets_percentile(&b, NULL, 100, 0.5) == 51);
    assert_true(buckets_percentile(&b, NULL, 100, 0.95) == 96);
    assert_true(buckets_percentile(&b, NULL, 100, 1.0) == 100);
    buckets_clear(&b);
}

static void
percentile_over_a_base_leaves_out_what_was_before(void **state)
{
    struct buckets b = {0};
    uint64_t counts[] = {10, 3};
    struct bucket_base base = {.counts = counts, .used = 2};
    assert_int_equal(buckets_add(&b, 900, 10), 0);
    assert_int_equal(buckets_add(&b, 20, 4), 0);
    assert_int_equal(buckets_add(&b, 30, 1), 0);
    assert_true(buckets_percentile(&b, &base, 2, 1.0) == 30);
    assert_true(buckets_percentile(&b, &base, 2, 0.4) == 20);
    buckets_clear(&b);
}

static void
median_is_locusts(void **state)
{
    struct buckets b = {0};
    assert_true(buckets_median(&b, 0) == 0);
    assert_int_equal(buckets_add(&b, 1, 1), 0);
    assert_int_equal(buckets_add(&b, 3, 1), 0);
    assert_true(buckets_median(&b, 2) == 1);
    assert_int_equal(buckets_add(&b, 4, 1), 0);
    assert_true(buckets_median(&b, 3) == 3);
    buckets_clear(&b);
}

static void
merges_and_stays_small(void **state)
{
    struct buckets a = {0}, b = {0};
    for (int i = 0; i < 1000000; i++) {
        assert_int_equal(buckets_add(&a, bucket_round(i % 10000), 1), 0);
    }
    assert_int_equal(a.used, 281);
    assert_true(buckets_memory(&a) < 32 * 1024);
    assert_int_equal(buckets_add(&b, 10, 7), 0);
    assert_int_equal(buckets_merge(&b, &a), 0);
    assert_int_equal(buckets_count(&b, 10), 107);
    assert_int_equal(b.used, 281);
    assert_true(b.items[0].value == 10);
    buckets_clear(&a);
    buckets_clear(&b);
    assert_int_equal(buckets_memory(&a), 0);
}

/* Taken places in a row: what a look at the last of them goes through. */
static unsigned
longest_run(const struct index *ix)
{
    unsigned longest = 0, run = 0;
    for (uint32_t i = 0; i < ix->size * 2; i++) {
        run = ix->slots[i % ix->size].item != 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void
times_are_spread_over_the_index(void **state)
{
    struct buckets b = {0};
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(buckets_add(&b, bucket_round(i), 1), 0);
    }
    assert_true(b.index.size >= 2 * b.used);
    assert_true(longest_run(&b.index) < 40);
    buckets_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_half_to_even_at_each_scale),
        cmocka_unit_test(keeps_order_of_appearance),
        cmocka_unit_test(minus_zero_is_zero),
        cmocka_unit_test(percentile_is_locusts),
        cmocka_unit_test(percentile_over_a_base_leaves_out_what_was_before),
        cmocka_unit_test(median_is_locusts),
        cmocka_unit_test(merges_and_stays_small),
        cmocka_unit_test(times_are_spread_over_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
