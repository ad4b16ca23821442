/*
 * Users of a runner: counting, starting and stopping them.
 *
 * A user's green thread carries the user as its first argument (api:
 * User.start), which is how a member of the group leads to the user.
 *
 * Stopping is done here in one go for all users whose class keeps the stop()
 * it inherits: kill those who wait, ask the others, and wait for all of them
 * together. Only a stop() of the user's own needs a green thread per call.
 */
#include "config.h"
#include "run/internal.h"

#include "base/clock.h"
#include "base/names.h"
#include "green/group.h"
#include "user/user.h"

/* --- Counting. */

static int
add_count(PyObject *counts, PyObject *name, long more)
{
    PyObject *old = PyDict_GetItemWithError(counts, name);
    if (old == NULL && PyErr_Occurred()) {
        return -1;
    }
    PyObject *sum = PyLong_FromLong((old ? PyLong_AsLong(old) : 0) + more);
    int result = sum == NULL ? -1 : PyDict_SetItem(counts, name, sum);
    Py_XDECREF(sum);
    return result;
}

static int
count_class(PyObject *counts, PyTypeObject *type, long more)
{
    PyObject *name = PyObject_GetAttr((PyObject *)type, names.__name__);
    int result = name == NULL ? -1 : add_count(counts, name, more);
    Py_XDECREF(name);
    return result;
}

/* Every class of the runner with a count of 0. */
static PyObject *
zero_counts(RunnerObject *self)
{
    PyObject *classes =
        PyObject_GetAttr(self->environment, names.user_classes);
    PyObject *list = classes != NULL ? PySequence_List(classes) : NULL;
    PyObject *counts = list != NULL ? PyDict_New() : NULL;
    for (Py_ssize_t i = 0; counts != NULL && i < PyList_GET_SIZE(list); i++) {
        PyTypeObject *type = (PyTypeObject *)PyList_GET_ITEM(list, i);
        if (count_class(counts, type, 0) < 0) {
            Py_CLEAR(counts);
        }
    }
    Py_XDECREF(list);
    Py_XDECREF(classes);
    return counts;
}

PyObject *
runner_count_users(RunnerObject *self)
{
    PyObject *counts = zero_counts(self);
    PyObject *members = counts != NULL ? group_members(self->user_greenlets)
                                       : NULL;
    int failed = members == NULL;
    /* Users of one class tend to stand together: count runs of them. */
    PyTypeObject *type = NULL;
    long run = 0;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(members); i++) {
        PyObject *user =
            run_user_of((struct green *)PyList_GET_ITEM(members, i));
        if (user != NULL && Py_TYPE(user) != type) {
            failed = run > 0 && count_class(counts, type, run) < 0;
            type = Py_TYPE(user);
            run = 0;
        }
        run += user != NULL;
    }
    if (!failed && run > 0) {
        failed = count_class(counts, type, run) < 0;
    }
    Py_XDECREF(members);
    if (failed) {
        Py_CLEAR(counts);
    }
    return counts;
}

/* --- Starting. */

static PyObject *
class_named(RunnerObject *self, PyObject *name)
{
    PyObject *by_name =
        PyObject_GetAttr((PyObject *)self, names.user_classes_by_name);
    PyObject *cls = by_name != NULL ? PyObject_GetItem(by_name, name) : NULL;
    Py_XDECREF(by_name);
    return cls;
}

/* One more user of a class, added to users. 0 or -1. */
static int
spawn_one(RunnerObject *self, PyObject *cls, PyObject *users)
{
    PyObject *user = PyObject_CallOneArg(cls, self->environment);
    if (user == NULL) {
        return -1;
    }
    PyObject *started = NULL;
    if (!PyObject_HasAttr(user, names.environment)) {
        PyErr_Format(PyExc_AssertionError,
                     "Attribute 'environment' is missing on user %S. If the "
                     "class has an __init__ of its own, it must call the "
                     "inherited one: super().__init__(environment)",
                     cls);
    }
    else {
        started = PyObject_CallMethodOneArg(user, names.start,
                                            self->user_greenlets);
    }
    int result = started == NULL ? -1 : PyList_Append(users, user);
    Py_XDECREF(started);
    Py_DECREF(user);
    return result;
}

static int
spawn_class(RunnerObject *self, PyObject *name, PyObject *count,
            PyObject *users)
{
    long n = PyLong_AsLong(count);
    PyObject *cls = PyErr_Occurred() ? NULL : class_named(self, name);
    int result = cls == NULL ? -1 : 0;
    for (long i = 0; result == 0 && i < n; i++) {
        result = spawn_one(self, cls, users);
    }
    Py_XDECREF(cls);
    if (result == 0) {
        result = log_line("locust.runners", "debug",
                         "%zd users spawned",
                         group_size(self->user_greenlets));
    }
    return result < 0 ? -1
                      : log_line("locust.runners", "debug",
                                "All users of class %U spawned", name);
}

static int
log_spawning(RunnerObject *self, PyObject *counts)
{
    int wanted = run_debugging();
    if (wanted <= 0) {
        return wanted;
    }
    PyObject *more = run_json(counts, false);
    PyObject *there = runner_count_users(self);
    PyObject *there_text = there != NULL ? run_json(there, false) : NULL;
    int result = -1;
    if (more != NULL && there_text != NULL) {
        result = log_line("locust.runners", "debug",
                         "Spawning additional %U (%U already running)...",
                         more, there_text);
    }
    Py_XDECREF(there_text);
    Py_XDECREF(there);
    Py_XDECREF(more);
    return result;
}

PyObject *
runner_spawn_users(RunnerObject *self, PyObject *counts, bool wait)
{
    if ((runner_state_is(self, names.ready) ||
         runner_state_is(self, names.stopped)) &&
        runner_update_state(self, names.spawning) < 0) {
        return NULL;
    }
    PyObject *users = log_spawning(self, counts) < 0 ? NULL : PyList_New(0);
    PyObject *items = users != NULL ? PyMapping_Items(counts) : NULL;
    int failed = items == NULL;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);
        failed = spawn_class(self, PyTuple_GET_ITEM(item, 0),
                             PyTuple_GET_ITEM(item, 1), users) < 0;
    }
    if (!failed && wait) {
        failed = group_join(self->user_greenlets, -1) < 0 ||
                 log_line("locust.runners", "info", "All users stopped\n") < 0;
    }
    Py_XDECREF(items);
    if (failed) {
        Py_CLEAR(users);
    }
    return users;
}

/* --- Choosing whom to stop. */

/* Users are counted and chosen by the name of their very class: a user of a
   subclass is not one of its base's. */
struct quota {
    PyObject *name;
    long left;
    bool used;
};

static void
free_quotas(struct quota *quotas, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_XDECREF(quotas[i].name);
    }
    PyMem_Free(quotas);
}

static int
read_quota(PyObject *item, struct quota *q)
{
    q->name = Py_NewRef(PyTuple_GET_ITEM(item, 0));
    q->left = PyLong_AsLong(PyTuple_GET_ITEM(item, 1));
    return q->left == -1 && PyErr_Occurred() ? -1 : 0;
}

/* An array of *n, or NULL. */
static struct quota *
read_quotas(PyObject *counts, Py_ssize_t *n)
{
    PyObject *items = PyMapping_Items(counts);
    if (items == NULL) {
        return NULL;
    }
    *n = PyList_GET_SIZE(items);
    struct quota *quotas = PyMem_Calloc(*n + 1, sizeof(*quotas));
    int failed = quotas == NULL;
    if (failed) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; !failed && i < *n; i++) {
        failed = read_quota(PyList_GET_ITEM(items, i), &quotas[i]) < 0;
    }
    Py_DECREF(items);
    if (failed && quotas != NULL) {
        free_quotas(quotas, *n);
    }
    return failed ? NULL : quotas;
}

/* 1 if a user falls under a quota that is not used up, which is then reduced;
   0 or -1 otherwise. */
static int
use_quota(struct quota *q, PyObject *user)
{
    if (q->left <= 0) {
        return 0;
    }
    PyObject *name =
        PyObject_GetAttr((PyObject *)Py_TYPE(user), names.__name__);
    int fits = name == NULL ? -1
                            : PyObject_RichCompareBool(name, q->name, Py_EQ);
    Py_XDECREF(name);
    q->left -= fits > 0;
    q->used |= fits > 0;
    return fits;
}

/* KeyError for a name that neither a user nor a class of the runner has. */
static int
check_names(RunnerObject *self, const struct quota *quotas, Py_ssize_t n)
{
    PyObject *known = zero_counts(self);
    int found = known != NULL ? 1 : -1;
    for (Py_ssize_t i = 0; found > 0 && i < n; i++) {
        if (!quotas[i].used) {
            found = PyDict_Contains(known, quotas[i].name);
        }
        if (found == 0) {
            PyErr_SetObject(PyExc_KeyError, quotas[i].name);
        }
    }
    Py_XDECREF(known);
    return found > 0 ? 0 : -1;
}

static int
choose_if_fits(struct quota *quotas, Py_ssize_t n, PyObject *member,
               PyObject *chosen)
{
    PyObject *user = run_user_of((struct green *)member);
    for (Py_ssize_t i = 0; user != NULL && i < n; i++) {
        int fits = use_quota(&quotas[i], user);
        if (fits != 0) {
            return fits < 0 ? -1 : PyList_Append(chosen, member);
        }
    }
    return 0;
}

/* The green threads of users to be stopped: a new list, or NULL. */
static PyObject *
choose_users(RunnerObject *self, PyObject *counts)
{
    Py_ssize_t n = 0;
    struct quota *quotas = read_quotas(counts, &n);
    if (quotas == NULL) {
        return NULL;
    }
    PyObject *members = group_members(self->user_greenlets);
    PyObject *chosen = members != NULL ? PyList_New(0) : NULL;
    for (Py_ssize_t i = 0; chosen != NULL && i < PyList_GET_SIZE(members);
         i++) {
        if (choose_if_fits(quotas, n, PyList_GET_ITEM(members, i), chosen) <
            0) {
            Py_CLEAR(chosen);
        }
    }
    Py_XDECREF(members);
    if (chosen != NULL && check_names(self, quotas, n) < 0) {
        Py_CLEAR(chosen);
    }
    free_quotas(quotas, n);
    return chosen;
}

/* --- Stopping them. */

struct stopping {
    PyObject *callers;          /* list, borrowed: wait for their end */
    PyObject *inherited;        /* User.stop, as it is in C */
    bool force;
    PyObject *asked;            /* list: have until the time limit */
    PyObject *ended;            /* list: killed, or helpers: no time limit */
};

static int
kill_user(struct stopping *s, struct green *g)
{
    PyObject *user = run_user_of(g);
    if (user != NULL) {
        user_mark_killed(user);
    }
    (void)green_throw(g, Green_Exit);   /* fails for the current one only */
    return PyList_Append(s->ended, (PyObject *)g);
}

/* As the inherited stop(force=False) does. */
static int
ask_user(struct stopping *s, struct green *g, PyObject *user)
{
    PyObject *state = PyObject_GetAttr(user, names._state);
    if (state == NULL) {
        return -1;
    }
    int running = PyObject_RichCompareBool(state, names.running, Py_EQ);
    int asked = running != 0
                    ? running
                    : PyObject_RichCompareBool(state, names.stopping, Py_EQ);
    Py_DECREF(state);
    if (asked < 0) {
        return -1;
    }
    if (!asked) {
        return kill_user(s, g); /* waits, or has not even begun */
    }
    if (PyObject_SetAttr(user, names._state, names.stopping) < 0) {
        return -1;
    }
    return PyList_Append(s->asked, (PyObject *)g);
}

static PyObject *
stop_body(struct green *self)
{
    return PyObject_Call(self->target, self->args, self->kwargs);
}

/* user.stop(force=...) in a green thread of its own. */
static int
call_stop(struct stopping *s, struct green *g, PyObject *user)
{
    PyObject *stop = PyObject_GetAttr(user, names.stop);
    struct green *helper =
        stop != NULL ? green_new(NULL, stop_body, stop, NULL) : NULL;
    int result = -1;
    if (helper != NULL) {
        helper->kwargs =
            Py_BuildValue("{sO}", "force", s->force ? Py_True : Py_False);
        if (helper->kwargs != NULL && green_start(helper) == 0 &&
            PyList_Append(s->ended, (PyObject *)helper) == 0) {
            result = PyList_Append(s->force ? s->ended : s->asked,
                                   (PyObject *)g);
        }
    }
    Py_XDECREF(helper);
    Py_XDECREF(stop);
    return result;
}

static int
stop_user(struct stopping *s, struct green *g)
{
    PyObject *user = run_user_of(g);
    if (user == NULL) {
        return 0;
    }
    if (g == green_current()) {
        return green_throw_later(g, Green_Exit);
    }
    PyObject *stop =
        PyObject_GetAttr((PyObject *)Py_TYPE(user), names.stop);
    if (stop == NULL) {
        return -1;
    }
    bool inherited = stop == s->inherited;
    Py_DECREF(stop);
    if (!inherited) {
        return call_stop(s, g, user);
    }
    int killed = s->force ? 1 : PySequence_Contains(s->callers, (PyObject *)g);
    if (killed < 0) {
        return -1;
    }
    return killed ? kill_user(s, g) : ask_user(s, g, user);
}

static int
kill_late(struct stopping *s, PyObject *timeout)
{
    if (log_line("locust.runners", "info",
                "Not all users finished their tasks & terminated in %S "
                "seconds. Stopping them...",
                timeout) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(s->asked); i++) {
        struct green *g = (struct green *)PyList_GET_ITEM(s->asked, i);
        if (kill_user(s, g) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
wait_for_them(struct stopping *s, double seconds, PyObject *timeout)
{
    if (PyList_GET_SIZE(s->asked) > 0) {
        int64_t until = clock_ns() + clock_span(seconds) + 1;
        int done = run_join_all(s->asked, until);
        if (done < 0 || (done == 0 && kill_late(s, timeout) < 0)) {
            return -1;
        }
    }
    return run_join_killed(s->ended);
}

static int
stop_chosen(RunnerObject *self, PyObject *chosen, PyObject *timeout)
{
    double seconds = timeout == Py_None ? 0 : PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    struct stopping s = {
        .callers = self->callers,
        .inherited = PyObject_GetAttr((PyObject *)User_Type, names.stop),
        .force = !(seconds > 0),
        .asked = PyList_New(0),
        .ended = PyList_New(0),
    };
    int failed = s.asked == NULL || s.ended == NULL || s.inherited == NULL;
    for (Py_ssize_t i = PyList_GET_SIZE(chosen); !failed && i-- > 0;) {
        failed =
            stop_user(&s, (struct green *)PyList_GET_ITEM(chosen, i)) < 0;
    }
    if (!failed) {
        failed = wait_for_them(&s, seconds, timeout) < 0;
    }
    Py_XDECREF(s.inherited);
    Py_XDECREF(s.asked);
    Py_XDECREF(s.ended);
    return failed ? -1 : 0;
}

int
runner_stop_users(RunnerObject *self, PyObject *counts)
{
    PyObject *chosen = choose_users(self, counts);
    if (chosen == NULL) {
        return -1;
    }
    int result = 0;
    Py_ssize_t n = PyList_GET_SIZE(chosen);
    if (n > 0) {
        PyObject *timeout =
            PyObject_GetAttr(self->environment, names.stop_timeout);
        result = timeout == NULL ? -1 : stop_chosen(self, chosen, timeout);
        Py_XDECREF(timeout);
    }
    Py_DECREF(chosen);
    if (result == 0) {
        result = log_line("locust.runners", "debug",
                         "%zd users have been stopped, %zd still running", n,
                         group_size(self->user_greenlets));
    }
    return result;
}
