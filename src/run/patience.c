/*
 * How long users that have been told to end are waited for.
 *
 * A user that is killed may take its time: its task has a finally block, or it
 * is in on_stop(). For that there is no limit. But a task may also catch the
 * GreenletExit and go on, as a bare "except:" in a loop does; it would load the
 * target for ever, and the test would never end. Which of both it is cannot be
 * seen, so patience decides: who is still in its task after it is told once
 * more, and a moment later it is left behind. Nobody in on_stop() is told twice
 * or left.
 */
#include "config.h"
#include "run/internal.h"

#include "base/clock.h"
#include "user/user.h"

#define SAY_AFTER_SEC 1.0
#define AGAIN         (1.0 / 6)         /* of the patience, for the rest of it */

static double patience_sec = 30;

void
run_set_patience(double seconds)
{
    patience_sec = seconds;
}

PyObject *
run_user_of(const struct green *g)
{
    return g->finished || g->args == NULL || PyTuple_GET_SIZE(g->args) == 0
               ? NULL
               : PyTuple_GET_ITEM(g->args, 0);
}

int
run_join_all(PyObject *list, int64_t until)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        struct green *g = (struct green *)PyList_GET_ITEM(list, i);
        double left = -1;
        if (until != 0) {
            left = (double)(until - clock_ns()) * 1e-9;
            left = left > 0 ? left : 0;
        }
        int dead = g->finished ? 1 : left == 0 ? 0 : green_join(g, left);
        if (dead <= 0) {
            return dead;
        }
    }
    return 1;
}

static int
join_for(PyObject *list, double seconds)
{
    return run_join_all(list, clock_ns() + clock_span(seconds) + 1);
}

static bool
is_in_task(const struct green *g)
{
    PyObject *user = run_user_of(g);
    return user != NULL && user_is_marked_killed(user);
}

static int
say_who_is_waited_for(PyObject *list)
{
    Py_ssize_t n = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        n += run_user_of((struct green *)PyList_GET_ITEM(list, i)) != NULL;
    }
    return n == 0 ? 0
                  : log_line("locust.runners", "info",
                             "Waiting for %zd user%s that %s been told to end: in "
                             "on_stop(), in a finally block, or after "
                             "catching GreenletExit",
                             n, n == 1 ? "" : "s", n == 1 ? "has" : "have");
}

/* Those in on_stop() do not hear it. */
static void
tell_again(PyObject *list)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        struct green *g = (struct green *)PyList_GET_ITEM(list, i);
        if (is_in_task(g)) {
            (void)green_throw(g, Green_Exit);   /* fails for the caller only */
        }
    }
}

/* Takes those that are still in their tasks off the list. 0 or -1. */
static int
leave_behind(PyObject *list)
{
    Py_ssize_t n = 0;
    PyObject *name = NULL;              /* of the last one's class */
    for (Py_ssize_t i = PyList_GET_SIZE(list); i-- > 0;) {
        struct green *g = (struct green *)PyList_GET_ITEM(list, i);
        if (!is_in_task(g)) {
            continue;
        }
        n++;
        Py_XSETREF(name, PyType_GetName(Py_TYPE(run_user_of(g))));
        if (name == NULL || PyList_SetSlice(list, i, i + 1, NULL) < 0) {
            Py_XDECREF(name);
            return -1;
        }
    }
    int result =
        n == 0 ? 0
               : log_line("locust.runners", "error",
                          "%zd user%s left behind, in a task of class %U: "
                          "each GreenletExit is caught there, and the task "
                          "goes on. Catch 'Exception', not everything.",
                          n, n == 1 ? " is" : "s are", name);
    Py_XDECREF(name);
    return result;
}

int
run_join_killed(PyObject *list)
{
    int done = join_for(list, SAY_AFTER_SEC);
    if (done != 0) {
        return done < 0 ? -1 : 0;
    }
    if (say_who_is_waited_for(list) < 0) {
        return -1;
    }
    done = join_for(list, patience_sec);
    if (done == 0) {
        tell_again(list);
        done = join_for(list, patience_sec * AGAIN);
    }
    if (done == 0 && leave_behind(list) == 0) {
        done = run_join_all(list, 0);
    }
    return done > 0 ? 0 : -1;
}
