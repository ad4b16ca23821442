/* src/stats/lag.c: when generator lag is worth a word. */
#include "unit.h"

#include "stats/lag.h"

static void
short_lag_is_not_notable(void **state)
{
    struct lag lag = {0};
    assert_false(lag_is_notable(&lag));
    for (int i = 0; i < 100; i++) {
        assert_int_equal(lag_log(&lag, 20000, i < 40 ? 50000000 : 900000), 0);
    }
    assert_false(lag_is_notable(&lag));
    lag_clear(&lag);
}

static void
either_median_above_a_millisecond_is_notable(void **state)
{
    struct lag lag = {0};
    assert_int_equal(lag_log(&lag, 1100000, 10), 0);
    assert_true(lag_is_notable(&lag));
    lag_clear(&lag);
    assert_int_equal(lag_log(&lag, 10, 1100000), 0);
    assert_true(lag_is_notable(&lag));
    lag_clear(&lag);
    assert_false(lag_is_notable(&lag));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_lag_is_not_notable),
        cmocka_unit_test(either_median_above_a_millisecond_is_notable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
