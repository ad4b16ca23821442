/*
 * What the files of this room share among themselves and nobody else needs.
 */
#ifndef LOCUST_RUN_INTERNAL_H
#define LOCUST_RUN_INTERNAL_H

#include "base/lookup.h"
#include "base/pycompat.h"
#include "event/event.h"
#include "event/log.h"
#include "run/runner.h"

/* --- support.c: what the runners say and ask in Python. */

/* Whether DEBUG lines of locust.runners are wanted. 1, 0 or -1. */
int run_debugging(void);

/* environment.events.<event>.fire(environment=environment). 0 or -1. */
int run_fire_environment(PyObject *environment, PyObject *event);

/* json.dumps(value, sort_keys=sort): new reference or NULL. */
PyObject *run_json(PyObject *value, bool sort);

/* The sum of a dict's values, which are ints: an int, or NULL. */
PyObject *run_sum(PyObject *counts);

/* What becomes of an exception that would leave a green thread of a runner:
   locust.runners decides. Takes the error indicator; a GreenletExit stays.
   Returns None (new reference) when all is said, NULL with an exception. */
PyObject *run_failed(PyObject *environment);

/* --- users.c */

/* {class name: users that are alive}: new dict, or NULL. */
PyObject *runner_count_users(RunnerObject *self);

/* Starts users, {class name: number}. A list of them, or NULL. Parks only if
   wait, until nobody is left. */
PyObject *runner_spawn_users(RunnerObject *self, PyObject *counts, bool wait);

/* Stops users, {class name: number}, and waits until they have ended. Parks.
   0 or -1. */
int runner_stop_users(RunnerObject *self, PyObject *counts);

/* --- shape.c */

/* Starts the green thread that follows environment.shape_class, unless one
   does already. 0 or -1. */
int runner_start_shape(RunnerObject *self);

/* Follows it until the test or the shape ends. Parks. 0, or -1 with an
   exception set. */
int runner_shape_worker(RunnerObject *self);

/* --- monitor.c */

/* Starts the green thread that samples CPU and memory. 0 or -1. */
int runner_start_monitor(RunnerObject *self);

/* Samples for ever. Parks. Returns -1 with an exception set. */
int runner_monitor(RunnerObject *self);

/* --- runner.c */

/* An attribute that is always there and that Python code may replace by
   another of the same type (NULL: by anything): the closure of a getter and
   setter. */
struct part {
    const char *name;
    size_t offset;
    PyTypeObject **type;
};

PyObject *runner_get_part(PyObject *self, void *part);
int runner_set_part(PyObject *self, PyObject *value, void *part);

/* self.update_state(state). 0 or -1. */
int runner_update_state(RunnerObject *self, PyObject *state);

static inline bool
runner_state_is(const RunnerObject *self, PyObject *state)
{
    return self->state != NULL && PyUnicode_Check(self->state) &&
           PyUnicode_Compare(self->state, state) == 0;
}

/* Adds one of its own methods, by name, to an event. 0 or -1. */
int runner_listen(RunnerObject *self, PyObject *event, PyObject *method);

/* --- stop.c */

/* Kills a green thread that an attribute of the runner names, unless that is
   the caller (or none), and waits for its end. Parks. 0 or -1. */
int runner_kill_own(PyObject *green);

/* stop(), or quit(). Parks. None, or NULL with an exception set. */
PyObject *runner_end(RunnerObject *self, bool quit);

/* Kills the green thread that stops the test, if another one is at it. 0 or
   -1. */
int runner_hurry(RunnerObject *self);

/* Says so if the processor was the limit. 0 or -1. */
int runner_log_cpu_warning(RunnerObject *self);

/* --- messages.c: methods of runners. */

PyObject *runner_register_message(RunnerObject *self, PyObject *args,
                                  PyObject *kwargs);
PyObject *runner_send_locally(RunnerObject *self, PyObject *args,
                              PyObject *kwargs);
PyObject *runner_log_exception(RunnerObject *self, PyObject *args,
                               PyObject *kwargs);
PyObject *runner_on_user_error(RunnerObject *self, PyObject *args,
                               PyObject *kwargs);

/* --- patience.c */

/* The user that a green thread runs, borrowed; NULL once it has ended. */
PyObject *run_user_of(const struct green *g);

/* Waits until all of a list are dead (1), or a moment of clock_ns() has come (0;
   moment 0: never). Parks. -1 with an exception set. */
int run_join_all(PyObject *list, int64_t until);

/* Waits for users that have been killed, and for others without a limit: see
   there. Takes those that are left behind off the list. Parks. 0 or -1. */
int run_join_killed(PyObject *list);

/* How many seconds a killed user may stay in its task. */
void run_set_patience(double seconds);

/* --- spread.c */

/* self.spawn_users(counts, wait). 0 or -1. */
int runner_call_spawn(RunnerObject *self, PyObject *counts, bool wait);

/* Starts so many users, {class name: number}, one by one, so many a second.
   Parks. 0 or -1. */
int runner_spawn_evenly(RunnerObject *self, PyObject *counts, double rate);

/* --- settings.c */

int run_settings_exec(PyObject *module);

/* --- local.c */

int local_runner_module_exec(PyObject *module);

#endif
