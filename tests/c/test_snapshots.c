/* src/stats/snapshots.c: the choice of a snapshot, the bound. */
#include "unit.h"

#include "stats/snapshots.h"

static void
take(struct snapshots *s, int64_t at, int64_t requests)
{
    static const struct buckets none = {0};
    assert_int_equal(snapshots_take(s, 20, at, requests, 0, &none), 0);
}

static void
prefers_the_nearest_and_the_earlier(void **state)
{
    struct snapshots s = {0};
    assert_null(snapshots_near(&s, 100));
    take(&s, 92, 1);
    take(&s, 108, 2);
    assert_int_equal(snapshots_near(&s, 100)->at, 92);
    assert_int_equal(snapshots_near(&s, 101)->at, 108);
    assert_null(snapshots_near(&s, 117));
    assert_int_equal(snapshots_near(&s, 116)->at, 108);
    take(&s, 101, 3);
    assert_int_equal(snapshots_near(&s, 100)->at, 101);
    take(&s, 99, 4);
    assert_int_equal(snapshots_near(&s, 100)->at, 99);
    snapshots_clear(&s);
}

static void
the_same_second_is_replaced(void **state)
{
    struct snapshots s = {0};
    take(&s, 5, 1);
    take(&s, 5, 2);
    assert_int_equal(s.used, 1);
    assert_int_equal(snapshots_near(&s, 5)->requests, 2);
    snapshots_clear(&s);
}

static void
keeps_as_many_as_asked(void **state)
{
    struct snapshots s = {0};
    struct buckets b = {0};
    assert_int_equal(buckets_add(&b, 10, 3), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(snapshots_take(&s, 20, i, i, 0, &b), 0);
    }
    assert_int_equal(s.used, 20);
    assert_int_equal(snapshots_item(&s, 0)->at, 80);
    assert_int_equal(snapshots_item(&s, 19)->counts[0], 3);
    assert_int_equal(snapshots_take(&s, 5, 100, 0, 0, &b), 0);
    assert_int_equal(s.used, 5);
    assert_int_equal(snapshots_item(&s, 0)->at, 96);
    assert_int_equal(snapshots_take(&s, 40, 101, 0, 0, &b), 0);
    assert_int_equal(s.used, 6);
    assert_int_equal(snapshots_item(&s, 5)->at, 101);
    snapshots_clear(&s);
    buckets_clear(&b);
}

static void
none_are_kept_when_none_are_asked_for(void **state)
{
    struct snapshots s = {0};
    struct buckets b = {0};
    assert_int_equal(snapshots_take(&s, 0, 1, 0, 0, &b), 0);
    assert_null(s.ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefers_the_nearest_and_the_earlier),
        cmocka_unit_test(the_same_second_is_replaced),
        cmocka_unit_test(keeps_as_many_as_asked),
        cmocka_unit_test(none_are_kept_when_none_are_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
