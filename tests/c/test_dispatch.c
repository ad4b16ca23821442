/* The dispatcher's arithmetic: sequences and distributions known to be
   Locust's, and what a user costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "base/clock.h"
#include "run/dispatch.h"

static void
expect_sequence(const double *weights, size_t n, const char *expected)
{
    struct chooser c;
    assert_int_equal(chooser_init(&c, weights, n), 0);
    char got[64] = "";
    for (size_t i = 0; expected[i] != '\0'; i++) {
        got[i] = (char)('A' + chooser_next(&c));
    }
    chooser_free(&c);
    assert_string_equal(got, expected);
}

static void
test_sequences(void **state)
{
    expect_sequence((double[]){5, 1}, 2, "AABAAAAABAAAAABAAA");
    expect_sequence((double[]){1, 1, 1}, 3, "ABCABC");
    expect_sequence((double[]){1, 2, 3}, 3, "CBACBCCBACBCCBACBC");
    expect_sequence((double[]){3, 1}, 2, "ABAAABAAABAA");
    expect_sequence((double[]){1, 10}, 2, "BBBBABBBBBBBBBBBABBBBBBB");
    expect_sequence((double[]){0.5, 1}, 2, "BABBABBABBAB");
    expect_sequence((double[]){0, 1, -1}, 3, "BBB");
}

static void
test_nothing_to_choose(void **state)
{
    struct chooser c;
    assert_int_equal(chooser_init(&c, (double[]){0, -2}, 2), 0);
    assert_true(chooser_next(&c) == SIZE_MAX);
    chooser_free(&c);
}

static void
expect_counts(const struct dispatch *d, const char *expected)
{
    char got[256] = "";
    size_t at = 0;
    for (size_t w = 0; w < d->n_workers; w++) {
        for (size_t k = 0; k < d->n_classes; k++) {
            at += snprintf(got + at, sizeof(got) - at, "%d",
                           (int)dispatch_count(d, w, k));
        }
        at += snprintf(got + at, sizeof(got) - at, "|");
    }
    assert_string_equal(got, expected);
}

static const struct dispatch_class abc[] = {{.weight = 1},
                                            {.weight = 1},
                                            {.weight = 1}};

static void
test_up_and_down(void **state)
{
    struct dispatch d;
    assert_int_equal(dispatch_init(&d, abc, 3, 3), 0);
    assert_int_equal(dispatch_add(&d, 3), 3);
    expect_counts(&d, "100|010|001|");
    assert_int_equal(dispatch_add(&d, 6), 6);
    expect_counts(&d, "300|030|003|");
    dispatch_remove(&d, 3);
    expect_counts(&d, "200|020|002|");
    dispatch_remove(&d, 2);
    expect_counts(&d, "200|010|001|");
    dispatch_remove(&d, 100);
    expect_counts(&d, "000|000|000|");
    dispatch_free(&d);
}

static void
test_fixed_come_first(void **state)
{
    const struct dispatch_class classes[] = {{.weight = 1},
                                             {.weight = 1, .fixed_count = 2}};
    struct dispatch d;
    assert_int_equal(dispatch_init(&d, classes, 2, 2), 0);
    dispatch_add(&d, 2);
    expect_counts(&d, "01|01|");
    dispatch_add(&d, 2);
    expect_counts(&d, "11|11|");
    dispatch_add(&d, 1);
    expect_counts(&d, "21|11|");
    dispatch_remove(&d, 5);
    dispatch_add(&d, 1);
    assert_int_equal(d.totals[1], 1);
    dispatch_free(&d);
}

static void
test_only_fixed_end_early(void **state)
{
    const struct dispatch_class classes[] = {{.weight = 1, .fixed_count = 2},
                                             {.weight = 1, .fixed_count = 3}};
    struct dispatch d;
    assert_int_equal(dispatch_init(&d, classes, 2, 1), 0);
    assert_int_equal(dispatch_add(&d, 4), 4);
    expect_counts(&d, "22|");
    assert_int_equal(dispatch_add(&d, 4), 1);
    expect_counts(&d, "23|");
    dispatch_free(&d);
}

static void
test_workers_come_and_go(void **state)
{
    struct dispatch d;
    assert_int_equal(dispatch_init(&d, abc, 3, 2), 0);
    dispatch_add(&d, 3);
    expect_counts(&d, "101|010|");
    assert_int_equal(dispatch_set_workers(&d, 3), 0);
    expect_counts(&d, "100|010|001|");
    dispatch_add(&d, 6);
    assert_int_equal(dispatch_set_workers(&d, 2), 0);
    expect_counts(&d, "212|121|");
    assert_int_equal(dispatch_set_workers(&d, 0), 0);
    assert_int_equal(dispatch_add(&d, 1), 0);
    dispatch_free(&d);
}

static void
test_barred_classes_get_nobody_new(void **state)
{
    struct dispatch d;
    assert_int_equal(dispatch_init(&d, abc, 3, 1), 0);
    dispatch_add(&d, 3);
    struct dispatch_class only_b[3];
    memcpy(only_b, abc, sizeof(abc));
    only_b[0].barred = only_b[2].barred = true;
    assert_int_equal(dispatch_restart_choice(&d, only_b), 0);
    dispatch_add(&d, 4);
    expect_counts(&d, "151|");
    dispatch_free(&d);
}

static void
test_order_of_workers(void **state)
{
    const char *const ids[] = {"h1_b", "h1_a", "h2_c", "h1-x_a", "h1_c"};
    size_t order[5], within[5];
    assert_int_equal(dispatch_order_workers(ids, 5, order, within), 0);
    const char *expected[] = {"h1-x_a", "h1_a", "h2_c", "h1_b", "h1_c"};
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(ids[order[i]], expected[i]);
    }
    assert_int_equal(within[0], 1);
    assert_int_equal(within[4], 2);
}

static void
test_a_user_costs_little(void **state)
{
    struct dispatch_class classes[100];
    for (int i = 0; i < 100; i++) {
        classes[i] = (struct dispatch_class){.weight = i + 1};
    }
    struct dispatch d;
    assert_int_equal(dispatch_init(&d, classes, 100, 50), 0);
    int64_t start = clock_ns();
    assert_int_equal(dispatch_add(&d, 100000), 100000);
    double each = (double)(clock_ns() - start) / 1e5;
    printf("dispatch: %.0f ns a user (100 classes, 50 workers)\n", each);
#ifndef WITH_SANITIZERS
    assert_true(each < 1000);
#endif
    dispatch_free(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_nothing_to_choose),
        cmocka_unit_test(test_up_and_down),
        cmocka_unit_test(test_fixed_come_first),
        cmocka_unit_test(test_only_fixed_end_early),
        cmocka_unit_test(test_workers_come_and_go),
        cmocka_unit_test(test_barred_classes_get_nobody_new),
        cmocka_unit_test(test_order_of_workers),
        cmocka_unit_test(test_a_user_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
