/*
 * Group, with gevent.pool.Group's contract.
 *
 * Members are the keys of a dict, so that iteration follows the order in
 * which they came. A member holds a link to the group's discard, and so
 * leaves it when it dies.
 */
#include "green/group.h"

#include <stddef.h>
#include <structmember.h>

#include "base/clock.h"
#include "base/names.h"
#include "base/pycompat.h"
#include "green/internal.h"

PyTypeObject *Group_Type;

typedef struct {
    PyObject_HEAD
    PyObject *members;          /* dict: green thread -> None */
    PyObject *discard;          /* the bound method that members link to */
    struct waitlist changed;    /* wait for nobody left, or somebody new */
    PyObject *dict, *weakrefs;
} GroupObject;

static PyObject *
group_tp_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    GroupObject *self = (GroupObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->members = PyDict_New();
    if (self->members == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

PyObject *
group_new(void)
{
    return PyObject_CallNoArgs((PyObject *)Group_Type);
}

Py_ssize_t
group_size(PyObject *group)
{
    return PyDict_GET_SIZE(((GroupObject *)group)->members);
}

PyObject *
group_members(PyObject *group)
{
    return PyDict_Keys(((GroupObject *)group)->members);
}

static int
take_out(GroupObject *self, PyObject *member)
{
    int found = PyDict_Contains(self->members, member);
    if (found > 0 && PyDict_DelItem(self->members, member) < 0) {
        return -1;
    }
    if (found > 0 && PyDict_GET_SIZE(self->members) == 0) {
        waitlist_wake_all(&self->changed);
    }
    return found;
}

int
group_add(PyObject *group, struct green *g)
{
    GroupObject *self = (GroupObject *)group;
    if (!hub_is_here()) {
        return -1;
    }
    if (g->finished) {
        return 0;
    }
    int known = PyDict_Contains(self->members, (PyObject *)g);
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    if (self->discard == NULL &&
        (self->discard = PyObject_GetAttr(group, names.discard)) == NULL) {
        return -1;
    }
    PyObject *r = PyObject_CallMethodOneArg((PyObject *)g, names.rawlink,
                                            self->discard);
    if (r == NULL) {
        return -1;
    }
    Py_DECREF(r);
    waitlist_wake_all(&self->changed);
    return PyDict_SetItem(self->members, (PyObject *)g, Py_None);
}

/* The group of which this is the discard(), or NULL. Borrowed. */
static PyObject *
discarding_group(PyObject *callback)
{
    PyObject *self = PyCFunction_Check(callback)
                         ? PyCFunction_GET_SELF(callback)
                     : PyMethod_Check(callback) ? PyMethod_GET_SELF(callback)
                                                : NULL;
    if (self == NULL || !PyObject_TypeCheck(self, Group_Type)) {
        return NULL;
    }
    PyObject *discard = ((GroupObject *)self)->discard;
    return discard == callback && ((GroupObject *)self)->members != NULL
               ? self
               : NULL;
}

void
group_forget(struct green *g)
{
    Py_ssize_t n = g->links == NULL ? 0 : PyList_GET_SIZE(g->links);
    Py_INCREF(g);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *link = PyList_GET_ITEM(g->links, i);
        PyObject *group = discarding_group(PyTuple_GET_ITEM(link, 1));
        if (group != NULL &&
            take_out((GroupObject *)group, (PyObject *)g) < 0) {
            PyErr_WriteUnraisable(group);
        }
    }
    Py_DECREF(g);
}

int
group_start(PyObject *group, struct green *g)
{
    if (group_add(group, g) < 0) {
        return -1;
    }
    if (green_start(g) == 0) {
        return 0;
    }
    PyObject *error = error_take();
    if (take_out((GroupObject *)group, (PyObject *)g) < 0) {
        PyErr_WriteUnraisable(group);
    }
    error_give(error);
    return -1;
}

/* The moment that comes after so many seconds; 0 for negative ones: never. */
static int64_t
moment_after(double seconds)
{
    return seconds < 0 ? 0 : clock_ns() + clock_span(seconds) + 1;
}

/* Seconds until then, 0 if it is past; -1: without end. */
static double
seconds_until(int64_t moment)
{
    int64_t left = moment - clock_ns();
    return moment == 0 ? -1 : left > 0 ? (double)left * 1e-9 : 0;
}

/* 1: empty, 0: time is up, -1. */
static int
wait_until_empty(GroupObject *self, int64_t end)
{
    while (PyDict_GET_SIZE(self->members) > 0) {
        double left = seconds_until(end);
        if (left == 0) {
            return 0;
        }
        if (waitlist_wait(&self->changed, left) < 0) {
            return -1;
        }
    }
    return 1;
}

int
group_join(PyObject *group, double timeout)
{
    int64_t end = moment_after(timeout);
    if (!hub_is_here()) {
        return -1;
    }
    Py_INCREF(group);           /* whose it is may get another meanwhile */
    int result = wait_until_empty((GroupObject *)group, end);
    Py_DECREF(group);
    return result;
}

/* --- Killing. */

/* Throws into all of a list that are not in told yet, and puts them there;
   into the current green thread last: at once if it would wait for the others,
   else when it waits next. */
static int
throw_into(PyObject *members, PyObject *told, PyObject *exception, bool block)
{
    bool meets_current = false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members); i++) {
        PyObject *member = PyList_GET_ITEM(members, i);
        int known = PySet_Contains(told, member);
        if (known < 0 || (!known && PySet_Add(told, member) < 0)) {
            return -1;
        }
        if (!known && (struct green *)member == green_current()) {
            meets_current = true;
        }
        else if (!known &&
                 green_throw((struct green *)member, exception) < 0) {
            return -1;
        }
    }
    return !meets_current ? 0
           : block        ? green_throw(green_current(), exception)
                          : green_throw_later(green_current(), exception);
}

/* Waits for all of a list. 1: all are dead, 0: time is up, -1. */
static int
join_each(PyObject *members, int64_t end)
{
    int dead = 1;
    for (Py_ssize_t i = 0; dead > 0 && i < PyList_GET_SIZE(members); i++) {
        dead = green_join((struct green *)PyList_GET_ITEM(members, i),
                          seconds_until(end));
    }
    return dead;
}

/* One round: tells those who are members now and new. If there are none, the
   last are dead already but have not left yet. 1, 0: time is up, -1. */
static int
kill_members(GroupObject *self, PyObject *told, PyObject *exception,
             bool block, int64_t end)
{
    Py_ssize_t before = PySet_GET_SIZE(told);
    PyObject *members = group_members((PyObject *)self);
    int result = members == NULL
                     ? -1
                     : throw_into(members, told, exception, block);
    if (result == 0) {
        result = block ? join_each(members, end) : 1;
    }
    Py_XDECREF(members);
    if (result > 0 && block && PySet_GET_SIZE(told) == before &&
        PyDict_GET_SIZE(self->members) > 0) {
        int late = waitlist_wait(&self->changed, seconds_until(end));
        result = late < 0 ? -1 : !late;
    }
    return result;
}

int
group_kill(PyObject *group, PyObject *exception, bool block, double timeout)
{
    PyObject *told = hub_is_here() ? PySet_New(NULL) : NULL;
    int64_t end = moment_after(timeout);
    int result = told == NULL ? -1 : 1;
    Py_INCREF(group);
    for (int round = 0; result > 0 && group_size(group) > 0; round++) {
        if (block && timeout < 0 && round == GROUP_KILL_ROUNDS) {
            result = 0;
            break;
        }
        result = kill_members((GroupObject *)group, told, exception, block,
                              end);
        if (!block) {
            break;
        }
    }
    Py_XDECREF(told);
    Py_DECREF(group);
    return result;
}

/* --- The type. */

static int
group_traverse(GroupObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->members);
    Py_VISIT(self->discard);
    Py_VISIT(self->dict);
    return 0;
}

static int
group_clear(GroupObject *self)
{
    Py_CLEAR(self->members);
    Py_CLEAR(self->discard);
    Py_CLEAR(self->dict);
    return 0;
}

static void
group_dealloc(GroupObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    group_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
check_member(PyObject *member)
{
    if (PyObject_TypeCheck(member, Green_Type)) {
        return member;
    }
    PyErr_Format(PyExc_TypeError, "a Greenlet is needed, not %.100s",
                 Py_TYPE(member)->tp_name);
    return NULL;
}

static PyObject *
group_py_add(PyObject *self, PyObject *member)
{
    if (check_member(member) == NULL ||
        group_add(self, (struct green *)member) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
group_py_discard(PyObject *self, PyObject *member)
{
    if (((GroupObject *)self)->members != NULL &&
        (!hub_is_here() || take_out((GroupObject *)self, member) < 0)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
group_py_start(PyObject *self, PyObject *member)
{
    if (check_member(member) == NULL ||
        group_start(self, (struct green *)member) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
group_py_spawn(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *g = PyObject_Call((PyObject *)Green_Type, args, kwargs);
    if (g != NULL && group_start(self, (struct green *)g) < 0) {
        Py_CLEAR(g);
    }
    return g;
}

static PyObject *
group_py_join(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"timeout", "raise_error", NULL};
    PyObject *timeout = NULL;
    int raise_error = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Op", keywords, &timeout,
                                     &raise_error)) {
        return NULL;
    }
    PyObject *members = raise_error ? group_members(self) : PyList_New(0);
    double seconds = green_timeout(timeout);
    int empty = members == NULL || seconds == -2
                    ? -1
                    : group_join(self, seconds);
    for (Py_ssize_t i = 0; empty >= 0 && i < PyList_GET_SIZE(members); i++) {
        struct green *g = (struct green *)PyList_GET_ITEM(members, i);
        if (g->error != NULL) {
            hub_raise(g->error);
            empty = -1;
        }
    }
    Py_XDECREF(members);
    return empty < 0 ? NULL : PyBool_FromLong(empty);
}

static PyObject *
group_py_kill(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"exception", "block", "timeout", NULL};
    PyObject *exception = Green_Exit, *timeout = NULL;
    int block = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OpO", keywords,
                                     &exception, &block, &timeout)) {
        return NULL;
    }
    double seconds = green_timeout(timeout);
    int ended = seconds == -2
                    ? -1
                    : group_kill(self, exception, block, seconds);
    if (ended == 0 && seconds < 0) {
        PyErr_Format(PyExc_RuntimeError,
                     "a group cannot be killed: for each member that ends "
                     "another is added (%zd are left after %d rounds)",
                     group_size(self), GROUP_KILL_ROUNDS);
        ended = -1;
    }
    return ended < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
group_py_killone(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"greenlet", "exception", "block", "timeout",
                               NULL};
    PyObject *member, *exception = Green_Exit, *timeout = NULL;
    int block = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OpO", keywords, &member,
                                     &exception, &block, &timeout)) {
        return NULL;
    }
    double seconds = green_timeout(timeout);
    int known = PyDict_Contains(((GroupObject *)self)->members, member);
    if (seconds == -2 || known < 0) {
        return NULL;
    }
    struct green *g = (struct green *)member;
    if (known && (block ? green_throw(g, exception)
                        : green_throw_later(g, exception)) < 0) {
        return NULL;
    }
    if (known && block && green_join(g, seconds) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static Py_ssize_t
group_len(PyObject *self)
{
    return group_size(self);
}

static int
group_contains(PyObject *self, PyObject *member)
{
    return PyDict_Contains(((GroupObject *)self)->members, member);
}

static PyObject *
group_iter(PyObject *self)
{
    PyObject *members = group_members(self);
    PyObject *it = members == NULL ? NULL : PyObject_GetIter(members);
    Py_XDECREF(members);
    return it;
}

static int
group_bool(PyObject *self)
{
    return group_size(self) > 0;
}

PyDoc_STRVAR(add_doc, "add(greenlet)\n\nMakes it a member until its end.");
PyDoc_STRVAR(discard_doc, "discard(greenlet)\n\nTakes it out, if it is in.");
PyDoc_STRVAR(start_doc, "start(greenlet)\n\nadd() and greenlet.start().");
PyDoc_STRVAR(spawn_doc,
             "spawn(function, *args, **kwargs)\n\nStarts a new member.");
PyDoc_STRVAR(join_doc,
             "join(timeout=None, raise_error=False)\n\n"
             "Waits until nobody is left. True if so, False if time is up.");
PyDoc_STRVAR(kill_doc,
             "kill(exception=GreenletExit, block=True, timeout=None)\n\n"
             "Kills every member, each once; with block also those that are "
             "added meanwhile.");
PyDoc_STRVAR(killone_doc,
             "killone(greenlet, exception=GreenletExit, block=True, "
             "timeout=None)\n\nKills it, if it is a member.");

#define KEYWORDS(function) \
    (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS

static PyMethodDef group_methods[] = {
    {"add", group_py_add, METH_O, add_doc},
    {"discard", group_py_discard, METH_O, discard_doc},
    {"start", group_py_start, METH_O, start_doc},
    {"spawn", KEYWORDS(group_py_spawn), spawn_doc},
    {"join", KEYWORDS(group_py_join), join_doc},
    {"kill", KEYWORDS(group_py_kill), kill_doc},
    {"killone", KEYWORDS(group_py_killone), killone_doc},
    {NULL},
};

static PyMemberDef group_type_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(GroupObject, dict), READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(GroupObject, weakrefs),
     READONLY},
    {NULL},
};

PyDoc_STRVAR(group_doc,
             "Group()\n\nGreen threads that are waited for and killed "
             "together. The dead leave by themselves.");

static PyType_Slot group_slots[] = {
    {Py_tp_doc, (void *)group_doc},
    {Py_tp_new, group_tp_new},
    {Py_tp_traverse, group_traverse},
    {Py_tp_clear, group_clear},
    {Py_tp_dealloc, group_dealloc},
    {Py_tp_methods, group_methods},
    {Py_tp_members, group_type_members},
    {Py_tp_iter, group_iter},
    {Py_nb_bool, group_bool},
    {Py_sq_length, group_len},
    {Py_sq_contains, group_contains},
    {0, NULL},
};

static PyType_Spec group_spec = {
    .name = "_locust.Group",
    .basicsize = sizeof(GroupObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = group_slots,
};

int
group_module_exec(PyObject *module)
{
    Group_Type = (PyTypeObject *)PyType_FromSpec(&group_spec);
    return Group_Type == NULL ? -1 : PyModule_AddType(module, Group_Type);
}
