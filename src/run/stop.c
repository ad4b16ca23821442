/*
 * How a test is stopped and a runner quits.
 *
 * stop() and quit() end users and the runner's own green threads. Called from
 * one of those, they would end their caller half-way through; so they are
 * handed to a green thread of their own then, and the caller waits for its
 * GreenletExit: to it, they do not return, as in Locust. If somebody is at it
 * already, others wait until that one has finished. If that one is killed on
 * the way, the next goes on: listeners are not told twice, but users are killed
 * once more, also out of their on_stop. A listener that it has called itself
 * cannot wait for it: in test_stopping, its stop() does all the rest before it
 * returns; later on, there is nothing left to do. Nor is there for anybody else
 * then: a listener of test_stop may wait for the one that calls. Only the main
 * green thread, with which the program ends, waits for those listeners.
 */
#include "config.h"
#include "run/internal.h"

#include "base/names.h"
#include "green/group.h"

enum { STOP_BEGINS, STOP_TOLD, STOP_COUNTED, STOP_DONE };

int
runner_kill_own(PyObject *slot)
{
    if (slot == NULL || !PyObject_TypeCheck(slot, Green_Type) ||
        (struct green *)slot == green_current()) {
        return 0;
    }
    Py_INCREF(slot);
    int result = green_kill((struct green *)slot, NULL);
    Py_DECREF(slot);
    return result;
}

/* The same at once: users are still there, and one that never waits must not
   come between. */
static int
kill_own_first(PyObject *slot)
{
    struct green *g = (struct green *)slot;
    if (slot == NULL || !PyObject_TypeCheck(slot, Green_Type) ||
        g == green_current()) {
        return 0;
    }
    Py_INCREF(slot);
    int result = green_throw(g, Green_Exit);
    if (result == 0 && !green_is_dead(g)) {
        result = green_yield_to(g);
    }
    result = result < 0 ? -1 : runner_kill_own(slot);
    Py_DECREF(slot);
    return result;
}

static int
stop_all_users(RunnerObject *self)
{
    PyObject *counts = runner_count_users(self);
    PyObject *r = counts == NULL
                      ? NULL
                      : PyObject_CallMethodOneArg((PyObject *)self,
                                                  names.stop_users, counts);
    Py_XDECREF(counts);
    return drop_result(r);
}

int
runner_log_cpu_warning(RunnerObject *self)
{
    return self->cpu_warning_emitted
               ? log_line("locust.runners", "warning",
                         "CPU usage was too high at some point during the "
                         "test! What was measured may be the load "
                         "generator's own limit.")
               : 0;
}

/* Tells the listeners, and takes down how many users there were. */
static int
announce_stop(RunnerObject *self)
{
    if (self->stop_step < STOP_TOLD) {
        self->stop_step = STOP_TOLD;
        if (run_fire_environment(self->environment, names.test_stopping) <
            0) {
            return -1;
        }
    }
    if (self->stop_step < STOP_COUNTED) {
        PyObject *counts = runner_count_users(self);
        if (counts == NULL) {
            return -1;
        }
        Py_XSETREF(self->final_user_classes_count, counts);
        self->stop_step = STOP_COUNTED;
    }
    return 0;
}

static int
stop_sequence(RunnerObject *self)
{
    if (log_line("locust.runners", "debug", "Stopping...") < 0 ||
        announce_stop(self) < 0) {
        return -1;
    }
    if (self->stop_step == STOP_DONE) {
        return 0;               /* by a listener of test_stopping */
    }
    if (runner_update_state(self, names.cleanup) < 0 ||
        kill_own_first(self->spawning_greenlet) < 0 ||
        kill_own_first(self->shape_greenlet) < 0) {
        return -1;
    }
    Py_CLEAR(self->shape_greenlet);
    Py_CLEAR(self->shape_last_tick);
    if (stop_all_users(self) < 0) {
        return -1;
    }
    Py_CLEAR(self->users_dispatcher);
    if (runner_update_state(self, names.stopped) < 0 ||
        runner_log_cpu_warning(self) < 0) {
        return -1;
    }
    self->stop_step = STOP_DONE;
    waitlist_wake_all(&self->stopped);
    return run_fire_environment(self->environment, names.test_stop);
}

/* A listener that stop_sequence() has called wants the test to be stopped; one
   of test_stop may mean another test, which it has started. */
static int
stop_within(RunnerObject *self)
{
    if (self->stop_step == STOP_DONE &&
        !runner_state_is(self, names.stopped)) {
        self->stop_step = STOP_BEGINS;
        return stop_sequence(self);
    }
    return self->stop_step == STOP_TOLD ? stop_sequence(self) : 0;
}

/* Whether the test is over, and the caller need not wait until all have heard. */
static bool
only_tells(RunnerObject *self)
{
    return self->stop_step == STOP_DONE &&
           runner_state_is(self, names.stopped) &&
           green_current() != green_main();
}

/* Parks. */
static int
stop_now(RunnerObject *self)
{
    if (self->stopper == (PyObject *)green_current()) {
        return stop_within(self);
    }
    while (self->stopper != NULL) {
        if (only_tells(self)) {
            return 0;
        }
        if (waitlist_wait(&self->stopped, -1) < 0) {
            return -1;
        }
    }
    if (runner_state_is(self, names.stopped)) {
        return 0;
    }
    self->stopper = Py_NewRef((PyObject *)green_current());
    int result = stop_sequence(self);
    if (self->stop_step == STOP_DONE || !PyErr_ExceptionMatches(Green_Exit)) {
        self->stop_step = STOP_BEGINS;
    }
    Py_CLEAR(self->stopper);
    if (result == 0 &&
        PyList_SetSlice(self->callers, 0, PyList_GET_SIZE(self->callers),
                        NULL) < 0) {
        result = -1;
    }
    waitlist_wake_all(&self->stopped);
    return result;
}

static int
quit_now(RunnerObject *self)
{
    PyObject *r =
        PyObject_CallMethodNoArgs((PyObject *)self, names.stop);
    if (r == NULL) {
        return -1;
    }
    Py_DECREF(r);
    int ended = group_kill(self->greenlet, Green_Exit, true, -1);
    if (ended == 0) {
        ended = log_line("locust.runners", "error",
                        "%zd green threads of the runner are left: whenever "
                        "one is killed, it starts another",
                        group_size(self->greenlet));
    }
    return ended;
}

/* Whether ending the runner would end the current green thread half-way. */
static int
called_from_inside(RunnerObject *self)
{
    if (!hub_is_here()) {
        return -1;
    }
    PyObject *current = (PyObject *)green_current();
    return current == self->spawning_greenlet
               ? 1
               : PySequence_Contains(self->user_greenlets, current);
}

static PyObject *
end_body(struct green *green)
{
    RunnerObject *self = (RunnerObject *)green->target;
    bool quit = PyTuple_GET_SIZE(green->args) > 0;
    if ((quit ? quit_now(self) : stop_now(self)) < 0) {
        return run_failed(self->environment);
    }
    Py_RETURN_NONE;
}

/* Has somebody else do it. args say what: () is stop, (None,) quit. */
static struct green *
begin_elsewhere(RunnerObject *self, bool quit)
{
    PyObject *args = quit ? PyTuple_Pack(1, Py_None) : PyTuple_New(0);
    struct green *g =
        args ? green_new(NULL, end_body, (PyObject *)self, args) : NULL;
    Py_XDECREF(args);
    if (g != NULL && green_start(g) < 0) {
        Py_CLEAR(g);
    }
    return g;
}

/* The caller is killed on the way, or at once if the killing was before. */
static int
end_elsewhere(RunnerObject *self, bool quit)
{
    struct green *current = green_current();
    struct green *g = begin_elsewhere(self, quit);
    int result = -1;
    if (g == NULL) {
        return -1;
    }
    if (self->stopper != NULL) {
        result = green_throw(current, Green_Exit);
    }
    else if (PyList_Append(self->callers, (PyObject *)current) == 0) {
        result = green_join(g, -1) < 0 ? -1 : 0;
        if (result == 0 && g->value != NULL &&
            PyErr_GivenExceptionMatches(g->value, Green_Exit)) {
            result = green_throw(current, Green_Exit);
        }
    }
    Py_DECREF(g);
    return result;
}

PyObject *
runner_end(RunnerObject *self, bool quit)
{
    int inside = called_from_inside(self);
    int result = inside;
    if (inside > 0) {
        result = end_elsewhere(self, quit);
    }
    else if (inside == 0) {
        result = quit ? quit_now(self) : stop_now(self);
    }
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

int
runner_hurry(RunnerObject *self)
{
    struct green *g = (struct green *)self->stopper;
    if (g != NULL && g != green_current() && green_throw(g, Green_Exit) < 0) {
        return -1;
    }
    return 0;
}
