/* src/stats/seconds.c: sums, order, the bound. */
#include "unit.h"

#include "stats/seconds.h"

static void
sums_a_span(void **state)
{
    struct seconds s = {0};
    uint64_t requests, failures;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(seconds_add(&s, 1000 + i / 10, 1, i % 10 == 0), 0);
    }
    assert_int_equal(s.used, 10);
    seconds_sum(&s, 1002, 1005, &requests, &failures);
    assert_int_equal(requests, 30);
    assert_int_equal(failures, 3);
    seconds_sum(&s, 2000, 2005, &requests, &failures);
    assert_int_equal(requests, 0);
    seconds_clear(&s);
}

static void
takes_seconds_in_any_order(void **state)
{
    struct seconds s = {0};
    static const int64_t order[] = {50, 10, 90, 30, 70, 20, 80, 60, 40, 50};
    for (int i = 0; i < 10; i++) {
        assert_int_equal(seconds_add(&s, order[i], 1, 0), 0);
    }
    assert_int_equal(s.used, 9);
    for (uint32_t i = 0; i < s.used; i++) {
        assert_int_equal(seconds_item(&s, i)->at, (i + 1) * 10);
    }
    assert_int_equal(seconds_item(&s, 4)->requests, 2);
    seconds_clear(&s);
}

static void
keeps_only_the_last(void **state)
{
    struct seconds s = {0};
    for (int64_t i = 0; i < 3 * SECONDS_MAX; i++) {
        assert_int_equal(seconds_add(&s, 2 * i, 1, 0), 0);
    }
    assert_int_equal(s.used, SECONDS_MAX);
    assert_int_equal(s.size, SECONDS_MAX);
    assert_int_equal(seconds_item(&s, 0)->at, 4 * SECONDS_MAX);
    /* Too old for a full ring; and one that belongs into the middle. */
    assert_int_equal(seconds_add(&s, 1, 1, 0), 0);
    assert_int_equal(seconds_item(&s, 0)->at, 4 * SECONDS_MAX);
    assert_int_equal(seconds_add(&s, 4 * SECONDS_MAX + 3, 1, 0), 0);
    assert_int_equal(s.used, SECONDS_MAX);
    assert_int_equal(seconds_item(&s, 0)->at, 4 * SECONDS_MAX + 2);
    assert_int_equal(seconds_item(&s, 1)->at, 4 * SECONDS_MAX + 3);
    assert_int_equal(seconds_item(&s, 2)->at, 4 * SECONDS_MAX + 4);
    seconds_clear(&s);
}

static void
merges(void **state)
{
    struct seconds a = {0}, b = {0};
    assert_int_equal(seconds_add(&a, 10, 1, 2), 0);
    assert_int_equal(seconds_add(&b, 10, 3, 4), 0);
    assert_int_equal(seconds_add(&b, 9, 5, 6), 0);
    assert_int_equal(seconds_merge(&a, &b), 0);
    assert_int_equal(a.used, 2);
    assert_int_equal(seconds_item(&a, 0)->failures, 6);
    assert_int_equal(seconds_item(&a, 1)->requests, 4);
    seconds_clear(&a);
    seconds_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_a_span),
        cmocka_unit_test(takes_seconds_in_any_order),
        cmocka_unit_test(keeps_only_the_last),
        cmocka_unit_test(merges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
