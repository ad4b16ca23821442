/*
 * UsersDispatcher, with the contract of locust.dispatch: an iterator whose
 * every step gives, for each worker, how many users of each class it is to
 * have from now on, and which waits between steps so that the spawn rate is
 * kept.
 *
 * One step of the iterator is one batch. What the caller does between two
 * steps counts as part of the pause; and pauses are counted from the moment
 * the last one should have ended, so that a long ramp does not drift.
 */
#include "config.h"
#include "run/dispatcher.h"

#include <math.h>
#include <structmember.h>

#include "base/clock.h"
#include "base/names.h"
#include "green/green.h"
#include "run/dispatch.h"
#include "run/roster.h"

PyTypeObject *UsersDispatcher_Type;

enum phase {
    PHASE_DONE,                 /* nothing (more) to give */
    PHASE_START,
    PHASE_REBALANCED,           /* a new distribution was given first */
    PHASE_REPEATED,             /* nothing to change; given once all the same */
    PHASE_BATCH,                /* a batch was given */
    PHASE_SPREAD,               /* and after it a new distribution */
};

typedef struct {
    PyObject_HEAD
    PyObject *nodes;            /* list of worker nodes, in turn order */
    PyObject *classes;          /* list, sorted by __name__ */
    PyObject *class_names;      /* list of str, in the same order */
    PyObject *allowed;          /* list: those of which new ones may come */
    PyObject *durations;        /* list of float: seconds per batch */
    struct dispatch core;
    bool ready;                 /* core is initialised */
    enum phase phase;
    int64_t target, batch;
    double pause;               /* seconds from one batch to the next */
    int64_t due;                /* when the last batch should have begun; 0 */
    int64_t began;              /* when it did */
    char in_progress, rebalance, exhausted;
} DispatcherObject;

static PyObject *
assignment(DispatcherObject *self)
{
    return roster_counts(self->nodes, self->class_names, &self->core);
}

/* --- One step. */

static int64_t
user_count(DispatcherObject *self)
{
    return (int64_t)self->core.n_users;
}

static PyObject *
finish(DispatcherObject *self)
{
    self->phase = PHASE_DONE;
    self->in_progress = false;
    return NULL;                /* no exception: the iterator's end */
}

/* Waits until the next batch is due. 0 or -1. Parks. */
static int
pause_between(DispatcherObject *self)
{
    int64_t now = clock_ns();
    PyObject *spent = PyFloat_FromDouble((double)(now - self->began) * 1e-9);
    int failed = spent == NULL || PyList_Append(self->durations, spent) < 0;
    Py_XDECREF(spent);
    if (failed) {
        return -1;
    }
    if (user_count(self) == self->target || self->exhausted) {
        return 0;
    }
    self->due += clock_span(self->pause);
    if (green_sleep((double)(self->due - now) * 1e-9) < 0) {
        return -1;
    }
    now = clock_ns();
    if (now - self->due > clock_span(self->pause)) {
        self->due = now;        /* a batch behind: do not hurry after it */
    }
    return 0;
}

static PyObject *
batch(DispatcherObject *self)
{
    self->phase = PHASE_BATCH;
    self->began = clock_ns();
    if (self->due == 0) {
        self->due = self->began;
    }
    int64_t missing = self->target - user_count(self);
    if (missing < 0) {
        dispatch_remove(&self->core,
                        -missing < self->batch ? -missing : self->batch);
        return assignment(self);
    }
    int64_t n = missing < self->batch ? missing : self->batch;
    int64_t added = dispatch_add(&self->core, n);
    if (added < 0) {
        return PyErr_NoMemory();
    }
    self->exhausted = added < n;
    return assignment(self);
}

/* A batch has been given, and dealt with. */
static PyObject *
after_batch(DispatcherObject *self)
{
    if (self->phase == PHASE_BATCH && self->rebalance) {
        self->rebalance = false;
        self->phase = PHASE_SPREAD;
        return assignment(self);
    }
    if (pause_between(self) < 0) {
        return NULL;
    }
    if (user_count(self) == self->target || self->exhausted) {
        return finish(self);
    }
    return batch(self);
}

static PyObject *
begin(DispatcherObject *self)
{
    self->in_progress = true;
    if (self->rebalance) {
        self->rebalance = false;
        self->phase = PHASE_REBALANCED;
        return assignment(self);
    }
    if (user_count(self) == self->target) {
        self->phase = PHASE_REPEATED;
        return assignment(self);
    }
    return batch(self);
}

static PyObject *
dispatcher_next(DispatcherObject *self)
{
    switch (self->phase) {
    case PHASE_START:
        return begin(self);
    case PHASE_REPEATED:
        return finish(self);
    case PHASE_REBALANCED:
        if (user_count(self) != self->target) {
            return batch(self);
        }
        /* Locust leaves dispatch_in_progress set in this case, and what its
           master does about later workers follows from that. */
        self->phase = PHASE_DONE;
        return NULL;
    case PHASE_BATCH:
    case PHASE_SPREAD:
        return after_batch(self);
    case PHASE_DONE:
        break;
    }
    return NULL;
}

/* --- Beginning and changing. */

static int
set_up_core(DispatcherObject *self)
{
    struct dispatch_class *all =
        roster_read_classes(self->classes, self->allowed);
    if (all == NULL) {
        return -1;
    }
    int result = dispatch_init(&self->core, all, PyList_GET_SIZE(self->classes),
                               PyList_GET_SIZE(self->nodes));
    PyMem_Free(all);
    if (result < 0) {
        PyErr_NoMemory();
        return -1;
    }
    self->ready = true;
    return 0;
}

/* Fills in what is still empty. On failure, what is there stays. */
static int
set_up(DispatcherObject *self, PyObject *nodes, PyObject *classes)
{
    PyObject *list = PySequence_List(nodes);
    self->nodes = list != NULL ? roster_in_turn_order(list) : NULL;
    Py_XDECREF(list);
    if (self->nodes == NULL ||
        (self->classes = roster_by_name(classes)) == NULL ||
        roster_check_classes(self->classes) < 0) {
        return -1;
    }
    self->class_names = roster_attributes(self->classes, names.__name__);
    self->allowed = PySequence_List(self->classes);
    self->durations = PyList_New(0);
    if (self->class_names == NULL || self->allowed == NULL ||
        self->durations == NULL) {
        return -1;
    }
    return set_up_core(self);
}

/* What set_up() makes changes hands. */
static void
swap_parts(DispatcherObject *a, DispatcherObject *b)
{
    PyObject **of_a[] = {&a->nodes, &a->classes, &a->class_names, &a->allowed,
                         &a->durations};
    PyObject **of_b[] = {&b->nodes, &b->classes, &b->class_names, &b->allowed,
                         &b->durations};
    for (size_t i = 0; i < sizeof(of_a) / sizeof(of_a[0]); i++) {
        PyObject *part = *of_a[i];
        *of_a[i] = *of_b[i];
        *of_b[i] = part;
    }
    struct dispatch core = a->core;
    a->core = b->core;
    b->core = core;
    bool ready = a->ready;
    a->ready = b->ready;
    b->ready = ready;
}

static void
drop_parts(DispatcherObject *self)
{
    if (self->ready) {
        dispatch_free(&self->core);
        self->ready = false;
    }
    Py_CLEAR(self->nodes);
    Py_CLEAR(self->classes);
    Py_CLEAR(self->class_names);
    Py_CLEAR(self->allowed);
    Py_CLEAR(self->durations);
}

/* A second call that fails changes nothing. */
static int
dispatcher_init(DispatcherObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"worker_nodes", "user_classes", NULL};
    PyObject *nodes, *classes;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", keywords, &nodes,
                                     &classes)) {
        return -1;
    }
    DispatcherObject fresh = {.ready = false};
    int result = set_up(&fresh, nodes, classes);
    if (result == 0) {
        swap_parts(self, &fresh);
        self->phase = PHASE_DONE;
    }
    drop_parts(&fresh);
    return result;
}

/* From here on methods may rely on __init__ having run. */
static int
check_ready(DispatcherObject *self)
{
    if (!self->ready) {
        PyErr_SetString(PyExc_RuntimeError,
                        "UsersDispatcher.__init__() was not called");
        return -1;
    }
    return 0;
}

/* New users come from these classes only, from now on. */
static int
restrict_classes(DispatcherObject *self, PyObject *classes)
{
    PyObject *sorted = roster_by_name(classes);
    int same = sorted == NULL
                   ? -1
                   : PyObject_RichCompareBool(sorted, self->allowed, Py_EQ);
    if (same != 0) {
        Py_XDECREF(sorted);
        return same < 0 ? -1 : 0;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(sorted); i++) {
        PyObject *cls = PyList_GET_ITEM(sorted, i);
        int known = PySequence_Contains(self->classes, cls);
        if (known <= 0) {
            if (known == 0) {
                PyErr_Format(PyExc_ValueError,
                             "%R is not among the user classes of this run",
                             cls);
            }
            Py_DECREF(sorted);
            return -1;
        }
    }
    Py_XSETREF(self->allowed, sorted);
    struct dispatch_class *all =
        roster_read_classes(self->classes, self->allowed);
    if (all == NULL) {
        return -1;
    }
    int result = dispatch_restart_choice(&self->core, all);
    PyMem_Free(all);
    if (result < 0) {
        PyErr_NoMemory();
    }
    return result;
}

static PyObject *
dispatcher_new_dispatch(DispatcherObject *self, PyObject *args,
                        PyObject *kwargs)
{
    static char *keywords[] = {"target_user_count", "spawn_rate",
                               "user_classes", NULL};
    double target, rate;
    PyObject *classes = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "dd|O", keywords, &target,
                                     &rate, &classes) ||
        check_ready(self) < 0) {
        return NULL;
    }
    if (!(rate > 0) || !(fabs(target) < 4e9)) {
        PyErr_Format(PyExc_ValueError,
                     "spawn rate must be above 0, and the number of users "
                     "below 4 billion");
        return NULL;
    }
    if (classes != Py_None && restrict_classes(self, classes) < 0) {
        return NULL;
    }
    self->target = target > 0 ? (int64_t)target : 0;
    double whole = rate < 4e9 ? floor(rate) : 4e9;
    self->batch = whole < 1 ? 1 : (int64_t)whole;
    self->pause = (double)self->batch / rate;
    self->phase = PHASE_START;
    self->began = self->due = 0;
    self->exhausted = false;
    if (PyList_SetSlice(self->durations, 0,
                        PyList_GET_SIZE(self->durations), NULL) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Other workers from now on: everybody is placed anew. Takes nodes. */
static PyObject *
replace_nodes(DispatcherObject *self, PyObject *nodes)
{
    if (nodes == NULL) {
        return NULL;
    }
    if (dispatch_set_workers(&self->core, PyList_GET_SIZE(nodes)) < 0) {
        Py_DECREF(nodes);
        return PyErr_NoMemory();
    }
    Py_SETREF(self->nodes, nodes);
    self->rebalance = true;
    Py_RETURN_NONE;
}

/* The one argument of add_worker() and remove_worker(), borrowed. */
static PyObject *
parse_node(DispatcherObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"worker_node", NULL};
    PyObject *node;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords, &node) ||
        check_ready(self) < 0) {
        return NULL;
    }
    return node;
}

static PyObject *
dispatcher_add_worker(DispatcherObject *self, PyObject *args,
                      PyObject *kwargs)
{
    PyObject *node = parse_node(self, args, kwargs);
    if (node == NULL) {
        return NULL;
    }
    PyObject *nodes = PySequence_List(self->nodes);
    if (nodes == NULL || PyList_Append(nodes, node) < 0) {
        Py_XDECREF(nodes);
        return NULL;
    }
    PyObject *sorted = roster_in_turn_order(nodes);
    Py_DECREF(nodes);
    return replace_nodes(self, sorted);
}

static PyObject *
dispatcher_remove_worker(DispatcherObject *self, PyObject *args,
                         PyObject *kwargs)
{
    PyObject *node = parse_node(self, args, kwargs);
    return node == NULL
               ? NULL
               : replace_nodes(self, roster_without(self->nodes, node));
}

static PyObject *
dispatcher_get_current_user_count(DispatcherObject *self, PyObject *unused)
{
    return PyLong_FromLongLong(user_count(self));
}

static PyObject *
dispatcher_get_user_current_count(DispatcherObject *self, PyObject *args,
                                  PyObject *kwargs)
{
    static char *keywords[] = {"user", NULL};
    PyObject *name;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords, &name) ||
        check_ready(self) < 0) {
        return NULL;
    }
    Py_ssize_t i = PySequence_Index(self->class_names, name);
    return i < 0 ? NULL : PyLong_FromLongLong(self->core.totals[i]);
}

/* --- A distribution as from zero, which changes nothing here. */

/* A core of its own with so many users, as if from zero. 0 or -1. */
static int
distribute(DispatcherObject *self, int64_t n, struct dispatch *core)
{
    struct dispatch_class *all =
        roster_read_classes(self->classes, self->allowed);
    if (all == NULL) {
        return -1;
    }
    int result = dispatch_init(core, all, PyList_GET_SIZE(self->classes),
                               PyList_GET_SIZE(self->nodes));
    PyMem_Free(all);
    if (result == 0 && dispatch_add(core, n) < 0) {
        dispatch_free(core);
        result = -1;
    }
    if (result < 0) {
        PyErr_NoMemory();
    }
    return result;
}

static PyObject *
dispatcher_distribute_users(DispatcherObject *self, PyObject *args,
                            PyObject *kwargs)
{
    static char *keywords[] = {"target_user_count", NULL};
    long long target;
    struct dispatch core;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "L", keywords, &target) ||
        check_ready(self) < 0 || distribute(self, target, &core) < 0) {
        return NULL;
    }
    PyObject *counts = roster_counts(self->nodes, self->class_names, &core);
    PyObject *users = roster_placed(self->nodes, self->class_names, &core);
    PyObject *nodes = roster_node_cycle(self->nodes, &core);
    PyObject *choices = choices_new(self->class_names, &core);
    PyObject *result =
        counts == NULL || users == NULL || nodes == NULL || choices == NULL
            ? NULL
            : PyTuple_Pack(4, counts, choices, nodes, users);
    Py_XDECREF(choices);
    Py_XDECREF(nodes);
    Py_XDECREF(users);
    Py_XDECREF(counts);
    return result;
}

/* --- The type. */

static PyObject *
dispatcher_get_durations(DispatcherObject *self, void *unused)
{
    return Py_NewRef(self->durations != NULL ? self->durations : Py_None);
}

static PyObject *
dispatcher_get_in_progress(DispatcherObject *self, void *unused)
{
    return PyBool_FromLong(self->in_progress);
}

static int
dispatcher_traverse(DispatcherObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->nodes);
    Py_VISIT(self->classes);
    Py_VISIT(self->class_names);
    Py_VISIT(self->allowed);
    Py_VISIT(self->durations);
    return 0;
}

static int
dispatcher_clear(DispatcherObject *self)
{
    self->phase = PHASE_DONE;
    drop_parts(self);
    return 0;
}

static void
dispatcher_dealloc(DispatcherObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    dispatcher_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(new_dispatch_doc,
             "new_dispatch($self, target_user_count, spawn_rate, "
             "user_classes=None)\n--\n\n"
             "Begins a ramp from the present number of users. With "
             "user_classes, new users are of these classes only.");
PyDoc_STRVAR(add_worker_doc,
             "add_worker($self, worker_node)\n--\n\n"
             "Spreads the users anew, with it.");
PyDoc_STRVAR(remove_worker_doc,
             "remove_worker($self, worker_node)\n--\n\n"
             "Spreads the users anew, without it.");
PyDoc_STRVAR(get_current_user_count_doc,
             "get_current_user_count($self)\n--\n\n"
             "How many users are placed.");
PyDoc_STRVAR(get_user_current_count_doc,
             "_get_user_current_count($self, user)\n--\n\n"
             "How many users of one class, given by name, are placed.");
PyDoc_STRVAR(distribute_users_doc,
             "_distribute_users($self, target_user_count)\n--\n\n"
             "Places so many users as if from zero, and changes nothing here."
             "\n\nReturns {worker id: {class name: count}}, an iterator over "
             "the class names that would\ncome next, one over the nodes that "
             "would, and [(node, class name)] in the order of placing.");

#define KEYWORDS(function) \
    (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS

static PyMethodDef dispatcher_methods[] = {
    {"new_dispatch", KEYWORDS(dispatcher_new_dispatch), new_dispatch_doc},
    {"add_worker", KEYWORDS(dispatcher_add_worker), add_worker_doc},
    {"remove_worker", KEYWORDS(dispatcher_remove_worker), remove_worker_doc},
    {"_distribute_users", KEYWORDS(dispatcher_distribute_users),
     distribute_users_doc},
    {"get_current_user_count",
     (PyCFunction)dispatcher_get_current_user_count, METH_NOARGS,
     get_current_user_count_doc},
    {"_get_user_current_count", KEYWORDS(dispatcher_get_user_current_count),
     get_user_current_count_doc},
    {NULL},
};

static PyGetSetDef dispatcher_getset[] = {
    {"dispatch_iteration_durations", (getter)dispatcher_get_durations, NULL,
     "Seconds that each batch took, without the pause.", NULL},
    {"dispatch_in_progress", (getter)dispatcher_get_in_progress, NULL,
     "Whether a ramp has begun and not ended.", NULL},
    {NULL},
};

static PyMemberDef dispatcher_members[] = {
    {"_wait_between_dispatch", T_DOUBLE, offsetof(DispatcherObject, pause), 0,
     "Seconds from one batch to the next."},
    {"_rebalance", T_BOOL, offsetof(DispatcherObject, rebalance), 0,
     "The next value given is a new distribution."},
    {NULL},
};

PyDoc_STRVAR(dispatcher_doc,
             "UsersDispatcher(worker_nodes, user_classes)\n--\n\n"
             "Says which users are to run where. new_dispatch() begins a "
             "ramp; iterating then gives one dict\n"
             "{worker id: {class name: count}} per batch, at the spawn rate.");

static PyType_Slot dispatcher_slots[] = {
    {Py_tp_doc, (void *)dispatcher_doc},
    {Py_tp_init, dispatcher_init},
    {Py_tp_traverse, dispatcher_traverse},
    {Py_tp_clear, dispatcher_clear},
    {Py_tp_dealloc, dispatcher_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, dispatcher_next},
    {Py_tp_methods, dispatcher_methods},
    {Py_tp_getset, dispatcher_getset},
    {Py_tp_members, dispatcher_members},
    {0, NULL},
};

static PyType_Spec dispatcher_spec = {
    .name = "_locust.UsersDispatcher",
    .basicsize = sizeof(DispatcherObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = dispatcher_slots,
};

int
dispatcher_module_exec(PyObject *module)
{
    UsersDispatcher_Type =
        (PyTypeObject *)PyType_FromSpec(&dispatcher_spec);
    return UsersDispatcher_Type == NULL
               ? -1
               : PyModule_AddType(module, UsersDispatcher_Type);
}
