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
log_many(struct lag *lag, int n, int64_t pickup, int64_t resume)
{
    for (int i = 0; i < n; i++) {
        assert_int_equal(lag_log(lag, pickup, resume), 0);
    }
}

static void
either_median_above_a_millisecond_is_notable(void **state)
{
    struct lag lag = {0};
    log_many(&lag, 100, 1100000, 10);
    assert_true(lag_is_notable(&lag));
    lag_clear(&lag);
    log_many(&lag, 100, 10, 1100000);
    assert_true(lag_is_notable(&lag));
    lag_clear(&lag);
    assert_false(lag_is_notable(&lag));
}

static void
a_few_requests_are_noise(void **state)
{
    struct lag lag = {0};
    log_many(&lag, 99, 1100000, 1100000);
    assert_false(lag_is_notable(&lag));
    log_many(&lag, 1, 1100000, 1100000);
    assert_true(lag_is_notable(&lag));
    lag_clear(&lag);
}

static void
unless_they_lose_a_second(void **state)
{
    struct lag lag = {0};
    log_many(&lag, 3, 100000000, 200000000);
    assert_false(lag_is_notable(&lag));
    log_many(&lag, 1, 100000000, 200000000);
    assert_true(lag_is_notable(&lag));
    lag_clear(&lag);
    log_many(&lag, 1, 1100000, 10);
    assert_false(lag_is_notable(&lag));
    lag_clear(&lag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_lag_is_not_notable),
        cmocka_unit_test(either_median_above_a_millisecond_is_notable),
        cmocka_unit_test(a_few_requests_are_noise),
        cmocka_unit_test(unless_they_lose_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
