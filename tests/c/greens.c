/* Green threads of tests in C; see greens.h. */
#include "greens.h"

#include "embed.h"
#include "unit.h"

int
prepare(void **state)
{
    if (embed_python() < 0) {
        return -1;
    }
    PyObject *module = PyImport_ImportModule("_locust");
    Py_XDECREF(module);
    return module == NULL ? -1 : 0;
}

struct green *
spawn(green_body body, long number)
{
    PyObject *target = PyLong_FromLong(number);
    assert_non_null(target);
    struct green *g = green_new(NULL, body, target, NULL);
    Py_DECREF(target);
    assert_non_null(g);
    assert_int_equal(green_start(g), 0);
    return g;
}

void
settle(void)
{
    for (int i = 0; i < 5; i++) {
        assert_int_equal(green_sleep(0), 0);
    }
}

void
spawn_three(struct green **three, green_body body)
{
    for (long i = 0; i < 3; i++) {
        three[i] = spawn(body, i);
    }
    settle();
}

void
release_three(struct green **three)
{
    for (int i = 0; i < 3; i++) {
        assert_true(green_is_dead(three[i]));
        Py_DECREF(three[i]);
    }
}
