/*
 * The loop of a task set: choose a task, run it, wait; and what the
 * exceptions mean that come out of either.
 *
 * Nothing here assumes that a method is ours: each is looked up when it is
 * needed, because locustfiles override them and plugins replace them while
 * users run. What was not replaced is called in C.
 *
 * A task set ends by an exception only, which its caller (the parent's loop,
 * or the user) understands: taskset_run() never returns 0.
 */
#include "event/event.h"
#include "event/exceptions.h"
#include "event/log.h"
#include "green/green.h"
#include "user/choice.h"
#include "user/internal.h"

/* --- Running one task. */

/* Calls a plain task with its one argument, and lets the user know which it
   is meanwhile. */
static int
call_task(TaskSetObject *self, PyObject *task, PyObject *argument)
{
    UserObject *user = (UserObject *)Py_XNewRef(self->known);
    PyObject *outer = user != NULL ? user->task : NULL;
    if (user != NULL) {
        user->task = task;
    }
    PyObject *r = argument != NULL ? PyObject_CallOneArg(task, argument)
                                   : PyObject_CallNoArgs(task);
    if (user != NULL) {
        user->task = outer;
    }
    if (r == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) {
        note_task(argument == self->user ? self->user : (PyObject *)self,
                  task);
    }
    Py_XDECREF(user);           /* self may have got another one */
    return drop_result(r);
}

static bool
is_taskset_class(PyObject *task)
{
    return PyType_Check(task) &&
           PyType_IsSubtype((PyTypeObject *)task, TaskSet_Type);
}

/* Makes a nested task set and runs it, to its end by an exception. */
static int
run_nested(PyObject *class, PyObject *parent)
{
    PyObject *nested = PyObject_CallOneArg(class, parent);
    if (nested == NULL) {
        return -1;
    }
    struct method run;
    int result = method_find(nested, names.run, &run);
    if (result == 0) {
        if (run.function == natives.run) {
            Py_DECREF(run.function);
            result = taskset_run((TaskSetObject *)nested);
        }
        else {
            result = drop_result(method_call(&run, nested, NULL));
        }
    }
    Py_DECREF(nested);
    return result;
}

/* Whether the task is a method of this very object; -1 on failure. */
static int
is_own_method(PyObject *self, PyObject *task)
{
    if (PyMethod_Check(task)) {
        return PyMethod_GET_SELF(task) == self;
    }
    if (PyFunction_Check(task)) {
        return 0;
    }
    PyObject *owner = PyObject_GetAttr(task, names.__self__);
    if (owner == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return -1;
        }
        PyErr_Clear();
        return 0;
    }
    Py_DECREF(owner);
    return owner == self;
}

int
taskset_execute(TaskSetObject *self, PyObject *task)
{
    if (is_taskset_class(task)) {
        return run_nested(task, (PyObject *)self);
    }
    int own = is_own_method((PyObject *)self, task);
    return own < 0 ? -1
                   : call_task(self, task, own ? NULL : (PyObject *)self);
}

int
taskset_execute_with_user(TaskSetObject *self, PyObject *task)
{
    return is_taskset_class(task) ? run_nested(task, self->user)
                                  : call_task(self, task, self->user);
}

static int
execute(TaskSetObject *self, PyObject *task)
{
    struct method m;
    if (method_find((PyObject *)self, names.execute_task, &m) < 0) {
        return -1;
    }
    if (m.function == natives.execute_with_user) {
        Py_DECREF(m.function);
        return taskset_execute_with_user(self, task);
    }
    if (m.function == natives.execute_task) {
        Py_DECREF(m.function);
        return taskset_execute(self, task);
    }
    return drop_result(method_call(&m, (PyObject *)self, task));
}

int
taskset_execute_next(TaskSetObject *self)
{
    PyObject *task = taskset_pop(self);
    int result = task != NULL ? execute(self, task) : -1;
    Py_XDECREF(task);
    return result;
}

/* --- Choosing the next task. */

static PyObject *
choose(TaskSetObject *self)
{
    struct method m;
    if (method_find((PyObject *)self, names.get_next_task, &m) < 0) {
        return NULL;
    }
    PyObject *(*native)(TaskSetObject *) =
        m.function == natives.next_for_user      ? taskset_next_for_user
        : m.function == natives.get_next_task    ? taskset_next
        : m.function == natives.next_in_sequence ? taskset_next_in_sequence
        : m.function == natives.next_in_chain    ? taskset_next_in_chain
                                                 : NULL;
    if (native == NULL) {
        return method_call(&m, (PyObject *)self, NULL);
    }
    Py_DECREF(m.function);
    return native(self);
}

static int
schedule(TaskSetObject *self, PyObject *task)
{
    struct method m;
    if (method_find((PyObject *)self, names.schedule_task, &m) < 0) {
        return -1;
    }
    if (m.function == natives.schedule_task) {
        Py_DECREF(m.function);
        return taskset_schedule(self, task, false);
    }
    return drop_result(method_call(&m, (PyObject *)self, task));
}

/* Whether both schedule_task and execute_next_task are ours, so that a chosen
   task need not go through the queue; -1 on failure. */
static int
queue_is_private(TaskSetObject *self)
{
    struct method put, take;
    if (method_find((PyObject *)self, names.schedule_task, &put) < 0) {
        return -1;
    }
    Py_DECREF(put.function);
    if (put.function != natives.schedule_task) {
        return 0;
    }
    if (method_find((PyObject *)self, names.execute_next_task, &take) < 0) {
        return -1;
    }
    Py_DECREF(take.function);
    return take.function == natives.execute_next_task;
}

/* Finds what to run next: *task, or NULL if it is in the queue. */
static int
prepare(TaskSetObject *self, PyObject **task)
{
    *task = NULL;
    int empty = taskset_queue_is_empty(self);
    if (empty <= 0) {
        return empty;
    }
    PyObject *chosen = choose(self);
    int private = chosen != NULL ? queue_is_private(self) : -1;
    if (private > 0) {
        *task = chosen;
        return 0;
    }
    int result = private == 0 ? schedule(self, chosen) : -1;
    Py_XDECREF(chosen);
    return result;
}

/* --- Waiting. */

/* Whether the user's state is "stopping", or it is being killed; -1 with an
   exception set. */
static int
is_stopping(TaskSetObject *self)
{
    if (self->known != NULL) {
        return self->known->killed ||
               user_same_state(self->known->state, names.stopping);
    }
    PyObject *state = PyObject_GetAttr(self->user, names._state);
    if (state == NULL) {
        return -1;
    }
    int result = user_same_state(state, names.stopping);
    Py_DECREF(state);
    return result;
}

static int
set_state(TaskSetObject *self, PyObject *state)
{
    if (self->known == NULL) {
        return PyObject_SetAttr(self->user, names._state, state);
    }
    Py_XSETREF(self->known->state, Py_NewRef(state));
    return 0;
}

static int
stop_if_asked(TaskSetObject *self)
{
    int stopping = is_stopping(self);
    if (stopping > 0 && exceptions_load() == 0) {
        PyErr_SetNone(exceptions.StopUser);
    }
    return stopping == 0 ? 0 : -1;
}

/* The instance's or its class's wait_time: what it returns. */
static PyObject *
call_wait_time(PyObject *obj, struct method *m)
{
    if (m->unbound && wait_time_check(m->function)) {
        PyObject *seconds = wait_time_call(m->function, obj);
        Py_DECREF(m->function);
        return seconds;
    }
    return method_call(m, obj, NULL);
}

/* A whole number of milliseconds between min_wait and max_wait. */
static PyObject *
draw_milliseconds(TaskSetObject *self)
{
    PyObject *min = PyObject_GetAttr((PyObject *)self, names.min_wait);
    PyObject *max = PyObject_GetAttr((PyObject *)self, names.max_wait);
    PyObject *ms = NULL;
    if (min == NULL || max == NULL) {
        goto done;
    }
    if (min != Py_None && max != Py_None) {
        ms = choice_integer(min, max);
    }
    else if (exceptions_load() == 0) {
        PyErr_Format(exceptions.MissingWaitTimeError,
                     "%s has no wait_time; set it on the User class or "
                     "on the TaskSet",
                     _PyType_Name(Py_TYPE(self->user)));
        note_class(self->user);
    }
done:
    Py_XDECREF(min);
    Py_XDECREF(max);
    return ms;
}

/* Seconds from what Locust had before wait_time, in milliseconds:
   wait_function(), or a time between min_wait and max_wait. */
static PyObject *
legacy_wait_time(TaskSetObject *self)
{
    PyObject *function =
        PyObject_GetAttr((PyObject *)self, names.wait_function);
    int given = function != NULL ? PyObject_IsTrue(function) : -1;
    PyObject *ms = given > 0    ? PyObject_CallNoArgs(function)
                   : given == 0 ? draw_milliseconds(self)
                                : NULL;
    Py_XDECREF(function);
    double seconds = ms != NULL ? PyFloat_AsDouble(ms) / 1000 : -1;
    Py_XDECREF(ms);
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(seconds);
}

PyObject *
taskset_wait_time(TaskSetObject *self)
{
    struct method m;
    if (method_find(self->user, names.wait_time, &m) < 0) {
        return NULL;
    }
    int given = m.unbound ? 1 : PyObject_IsTrue(m.function);
    if (given > 0) {
        return call_wait_time(self->user, &m);
    }
    Py_DECREF(m.function);
    return given < 0 ? NULL : legacy_wait_time(self);
}

int
taskset_sleep(PyObject *seconds)
{
    double s = PyFloat_AsDouble(seconds);
    return s == -1 && PyErr_Occurred() ? -1 : green_sleep(s);
}

/* self._sleep(seconds); holder is whose wait_time gave them. */
static int
sleep_so_long(TaskSetObject *self, PyObject *seconds, PyObject *holder)
{
    struct method m;
    int result = method_find((PyObject *)self, names._sleep, &m);
    if (result == 0 && m.function == natives.sleep) {
        Py_DECREF(m.function);
        result = taskset_sleep(seconds);
        if (result < 0 && !PyFloat_Check(seconds)) {
            note_wait_time(holder, seconds);
        }
    }
    else if (result == 0) {
        result = drop_result(method_call(&m, (PyObject *)self, seconds));
    }
    return result;
}

/* self._sleep(self.wait_time()) */
static int
rest(TaskSetObject *self)
{
    struct method m;
    if (method_find((PyObject *)self, names.wait_time, &m) < 0) {
        return -1;
    }
    PyObject *seconds, *holder;
    if (m.function == natives.wait_time) {
        Py_DECREF(m.function);
        holder = Py_NewRef(self->user);
        seconds = taskset_wait_time(self);
    }
    else {
        holder = Py_NewRef((PyObject *)self);
        seconds = call_wait_time(holder, &m);
    }
    int result = -1;
    if (seconds != NULL) {
        result = sleep_so_long(self, seconds, holder);
    }
    else {
        note_wait_time(holder, NULL);
    }
    Py_XDECREF(seconds);
    Py_DECREF(holder);
    return result;
}

int
taskset_wait(TaskSetObject *self)
{
    if (stop_if_asked(self) < 0 ||
        set_state(self, names.waiting) < 0 || rest(self) < 0 ||
        stop_if_asked(self) < 0) {
        return -1;
    }
    return set_state(self, names.running);
}

static int
wait_turn(TaskSetObject *self)
{
    struct method m;
    if (method_find((PyObject *)self, names.wait, &m) < 0) {
        return -1;
    }
    if (m.function == natives.wait) {
        Py_DECREF(m.function);
        return taskset_wait(self);
    }
    return drop_result(method_call(&m, (PyObject *)self, NULL));
}

/* --- The loop. */

static int
execute_next(TaskSetObject *self)
{
    struct method m;
    if (method_find((PyObject *)self, names.execute_next_task, &m) < 0) {
        return -1;
    }
    if (m.function == natives.execute_next_task) {
        Py_DECREF(m.function);
        return taskset_execute_next(self);
    }
    return drop_result(method_call(&m, (PyObject *)self, NULL));
}

static int
run_prepared(TaskSetObject *self, PyObject *task)
{
    if (stop_if_asked(self) < 0) {
        return -1;
    }
    return task != NULL ? execute(self, task) : execute_next(self);
}

/* One task and the wait after it. */
static int
turn(TaskSetObject *self)
{
    PyObject *task;
    if (prepare(self, &task) < 0) {
        return -1;
    }
    int result = run_prepared(self, task);
    Py_XDECREF(task);
    if (result < 0) {
        if (PyErr_ExceptionMatches(exceptions.RescheduleTaskImmediately)) {
            PyErr_Clear();
            return 0;
        }
        if (!PyErr_ExceptionMatches(exceptions.RescheduleTask)) {
            return -1;
        }
        PyErr_Clear();
    }
    return wait_turn(self);
}

static bool
is_stop(PyObject *error)
{
    return PyErr_GivenExceptionMatches(error, exceptions.StopUser) ||
           PyErr_GivenExceptionMatches(error, exceptions.StopTest) ||
           PyErr_GivenExceptionMatches(error, Green_Exit);
}

/* Calls on_stop() while an exception ends the task set. Its own exceptions
   are logged; those that stop the user only if that stops anyway. */
static int
call_on_stop(TaskSetObject *self, bool stopping)
{
    if (call_hook((PyObject *)self, names.on_stop, natives.on_stop) == 0) {
        return 0;
    }
    PyObject *error = error_take();
    if ((!stopping && is_stop(error)) ||
        !PyErr_GivenExceptionMatches(error, PyExc_Exception)) {
        error_give(error);
        return -1;
    }
    int result = log_exception(NULL, "Uncaught exception in on_stop: ",
                               error);
    Py_DECREF(error);
    return result;
}

/* Raises what an InterruptTaskSet means for the parent. */
static int
raise_reschedule(PyObject *interrupt)
{
    PyObject *now = PyObject_GetAttr(interrupt, names.reschedule);
    int at_once = now != NULL ? PyObject_IsTrue(now) : -1;
    if (at_once >= 0) {
        PyObject *class = at_once ? exceptions.RescheduleTaskImmediately
                                  : exceptions.RescheduleTask;
        PyObject *error = PyObject_CallOneArg(class, now);
        if (error != NULL) {
            PyException_SetCause(error, Py_NewRef(interrupt));
            PyErr_SetObject(class, error);
            Py_DECREF(error);
        }
    }
    Py_XDECREF(now);
    return -1;
}

static int
fire_user_error(TaskSetObject *self, PyObject *environment, PyObject *error)
{
    PyObject *tb = PyException_GetTraceback(error);
    PyObject *kwargs = Py_BuildValue(
        "{OOOOOO}", names.user_instance, (PyObject *)self, names.exception,
        error, names.tb, tb != NULL ? tb : Py_None);
    int result = kwargs == NULL
                     ? -1
                     : event_fire_of(environment, names.user_error, kwargs);
    Py_XDECREF(kwargs);
    Py_XDECREF(tb);
    return result;
}

/* Reports a task's exception. Returns whether the user goes on; -1 if the
   report itself failed. */
static int
report_error(TaskSetObject *self, PyObject *error)
{
    PyObject *environment = PyObject_GetAttr(self->user, names.environment);
    int go_on = -1;
    if (environment != NULL &&
        fire_user_error(self, environment, error) == 0) {
        PyObject *catch =
            PyObject_GetAttr(environment, names.catch_exceptions);
        go_on = catch != NULL ? PyObject_IsTrue(catch) : -1;
        Py_XDECREF(catch);
    }
    if (go_on > 0 && log_exception("locust.user.task", NULL, error) < 0) {
        go_on = -1;
    }
    Py_XDECREF(environment);
    return go_on;
}

/* Deals with an exception that came out of a turn: 0 to go on, or -1 with the
   exception that ends the task set. Takes it. */
static int
recover_from(TaskSetObject *self, PyObject *error)
{
    if (PyErr_GivenExceptionMatches(error, exceptions.InterruptTaskSet)) {
        int result = call_on_stop(self, false);
        if (result == 0) {
            raise_reschedule(error);
        }
        Py_DECREF(error);
        return -1;
    }
    if (is_stop(error)) {
        if (self->known != NULL) {
            self->known->killed = false;        /* it has come */
        }
        int result = call_on_stop(self, true);
        if (result == 0) {
            error_give(error);
        }
        else {
            Py_DECREF(error);
        }
        return -1;
    }
    if (!PyErr_GivenExceptionMatches(error, PyExc_Exception)) {
        error_give(error);
        return -1;
    }
    int go_on = report_error(self, error);
    if (go_on == 0) {
        error_give(error);
        return -1;
    }
    Py_DECREF(error);
    return go_on < 0 ? -1 : wait_turn(self);
}

/* While on_stop() and listeners run, sys.exc_info() tells what happened. */
static int
recover(TaskSetObject *self)
{
    PyObject *error = error_take();
    PyObject *outer = PyErr_GetHandledException();
    PyErr_SetHandledException(error);
    int result = recover_from(self, error);
    PyErr_SetHandledException(outer);
    Py_XDECREF(outer);
    return result;
}

static int
start(TaskSetObject *self)
{
    if (call_hook((PyObject *)self, names.on_start, natives.on_start) == 0) {
        return 0;
    }
    if (PyErr_ExceptionMatches(exceptions.InterruptTaskSet)) {
        PyObject *interrupt = error_take();
        raise_reschedule(interrupt);
        Py_DECREF(interrupt);
    }
    return -1;
}

int
taskset_run(TaskSetObject *self)
{
    if (taskset_check_init(self) < 0 || exceptions_load() < 0 ||
        Py_EnterRecursiveCall(" in a nested TaskSet")) {
        return -1;
    }
    int result = start(self);
    while (result == 0) {
        result = turn(self);
        if (result < 0) {
            result = recover(self);
        }
    }
    Py_LeaveRecursiveCall();
    return -1;
}
