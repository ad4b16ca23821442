/* src/stats/histogram.c: precision, percentiles, bounded memory. */
#include "unit.h"

#include <stdlib.h>

#include "stats/histogram.h"

static void
is_exact_below_128_us(void **state)
{
    struct histogram h = {0};
    for (int i = 0; i < 128; i++) {
        assert_int_equal(histogram_add(&h, i), 0);
    }
    for (int i = 0; i < 128; i++) {
        assert_int_equal(histogram_at(&h, (uint64_t)i), i);
    }
    histogram_clear(&h);
}

static void
is_never_more_than_one_percent_off(void **state)
{
    for (int64_t us = 1; us < (int64_t)1 << 41; us += us / 37 + 1) {
        struct histogram h = {0};
        assert_int_equal(histogram_add(&h, us), 0);
        int64_t off = llabs(histogram_at(&h, 0) - us);
        assert_true(off * 100 < us);
        histogram_clear(&h);
    }
}

static void
percentiles_of_a_known_distribution(void **state)
{
    struct histogram h = {0};
    assert_int_equal(histogram_percentile(&h, 0.5), 0);
    for (int i = 1; i <= 10000; i++) {
        assert_int_equal(histogram_add(&h, i * 100), 0);
    }
    static const double p[] = {0.1, 0.5, 0.9, 0.99, 0.999, 1.0};
    for (size_t i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
        double got = (double)histogram_percentile(&h, p[i]);
        assert_float_equal(got / (p[i] * 1e6), 1, 0.01);
    }
    assert_true(histogram_percentile(&h, 0) <= 101);
    histogram_clear(&h);
}

static void
takes_any_number(void **state)
{
    struct histogram h = {0};
    assert_int_equal(histogram_add(&h, -1), 0);
    assert_int_equal(histogram_add(&h, INT64_MAX), 0);
    assert_int_equal(histogram_add(&h, INT64_MIN), 0);
    assert_int_equal(h.count, 3);
    assert_int_equal(histogram_at(&h, 1), 0);
    assert_true(histogram_at(&h, 2) > (int64_t)1 << 41);
    histogram_clear(&h);
}

static void
merge_is_the_same_as_adding(void **state)
{
    struct histogram a = {0}, b = {0}, both = {0};
    for (int i = 0; i < 5000; i++) {
        int64_t us = (int64_t)i * i % 100003;
        assert_int_equal(histogram_add(i % 2 ? &a : &b, us), 0);
        assert_int_equal(histogram_add(&both, us), 0);
    }
    assert_int_equal(histogram_merge(&a, &b), 0);
    assert_int_equal(a.count, both.count);
    for (uint64_t i = 0; i < 5000; i += 7) {
        assert_int_equal(histogram_at(&a, i), histogram_at(&both, i));
    }
    histogram_clear(&a);
    histogram_clear(&b);
    histogram_clear(&both);
}

static void
counts_between_two_bounds(void **state)
{
    struct histogram h = {0};
    for (int64_t us = 0; us < 100000; us++) {
        assert_int_equal(histogram_add(&h, us), 0);
    }
    assert_int_equal(histogram_between(&h, 0, INT64_MAX), 100000);
    assert_int_equal(histogram_between(&h, 3, 100), 97);
    assert_int_equal(histogram_between(&h, 100, 100), 0);
    uint64_t sum = 0;
    for (int64_t from = 0; from < 100000; from += 777) {
        uint64_t n = histogram_between(&h, from, from + 777);
        assert_in_range(n, 0, 2048);
        sum += n;
    }
    assert_int_equal(sum, 100000);
    histogram_clear(&h);
}

static void
memory_does_not_grow_with_the_test(void **state)
{
    struct histogram h = {0};
    assert_int_equal(histogram_add(&h, 5000), 0);
    assert_int_equal(histogram_memory(&h), 512);
    for (int i = 0; i < 1000000; i++) {
        assert_int_equal(histogram_add(&h, 1000 + i % 59000), 0);
    }
    assert_int_equal(histogram_memory(&h), 7 * 512);
    for (int bit = 0; bit < 63; bit++) {
        assert_int_equal(histogram_add(&h, (int64_t)1 << bit), 0);
    }
    assert_int_equal(histogram_memory(&h), HISTOGRAM_OCTAVES * 512);
    histogram_clear(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_exact_below_128_us),
        cmocka_unit_test(is_never_more_than_one_percent_off),
        cmocka_unit_test(percentiles_of_a_known_distribution),
        cmocka_unit_test(takes_any_number),
        cmocka_unit_test(merge_is_the_same_as_adding),
        cmocka_unit_test(counts_between_two_bounds),
        cmocka_unit_test(memory_does_not_grow_with_the_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
