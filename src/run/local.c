/*
 * LocalRunner: users in this very process.
 *
 * start() only begins: the ramp runs in a green thread of its own, one batch
 * of the dispatcher after the other. Its steps follow Locust's, as listeners
 * see the runner's state change between them. There is one ramp at a time: a
 * further start() replaces it. One that comes out of the ramp itself, from a
 * listener that it calls, cannot kill its caller; so it leaves word, and the
 * ramp turns to it after its present step.
 */
#include "config.h"
#include "run/internal.h"

#include <math.h>
#include <structmember.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/names.h"
#include "green/group.h"
#include "green/watch.h"

typedef struct {
    RunnerObject base;
    PyObject *worker_index, *worker_count;
    PyObject *client_id;
    PyObject *node;             /* WorkerNode: the dispatcher's one worker */
    PyObject *replacement;      /* what the ramp itself asked start() for */
    char spread;                /* start the users of a batch one by one */
} LocalRunnerObject;

PyTypeObject *LocalRunner_Type;

/* What start() was asked for; all borrowed from the ramp's arguments. */
struct ramp {
    PyObject *user_count, *spawn_rate, *user_classes;
    double users, rate;
    bool wait;
    bool begun;                 /* test_start has been fired */
};

static bool
is_active(RunnerObject *self)
{
    return runner_state_is(self, names.running) ||
           runner_state_is(self, names.spawning);
}

/* --- Beginning a test. */

static int
call_method(PyObject *object, PyObject *name)
{
    PyObject *r =
        object == NULL ? NULL : PyObject_CallMethodNoArgs(object, name);
    return drop_result(r);
}

static int
begin_test(RunnerObject *self)
{
    PyObject *stats = PyObject_GetAttr((PyObject *)self, names.stats);
    int failed = call_method(stats, names.clear_all) < 0;
    Py_XDECREF(stats);
    PyObject *exceptions = failed ? NULL : PyDict_New();
    if (exceptions == NULL) {
        return -1;
    }
    Py_XSETREF(self->exceptions, exceptions);
    self->cpu_warning_emitted = false;
    self->worker_cpu_warning_emitted = false;
    if (call_method(self->environment, names._filter_tasks_by_tags) < 0) {
        return -1;
    }
    return run_fire_environment(self->environment, names.test_start);
}

/* environment.host, if it is given, goes into every class. */
static int
apply_host(RunnerObject *self)
{
    PyObject *host = PyObject_GetAttr(self->environment, names.host);
    PyObject *classes = PyObject_GetAttr((PyObject *)self,
                                         names.user_classes);
    PyObject *list = classes != NULL ? PySequence_List(classes) : NULL;
    int given = host == NULL || list == NULL ? -1 : PyObject_IsTrue(host);
    int result = given < 0 ? -1 : 0;
    for (Py_ssize_t i = 0;
         given > 0 && result == 0 && i < PyList_GET_SIZE(list); i++) {
        result = PyObject_SetAttr(PyList_GET_ITEM(list, i), names.host, host);
    }
    Py_XDECREF(list);
    Py_XDECREF(classes);
    Py_XDECREF(host);
    return result;
}

static int
make_dispatcher(LocalRunnerObject *self)
{
    RunnerObject *base = &self->base;
    if (base->users_dispatcher != NULL &&
        base->users_dispatcher != Py_None) {
        return 0;
    }
    PyObject *cls =
        PyObject_GetAttr(base->environment, names.dispatcher_class);
    PyObject *classes =
        PyObject_GetAttr((PyObject *)self, names.user_classes);
    PyObject *kwargs =
        cls == NULL || classes == NULL
            ? NULL
            : Py_BuildValue("{s[O]sO}", "worker_nodes", self->node,
                            "user_classes", classes);
    PyObject *made =
        kwargs == NULL ? NULL : PyObject_VectorcallDict(cls, NULL, 0, kwargs);
    Py_XDECREF(kwargs);
    Py_XDECREF(classes);
    Py_XDECREF(cls);
    if (made == NULL) {
        return -1;
    }
    Py_XSETREF(base->users_dispatcher, made);
    return 0;
}

static int
check_wait(RunnerObject *self, const struct ramp *r)
{
    double more = r->users - (double)group_size(self->user_greenlets);
    if (r->wait && more > r->rate) {
        PyErr_SetString(PyExc_ValueError,
                        "wait is True but the amount of users to add is "
                        "greater than the spawn rate");
        return -1;
    }
    return 0;
}

/* --- One batch. */

/* What is missing in have (or, reversed, too much): {class name: number}. */
static PyObject *
excess(PyObject *wanted, PyObject *have, int sign)
{
    PyObject *more = PyDict_New();
    PyObject *name, *count;
    Py_ssize_t at = 0;
    while (more != NULL && PyDict_Next(wanted, &at, &name, &count)) {
        PyObject *there = PyDict_GetItemWithError(have, name);
        long n = PyErr_Occurred() ? 0 : PyLong_AsLong(count);
        n = sign * (n - (there != NULL ? PyLong_AsLong(there) : 0));
        PyObject *number =
            PyErr_Occurred() ? NULL : PyLong_FromLong(n > 0 ? n : 0);
        if (number == NULL ||
            (n > 0 && PyDict_SetItem(more, name, number) < 0)) {
            Py_CLEAR(more);
        }
        Py_XDECREF(number);
    }
    return more;
}

static int
stop(LocalRunnerObject *self, PyObject *counts)
{
    PyObject *r = PyObject_CallMethodOneArg((PyObject *)self,
                                            names.stop_users, counts);
    return drop_result(r);
}

static int
log_batch(PyObject *wanted)
{
    int wanted_at_all = run_debugging();
    PyObject *sum = wanted_at_all > 0 ? run_sum(wanted) : NULL;
    PyObject *text = sum != NULL ? run_json(wanted, true) : NULL;
    int result = text == NULL
                     ? (wanted_at_all == 0 ? 0 : -1)
                     : log_line("locust.runners", "debug",
                               "Ramping to %U (%S total users)", text, sum);
    Py_XDECREF(text);
    Py_XDECREF(sum);
    return result;
}

/* Stopping can take long (stop_timeout), and spawning with wait as well: the
   other one goes first. */
static int
apply_counts(LocalRunnerObject *self, PyObject *wanted, const struct ramp *r)
{
    PyObject *have = runner_count_users(&self->base);
    PyObject *up = have != NULL ? excess(wanted, have, 1) : NULL;
    PyObject *down = up != NULL ? excess(wanted, have, -1) : NULL;
    int result = -1;
    if (down != NULL && r->wait) {
        result = stop(self, down) < 0
                     ? -1
                     : runner_call_spawn(&self->base, up, true);
    }
    else if (down != NULL) {
        result = self->spread ? runner_spawn_evenly(&self->base, up, r->rate)
                              : runner_call_spawn(&self->base, up, false);
        result = result < 0 ? -1 : stop(self, down);
    }
    Py_XDECREF(down);
    Py_XDECREF(up);
    Py_XDECREF(have);
    if (result == 0) {
        result = PyObject_SetAttr(self->node, names.user_classes_count,
                                  wanted);
    }
    return result;
}

static int
apply_batch(LocalRunnerObject *self, PyObject *batch, const struct ramp *r)
{
    PyObject *id = PyObject_GetAttr(self->node, names.id);
    PyObject *wanted = id != NULL ? PyObject_GetItem(batch, id) : NULL;
    int result = -1;
    if (wanted != NULL && !PyDict_Check(wanted)) {
        PyErr_SetString(PyExc_TypeError,
                        "a dispatcher gives {worker id: {class name: n}}");
    }
    else if (wanted != NULL && log_batch(wanted) == 0) {
        result = apply_counts(self, wanted, r);
    }
    Py_XDECREF(wanted);
    Py_XDECREF(id);
    return result;
}

/* --- The ramp. */

static int
log_ramp(const struct ramp *r)
{
    char text[128];
    PyOS_snprintf(text, sizeof(text),
                  "Ramping to %.0f users at a rate of %.2f per second",
                  trunc(r->users), r->rate);
    return log_line("locust.runners", "info", "%s", text);
}

static int
run_dispatcher(LocalRunnerObject *self, const struct ramp *r)
{
    PyObject *dispatcher = Py_NewRef(self->base.users_dispatcher);
    PyObject *begun = PyObject_CallMethodObjArgs(
        dispatcher, names.new_dispatch, r->user_count, r->spawn_rate,
        r->user_classes, NULL);
    PyObject *it = begun != NULL ? PyObject_GetIter(dispatcher) : NULL;
    int result = it == NULL ? -1 : 0;
    PyObject *batch;
    while (result == 0 && self->replacement == NULL &&
           (batch = PyIter_Next(it)) != NULL) {
        result = apply_batch(self, batch, r);
        Py_DECREF(batch);
    }
    if (PyErr_Occurred()) {
        result = -1;
    }
    Py_XDECREF(it);
    Py_XDECREF(begun);
    Py_DECREF(dispatcher);
    return result;
}

/* Whom the ramp has started. Of those started one by one some may have ended
   since, which is nothing that the ramp has missed. */
static PyObject *
count_started(LocalRunnerObject *self)
{
    return self->spread
               ? PyObject_GetAttr(self->node, names.user_classes_count)
               : runner_count_users(&self->base);
}

static int
announce(LocalRunnerObject *local)
{
    RunnerObject *self = &local->base;
    PyObject *counts = count_started(local);
    PyObject *sum = counts != NULL ? run_sum(counts) : NULL;
    PyObject *text = sum != NULL ? run_json(counts, true) : NULL;
    PyObject *kwargs = text != NULL ? PyDict_New() : NULL;
    int result = -1;
    if (kwargs != NULL &&
        PyDict_SetItem(kwargs, names.user_count, sum) == 0 &&
        log_line("locust.runners", "info",
                "All users spawned: %U (%S total users)", text, sum) == 0) {
        Py_XSETREF(self->target_user_classes_count, Py_NewRef(counts));
        result = event_fire_of(self->environment, names.spawning_complete,
                               kwargs);
    }
    Py_XDECREF(kwargs);
    Py_XDECREF(text);
    Py_XDECREF(sum);
    Py_XDECREF(counts);
    return result;
}

static int
begin_once(RunnerObject *self, struct ramp *r)
{
    int result = r->begun || is_active(self) ? 0 : begin_test(self);
    r->begun = true;
    return result;
}

/* Up to the end, or to the step in which it is replaced. */
static int
ramp(LocalRunnerObject *self, struct ramp *r)
{
    RunnerObject *base = &self->base;
    Py_XSETREF(base->target_user_count, Py_NewRef(r->user_count));
    if (begin_once(base, r) < 0) {
        return -1;
    }
    if (self->replacement != NULL) {
        return 0;
    }
    if (check_wait(base, r) < 0 || apply_host(base) < 0) {
        return -1;
    }
    if (!runner_state_is(base, names.ready) &&
        !runner_state_is(base, names.stopped) &&
        runner_update_state(base, names.spawning) < 0) {
        return -1;
    }
    if (make_dispatcher(self) < 0 || log_ramp(r) < 0 ||
        run_dispatcher(self, r) < 0) {
        return -1;
    }
    return self->replacement != NULL ? 0 : announce(self);
}

static int
read_ramp(struct ramp *r, PyObject *args)
{
    r->user_count = PyTuple_GET_ITEM(args, 0);
    r->spawn_rate = PyTuple_GET_ITEM(args, 1);
    r->wait = PyTuple_GET_ITEM(args, 2) == Py_True;
    r->user_classes = PyTuple_GET_ITEM(args, 3);
    r->users = PyFloat_AsDouble(r->user_count);
    if (r->users == -1 && PyErr_Occurred()) {
        return -1;
    }
    r->rate = PyFloat_AsDouble(r->spawn_rate);
    return r->rate == -1 && PyErr_Occurred() ? -1 : 0;
}

static PyObject *
ramp_body(struct green *green)
{
    LocalRunnerObject *self = (LocalRunnerObject *)green->target;
    PyObject *args = Py_NewRef(green->args);
    struct ramp r = {.begun = false};
    int result = 0;
    while (result == 0 && args != NULL) {
        result = read_ramp(&r, args) < 0 ? -1 : ramp(self, &r);
        Py_SETREF(args, self->replacement);
        self->replacement = NULL;
    }
    Py_XDECREF(args);
    return result < 0 ? run_failed(self->base.environment)
                      : Py_NewRef(Py_None);
}

static int
warn_of_rate(PyObject *spawn_rate)
{
    double rate = PyFloat_AsDouble(spawn_rate);
    if (rate == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    return rate > 100
               ? log_line("locust.runners", "warning",
                         "Your selected spawn rate is very high (>100): so "
                         "many users beginning at once may be more than the "
                         "target is meant to take.")
               : 0;
}

/* Others may start a ramp while this one waits for the end of the last: then
   it ends that, too. */
static int
end_ramp(RunnerObject *self)
{
    PyObject *slot;
    while ((slot = self->spawning_greenlet) != NULL &&
           PyObject_TypeCheck(slot, Green_Type) &&
           !green_is_dead((struct green *)slot)) {
        if (runner_kill_own(slot) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
begin_ramp(RunnerObject *self, PyObject *args)
{
    if (end_ramp(self) < 0) {
        return -1;
    }
    struct green *g = green_new(NULL, ramp_body, (PyObject *)self, args);
    if (g == NULL || group_start(self->greenlet, g) < 0) {
        Py_XDECREF(g);
        return -1;
    }
    Py_XSETREF(self->spawning_greenlet, (PyObject *)g);
    return 0;
}

/* Users that keep all others waiting are reported, if so desired. */
static int
watch_hub(void)
{
    PyObject *limit = lookup("locust.util.threads", "BLOCKED_AFTER");
    double seconds = limit == NULL ? -1 : green_timeout(limit);
    Py_XDECREF(limit);
    return limit == NULL || seconds == -2 ? -1 : hub_watch(seconds);
}

static PyObject *
local_runner_start(LocalRunnerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"user_count", "spawn_rate", "wait",
                               "user_classes", NULL};
    PyObject *user_count, *spawn_rate, *user_classes = Py_None;
    int wait = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|pO", keywords,
                                     &user_count, &spawn_rate, &wait,
                                     &user_classes) ||
        !hub_is_here() || warn_of_rate(spawn_rate) < 0 ||
        watch_hub() < 0) {
        return NULL;
    }
    PyObject *given = PyTuple_Pack(4, user_count, spawn_rate,
                                   wait ? Py_True : Py_False, user_classes);
    if (given == NULL) {
        return NULL;
    }
    int result = 0;
    if (self->base.spawning_greenlet == (PyObject *)green_current()) {
        Py_XSETREF(self->replacement, Py_NewRef(given));
    }
    else {
        result = begin_ramp(&self->base, given);
    }
    Py_DECREF(given);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

/* --- The type. */

/* "<host>_<32 hex digits>" */
static PyObject *
make_client_id(void)
{
    char host[256] = "localhost", hex[33];
    unsigned char bytes[16];
    if (gethostname(host, sizeof(host) - 1) < 0 ||
        getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    for (int i = 0; i < 16; i++) {
        PyOS_snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
    return PyUnicode_FromFormat("%s_%s", host, hex);
}

static PyObject *
make_node(LocalRunnerObject *self)
{
    PyObject *cls = lookup("locust.runners", "WorkerNode");
    PyObject *node =
        cls != NULL ? PyObject_CallFunction(cls, "s", "local") : NULL;
    PyObject *counts =
        node != NULL ? runner_count_users(&self->base) : NULL;
    if (counts == NULL ||
        PyObject_SetAttr(node, names.user_classes_count, counts) < 0) {
        Py_CLEAR(node);
    }
    Py_XDECREF(counts);
    Py_XDECREF(cls);
    return node;
}

static int
local_runner_init(LocalRunnerObject *self, PyObject *args, PyObject *kwargs)
{
    if (((PyTypeObject *)Runner_Type)->tp_init((PyObject *)self, args,
                                               kwargs) < 0) {
        return -1;
    }
    Py_XSETREF(self->worker_index, PyLong_FromLong(0));
    Py_XSETREF(self->worker_count, PyLong_FromLong(1));
    Py_XSETREF(self->client_id, make_client_id());
    if (self->client_id == NULL) {
        return -1;
    }
    Py_XSETREF(self->node, make_node(self));
    if (self->node == NULL) {
        return -1;
    }
    return runner_listen(&self->base, names.user_error,
                         names._on_user_error);
}

static int
local_runner_traverse(LocalRunnerObject *self, visitproc visit, void *arg)
{
    Py_VISIT(self->node);
    Py_VISIT(self->replacement);
    return Runner_Type->tp_traverse((PyObject *)self, visit, arg);
}

static int
local_runner_clear(LocalRunnerObject *self)
{
    Py_CLEAR(self->worker_index);
    Py_CLEAR(self->worker_count);
    Py_CLEAR(self->client_id);
    Py_CLEAR(self->node);
    Py_CLEAR(self->replacement);
    return Runner_Type->tp_clear((PyObject *)self);
}

static void
local_runner_dealloc(LocalRunnerObject *self)
{
    if (PyObject_CallFinalizerFromDealloc((PyObject *)self) < 0) {
        return;
    }
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->base.weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    local_runner_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(start_doc,
             "start($self, user_count, spawn_rate, wait=False, "
             "user_classes=None)\n--\n\n"
             "Begins to change the number of users, and returns at once.");
PyDoc_STRVAR(send_message_doc,
             "send_message($self, msg_type, data=None, client_id=None)\n"
             "--\n\n"
             "Calls the listener registered for the type.");

#define KEYWORDS(function) \
    (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS

static PyMethodDef local_runner_methods[] = {
    {"start", KEYWORDS(local_runner_start), start_doc},
    {"send_message", KEYWORDS(runner_send_locally), send_message_doc},
    {"_on_user_error", KEYWORDS(runner_on_user_error), NULL},
    {NULL},
};

static PyMemberDef local_runner_members[] = {
    {"worker_index", T_OBJECT, offsetof(LocalRunnerObject, worker_index), 0,
     NULL},
    {"worker_count", T_OBJECT, offsetof(LocalRunnerObject, worker_count), 0,
     NULL},
    {"client_id", T_OBJECT, offsetof(LocalRunnerObject, client_id), 0, NULL},
    {"spread_spawning", T_BOOL, offsetof(LocalRunnerObject, spread), 0,
     "Whether the users of a batch are started one by one, evenly, instead of "
     "all at its beginning."},
    {NULL},
};

static struct part node_part = {"_local_worker_node",
                                offsetof(LocalRunnerObject, node), NULL};

static PyGetSetDef local_runner_getset[] = {
    {"_local_worker_node", runner_get_part, runner_set_part, NULL, &node_part},
    {NULL},
};

PyDoc_STRVAR(local_runner_doc,
             "LocalRunner(environment)\n--\n\nRuns users in this process.");

static PyType_Slot local_runner_slots[] = {
    {Py_tp_doc, (void *)local_runner_doc},
    {Py_tp_init, local_runner_init},
    {Py_tp_traverse, local_runner_traverse},
    {Py_tp_clear, local_runner_clear},
    {Py_tp_dealloc, local_runner_dealloc},
    {Py_tp_methods, local_runner_methods},
    {Py_tp_members, local_runner_members},
    {Py_tp_getset, local_runner_getset},
    {0, NULL},
};

static PyType_Spec local_runner_spec = {
    .name = "_locust.LocalRunner",
    .basicsize = sizeof(LocalRunnerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = local_runner_slots,
};

int
local_runner_module_exec(PyObject *module)
{
    LocalRunner_Type = (PyTypeObject *)PyType_FromSpecWithBases(
        &local_runner_spec, (PyObject *)Runner_Type);
    return LocalRunner_Type == NULL
               ? -1
               : PyModule_AddType(module, LocalRunner_Type);
}
