/*
 * Load shapes: a green thread that asks environment.shape_class every second
 * how many users there are to be, and has the runner start or stop them.
 *
 * It lasts while a test may be under way, and ends the test when tick()
 * returns None.
 */
#include "config.h"
#include "run/internal.h"

#include <math.h>

#include "base/clock.h"
#include "base/names.h"
#include "green/group.h"

#define TICK_SECONDS 1.0

/* --- Beginning. */

static PyObject *
shape_body(struct green *green)
{
    RunnerObject *self = (RunnerObject *)green->target;
    PyObject *r =
        PyObject_CallMethodNoArgs((PyObject *)self, names.shape_worker);
    return r != NULL ? r : run_failed(self->environment);
}

/* environment.shape_class, or None: a new reference. */
static PyObject *
shape_of(RunnerObject *self)
{
    return PyObject_GetAttr(self->environment, names.shape_class);
}

static int
reset_time(RunnerObject *self)
{
    PyObject *shape = shape_of(self);
    PyObject *r = NULL;
    if (shape != NULL) {
        r = shape == Py_None
                ? Py_NewRef(Py_None)
                : PyObject_CallMethodNoArgs(shape, names.reset_time);
    }
    Py_XDECREF(shape);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

static int
spawn_worker(RunnerObject *self)
{
    struct green *g = green_new(NULL, shape_body, (PyObject *)self, NULL);
    if (g == NULL || group_start(self->greenlet, g) < 0) {
        Py_XDECREF(g);
        return -1;
    }
    Py_XSETREF(self->shape_greenlet, (PyObject *)g);
    return 0;
}

int
runner_start_shape(RunnerObject *self)
{
    int active = self->shape_greenlet == NULL
                     ? 0
                     : PyObject_IsTrue(self->shape_greenlet);
    if (active != 0) {
        return active < 0 ? -1
                          : log_line("locust.runners", "info",
                                    "There is an ongoing shape test running. "
                                    "Editing is disabled");
    }
    if (log_line("locust.runners", "info", "Shape test starting.") < 0 ||
        runner_update_state(self, names.ready) < 0 ||
        spawn_worker(self) < 0) {
        return -1;
    }
    return reset_time(self);
}

/* --- Ending. */

/* Whether the command line said --headless: the test is all there is then. */
static int
is_headless(RunnerObject *self)
{
    PyObject *options =
        PyObject_GetAttr(self->environment, names.parsed_options);
    PyObject *headless =
        options != NULL ? PyObject_GetAttr(options, names.headless) : NULL;
    if (headless == NULL && options != NULL &&
        PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();          /* None, or options of somebody else's */
        headless = Py_NewRef(Py_False);
    }
    int result = headless == NULL ? -1 : PyObject_IsTrue(headless);
    Py_XDECREF(headless);
    Py_XDECREF(options);
    return result;
}

/* quit() does not come back: it kills its caller. Parks. */
static int
end_test(RunnerObject *self)
{
    int headless =
        log_line("locust.runners", "info", "Shape test stopping") < 0
            ? -1
            : is_headless(self);
    if (headless < 0) {
        return -1;
    }
    PyObject *r = PyObject_CallMethodNoArgs(
        (PyObject *)self, headless ? names.quit : names.stop);
    if (r == NULL) {
        return -1;
    }
    Py_DECREF(r);
    Py_CLEAR(self->shape_greenlet);
    Py_CLEAR(self->shape_last_tick);
    return 0;
}

/* --- One tick. */

static int
log_update(PyObject *user_count, PyObject *spawn_rate)
{
    double users = PyFloat_AsDouble(user_count);
    double rate = PyErr_Occurred() ? 0 : PyFloat_AsDouble(spawn_rate);
    if (PyErr_Occurred()) {
        return -1;
    }
    char text[128];
    PyOS_snprintf(text, sizeof(text),
                  "Shape test updating to %.0f users at %.2f spawn rate",
                  trunc(users), rate);
    return log_line("locust.runners", "info", "%s", text);
}

static int
start(RunnerObject *self, PyObject *user_count, PyObject *spawn_rate,
      PyObject *user_classes)
{
    if (log_update(user_count, spawn_rate) < 0) {
        return -1;
    }
    PyObject *method = PyObject_GetAttr((PyObject *)self, names.start);
    PyObject *kwargs =
        Py_BuildValue("{sOsOsO}", "user_count", user_count, "spawn_rate",
                      spawn_rate, "user_classes", user_classes);
    PyObject *r = method == NULL || kwargs == NULL
                      ? NULL
                      : PyObject_VectorcallDict(method, NULL, 0, kwargs);
    Py_XDECREF(kwargs);
    Py_XDECREF(method);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

/* Does what a tick wants, (user_count, spawn_rate[, user_classes]). */
static int
follow(RunnerObject *self, PyObject *tick)
{
    static const char wrong[] =
        "tick() of a load shape must return (user_count, spawn_rate), "
        "(user_count, spawn_rate, user_classes) or None";
    PyObject *parts = PySequence_Fast(tick, wrong);
    if (parts == NULL) {
        return -1;
    }
    Py_ssize_t n = PySequence_Fast_GET_SIZE(parts);
    int result = -1;
    if (n != 2 && n != 3) {
        PyErr_Format(PyExc_ValueError, "%s, not %R", wrong, tick);
    }
    else {
        result = start(self, PySequence_Fast_GET_ITEM(parts, 0),
                       PySequence_Fast_GET_ITEM(parts, 1),
                       n == 3 ? PySequence_Fast_GET_ITEM(parts, 2) : Py_None);
    }
    Py_DECREF(parts);
    return result;
}

/* What the shape wants now, or None when it has ended: a new reference. */
static PyObject *
ask(RunnerObject *self)
{
    PyObject *shape = shape_of(self);
    PyObject *tick = NULL;
    if (shape != NULL) {
        tick = shape == Py_None
                   ? Py_NewRef(Py_None)
                   : PyObject_CallMethodNoArgs(shape, names.tick);
    }
    Py_XDECREF(shape);
    return tick;
}

/* Equal ticks are one: only a change is followed. */
static int
follow_if_new(RunnerObject *self, PyObject *tick)
{
    PyObject *last =
        Py_NewRef(self->shape_last_tick ? self->shape_last_tick : Py_None);
    int changed = PyObject_RichCompareBool(last, tick, Py_NE);
    Py_DECREF(last);
    if (changed <= 0) {
        return changed;
    }
    if (follow(self, tick) < 0) {
        return -1;
    }
    Py_XSETREF(self->shape_last_tick, Py_NewRef(tick));
    return 0;
}

static bool
may_change_users(const RunnerObject *self)
{
    return runner_state_is(self, names.ready) ||
           runner_state_is(self, names.spawning) ||
           runner_state_is(self, names.running);
}

int
runner_shape_worker(RunnerObject *self)
{
    if (log_line("locust.runners", "info", "Shape worker starting") < 0) {
        return -1;
    }
    while (may_change_users(self)) {
        int64_t begin = clock_ns();
        PyObject *tick = ask(self);
        if (tick == Py_None) {
            Py_DECREF(tick);
            return end_test(self);
        }
        int failed = tick == NULL || follow_if_new(self, tick) < 0;
        Py_XDECREF(tick);
        double spent = (double)(clock_ns() - begin) * 1e-9;
        if (failed || green_sleep(TICK_SECONDS - spent) < 0) {
            return -1;
        }
    }
    return 0;
}
