/*
 * Waiting in a list: order, time limits, and that no wake is lost when the
 * one it was for dies of something else meanwhile.
 */
#include "config.h"
#include <Python.h>

#include "green/green.h"
#include "greens.h"
#include "unit.h"

static struct waitlist list;
static int order[8], ended;

/* Waits once; target is its number. Its result is what it was told. */
static PyObject *
wait_once(struct green *self)
{
    long number = PyLong_AsLong(self->target);
    int result = waitlist_wait(&list, -1);
    order[ended++] = (int)number;
    return result < 0 ? NULL : PyLong_FromLong(result);
}

static void
spawn_waiters(struct green **three)
{
    ended = 0;
    spawn_three(three, wait_once);
    assert_int_equal(ended, 0);
}

static void
release(struct green **three)
{
    release_three(three);
    assert_null(list.first);
}

static void
the_first_comes_first(void **state)
{
    struct green *three[3];
    spawn_waiters(three);
    assert_int_equal(waitlist_wake_one(&list), 1);
    settle();
    assert_int_equal(ended, 1);
    assert_int_equal(order[0], 0);
    assert_int_equal(waitlist_wake_all(&list), 2);
    settle();
    assert_int_equal(ended, 3);
    assert_int_equal(order[1], 1);
    assert_int_equal(order[2], 2);
    assert_int_equal(waitlist_wake_one(&list), 0);
    release(three);
}

static void
a_wake_is_handed_on_by_the_killed(void **state)
{
    struct green *three[3];
    spawn_waiters(three);
    assert_int_equal(waitlist_wake_one(&list), 1);
    assert_int_equal(green_throw(three[0], Green_Exit), 0);
    settle();
    assert_int_equal(ended, 2);
    assert_int_equal(order[0], 0);
    assert_int_equal(order[1], 1);
    waitlist_wake_all(&list);
    settle();
    release(three);
}

static void
a_wake_for_all_is_nobodys_own(void **state)
{
    struct green *three[3];
    spawn_waiters(three);
    waitlist_wake_all(&list);
    assert_int_equal(green_throw(three[0], Green_Exit), 0);
    struct green *late = spawn(wait_once, 3);
    settle();
    assert_int_equal(ended, 3);
    waitlist_wake_one(&list);
    settle();
    assert_int_equal(ended, 4);
    Py_DECREF(late);
    release(three);
}

static void
a_wake_counts_though_time_is_up(void **state)
{
    struct green *g = spawn(wait_once, 7);
    ended = 0;
    settle();
    waitlist_wake_one(&list);
    settle();
    assert_int_equal(ended, 1);
    assert_int_equal(PyLong_AsLong(g->value), 0);
    Py_DECREF(g);
    assert_int_equal(waitlist_wait(&list, 0.01), 1);
    assert_null(list.first);
}

/* --- Many at once: tokens that are taken one by one. */

enum { TAKERS = 40, TURNS = 4000 };

static long given, tokens, taken;

static uint32_t
dice(void)
{
    static uint32_t seed = 12345;
    seed = seed * 1664525u + 1013904223u;
    return seed >> 16;
}

static PyObject *
take_tokens(struct green *self)
{
    for (;;) {
        while (tokens == 0) {
            double limit = dice() % 3 == 0 ? 0.0001 * (dice() % 5) : -1;
            if (waitlist_wait(&list, limit) < 0) {
                return NULL;
            }
        }
        tokens--;
        taken++;
    }
}

static void
no_wake_is_lost_among_many(void **state)
{
    struct green *takers[TAKERS];
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = spawn(take_tokens, i);
    }
    settle();
    for (int turn = 0; turn < TURNS; turn++) {
        for (uint32_t n = dice() % 4; n > 0; n--) {
            given++;
            tokens++;
            waitlist_wake_one(&list);
        }
        for (uint32_t n = dice() % 8; n > 0; n--) {
            green_throw(takers[dice() % TAKERS], Green_Exit);
        }
        settle();
        assert_int_equal(tokens, 0);
        for (int i = 0; i < TAKERS; i++) {
            if (green_is_dead(takers[i])) {
                Py_DECREF(takers[i]);
                takers[i] = spawn(take_tokens, i);
            }
        }
        settle();
    }
    assert_int_equal(taken, given);
    assert_true(given > TURNS);
    for (int i = 0; i < TAKERS; i++) {
        assert_int_equal(green_kill(takers[i], NULL), 0);
        Py_DECREF(takers[i]);
    }
    assert_null(list.first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_comes_first),
        cmocka_unit_test(a_wake_is_handed_on_by_the_killed),
        cmocka_unit_test(a_wake_for_all_is_nobodys_own),
        cmocka_unit_test(a_wake_counts_though_time_is_up),
        cmocka_unit_test(no_wake_is_lost_among_many),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
