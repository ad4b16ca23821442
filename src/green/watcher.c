/*
 * Watchers of the event loop for Python code: what gevent's hub.loop.io(),
 * timer(), async_() and so on return. Their callbacks are calls of the hub's
 * (callback.h).
 *
 * Invariants
 *   - While it is active, a watcher is kept alive by the loop.
 *   - One with ref=False does not keep the loop waiting: ev_unref() when it
 *     starts, ev_ref() when it stops, of whatever kind the stop is.
 *   - A loop that a forked child has thrown away is not touched any more.
 */
#include "config.h"
#include "green/green.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>

#include "green/callback.h"
#include "green/internal.h"

enum kind { IO, TIMER, ASYNC, IDLE, PREPARE, CHECK, FORK };

static const char *const kind_names[] = {
    [IO] = "io",       [TIMER] = "timer",     [ASYNC] = "async_",
    [IDLE] = "idle",   [PREPARE] = "prepare", [CHECK] = "check",
    [FORK] = "fork",
};

typedef struct {
    PyObject_HEAD
    union {
        struct ev_watcher any;
        ev_io io;
        ev_timer timer;
        ev_async async;
        ev_idle idle;
        ev_prepare prepare;
        ev_check check;
        ev_fork fork;
    } w;
    enum kind kind;
    bool ref;                   /* keeps the loop waiting */
    bool held;                  /* active, and a reference is the loop's */
    bool pass_events;           /* the callback's first argument */
    unsigned loop;              /* hub.loops when it started */
    int fd, events;             /* IO */
    double after, repeat;       /* TIMER */
    PyObject *callback, *args;
} WatcherObject;

static PyTypeObject *Watcher_Type;

/* --- Starting and stopping. */

static void
start_kind(WatcherObject *self)
{
    struct ev_loop *loop = hub_loop();
    switch (self->kind) {
    case IO: ev_io_start(loop, &self->w.io); break;
    case TIMER: ev_timer_start(loop, &self->w.timer); break;
    case ASYNC: ev_async_start(loop, &self->w.async); break;
    case IDLE: ev_idle_start(loop, &self->w.idle); break;
    case PREPARE: ev_prepare_start(loop, &self->w.prepare); break;
    case CHECK: ev_check_start(loop, &self->w.check); break;
    case FORK: ev_fork_start(loop, &self->w.fork); break;
    }
}

static void
stop_kind(WatcherObject *self)
{
    struct ev_loop *loop = hub_loop();
    switch (self->kind) {
    case IO: ev_io_stop(loop, &self->w.io); break;
    case TIMER: ev_timer_stop(loop, &self->w.timer); break;
    case ASYNC: ev_async_stop(loop, &self->w.async); break;
    case IDLE: ev_idle_stop(loop, &self->w.idle); break;
    case PREPARE: ev_prepare_stop(loop, &self->w.prepare); break;
    case CHECK: ev_check_stop(loop, &self->w.check); break;
    case FORK: ev_fork_stop(loop, &self->w.fork); break;
    }
}

static void
stop(WatcherObject *self)
{
    if (!self->held) {
        return;
    }
    self->held = false;
    if (self->loop == hub.loops) {
        if (!self->ref) {
            ev_ref(hub_loop());
        }
        stop_kind(self);
    }
    Py_DECREF(self);
}

/* The call's arguments: those given to start(), after the events if wanted. */
static PyObject *
arguments(WatcherObject *self, int events)
{
    if (!self->pass_events) {
        return Py_NewRef(self->args);
    }
    PyObject *first = Py_BuildValue("(i)", events);
    PyObject *all = first == NULL ? NULL
                                  : PySequence_Concat(first, self->args);
    Py_XDECREF(first);
    return all;
}

static void
on_event(struct ev_loop *loop, struct ev_watcher *w, int revents)
{
    WatcherObject *self = w->data;
    PyObject *args = arguments(self, revents);
    PyObject *call = args == NULL ? NULL
                                  : hub_call_soon(self->callback, args);
    if (call == NULL) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    Py_XDECREF(call);
    Py_XDECREF(args);
    if (!ev_is_active(w)) {
        stop(self);             /* a timer that does not repeat */
    }
}

static void
init_kind(WatcherObject *self)
{
    memset(&self->w, 0, sizeof(self->w));
    ev_init(&self->w.any, on_event);
    if (self->kind == IO) {
        ev_io_set(&self->w.io, self->fd, self->events);
    }
    else if (self->kind == TIMER) {
        ev_now_update(hub_loop());
        ev_timer_set(&self->w.timer, self->after, self->repeat);
    }
    self->w.any.data = self;
}

static PyObject *
watcher_start(WatcherObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *callback =
        PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : NULL;
    if (callback == NULL || !PyCallable_Check(callback)) {
        PyErr_Format(PyExc_TypeError, "Expected callable, not %R",
                     callback != NULL ? callback : Py_None);
        return NULL;
    }
    if (!hub_is_here()) {
        return NULL;
    }
    PyObject *pass = kwargs == NULL
                         ? NULL
                         : PyDict_GetItemString(kwargs, "pass_events");
    PyObject *rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
    if (rest == NULL) {
        return NULL;
    }
    stop(self);
    self->pass_events = pass != NULL && PyObject_IsTrue(pass) > 0;
    Py_XSETREF(self->callback, Py_NewRef(callback));
    Py_XSETREF(self->args, rest);
    init_kind(self);
    self->loop = hub.loops;
    self->held = true;
    Py_INCREF(self);
    start_kind(self);
    if (!self->ref) {
        ev_unref(hub_loop());
    }
    Py_RETURN_NONE;
}

static PyObject *
watcher_stop(WatcherObject *self, PyObject *unused)
{
    Py_INCREF(self);
    stop(self);
    Py_CLEAR(self->callback);
    Py_CLEAR(self->args);
    Py_DECREF(self);
    Py_RETURN_NONE;
}

/* Of a timer: its repeat counts anew from now. */
static PyObject *
watcher_again(WatcherObject *self, PyObject *args, PyObject *kwargs)
{
    if (self->kind != TIMER) {
        PyErr_SetString(PyExc_TypeError, "only a timer can be had again");
        return NULL;
    }
    double after = self->after;
    self->after = self->repeat;
    PyObject *r = watcher_start(self, args, kwargs);
    self->after = after;
    return r;
}

static PyObject *
watcher_send(WatcherObject *self, PyObject *unused)
{
    if (self->kind != ASYNC) {
        PyErr_SetString(PyExc_TypeError, "only async_() watchers can be sent");
        return NULL;
    }
    if (self->held && self->loop == hub.loops) {
        ev_async_send(hub_loop(), &self->w.async);
    }
    Py_RETURN_NONE;
}

static PyObject *
watcher_enter(WatcherObject *self, PyObject *unused)
{
    return Py_NewRef((PyObject *)self);
}

/* --- Making one. */

static int
parse_kind(WatcherObject *self, const char *name)
{
    for (int kind = IO; kind <= FORK; kind++) {
        if (strcmp(kind_names[kind], name) == 0) {
            self->kind = kind;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "there are no watchers of kind %s", name);
    return -1;
}

static int
watcher_init(WatcherObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"kind", "ref", "fd", "events", "after",
                               "repeat", NULL};
    const char *name;
    int ref = 1;
    if (self->held) {
        PyErr_SetString(PyExc_ValueError, "the watcher is active");
        return -1;
    }
    self->fd = -1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|piidd", keywords, &name,
                                     &ref, &self->fd, &self->events,
                                     &self->after, &self->repeat) ||
        parse_kind(self, name) < 0) {
        return -1;
    }
    self->ref = ref;
    if (self->kind == IO && (self->fd < 0 || (self->events & ~3) != 0)) {
        PyErr_Format(PyExc_ValueError,
                     self->fd < 0 ? "fd must be non-negative: %d"
                                  : "illegal event mask: %d",
                     self->fd < 0 ? self->fd : self->events);
        return -1;
    }
    if (self->repeat < 0) {
        PyErr_SetString(PyExc_ValueError,
                        "repeat must be positive or zero");
        return -1;
    }
    if (self->after < 0) {
        self->after = 0;
    }
    return 0;
}

static PyObject *
get_active(WatcherObject *self, void *unused)
{
    return PyBool_FromLong(self->held);
}

static PyObject *
get_pending(WatcherObject *self, void *unused)
{
    return PyBool_FromLong(self->held && ev_is_pending(&self->w.any));
}

static PyObject *
get_ref(WatcherObject *self, void *unused)
{
    return PyBool_FromLong(self->ref);
}

static int
set_ref(WatcherObject *self, PyObject *value, void *unused)
{
    int ref = value == NULL ? -1 : PyObject_IsTrue(value);
    if (ref < 0) {
        PyErr_SetString(PyExc_TypeError, "ref is True or False");
        return -1;
    }
    if (ref != self->ref && self->held && self->loop == hub.loops) {
        if (ref) {
            ev_ref(hub_loop());
        }
        else {
            ev_unref(hub_loop());
        }
    }
    self->ref = ref;
    return 0;
}

static PyObject *
watcher_repr(WatcherObject *self)
{
    return PyUnicode_FromFormat("<%s watcher at %p%s>", kind_names[self->kind],
                                self, self->held ? " active" : "");
}

static int
watcher_traverse(WatcherObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->callback);
    Py_VISIT(self->args);
    return 0;
}

static int
watcher_clear(WatcherObject *self)
{
    Py_CLEAR(self->callback);
    Py_CLEAR(self->args);
    return 0;
}

static void
watcher_dealloc(WatcherObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    watcher_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

#define KEYWORDS(function) \
    (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS

static PyMethodDef watcher_methods[] = {
    {"start", KEYWORDS(watcher_start),
     "start(callback, *args)\n\nCalls callback(*args) whenever it happens."},
    {"stop", (PyCFunction)watcher_stop, METH_NOARGS, "Undoes start()."},
    {"close", (PyCFunction)watcher_stop, METH_NOARGS, "Undoes start()."},
    {"again", KEYWORDS(watcher_again),
     "again(callback, *args)\n\nAs start(), after the time to repeat."},
    {"send", (PyCFunction)watcher_send, METH_NOARGS,
     "Makes it happen. From any OS thread."},
    {"send_ignoring_arg", (PyCFunction)watcher_send, METH_O,
     "Makes it happen."},
    {"__enter__", (PyCFunction)watcher_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)watcher_stop, METH_VARARGS, NULL},
    {NULL},
};

static PyMemberDef watcher_members[] = {
    {"callback", T_OBJECT, offsetof(WatcherObject, callback), READONLY,
     "What is called, or None."},
    {"args", T_OBJECT, offsetof(WatcherObject, args), READONLY,
     "With what."},
    {"fd", T_INT, offsetof(WatcherObject, fd), READONLY,
     "The descriptor of an io watcher."},
    {"events", T_INT, offsetof(WatcherObject, events), READONLY,
     "1 to read, 2 to write, 3."},
    {NULL},
};

static PyGetSetDef watcher_getset[] = {
    {"active", (getter)get_active, NULL, "Whether it is started.", NULL},
    {"pending", (getter)get_pending, NULL, "Whether it has happened.", NULL},
    {"ref", (getter)get_ref, (setter)set_ref,
     "Whether the loop waits for it.", NULL},
    {NULL},
};

static PyType_Slot watcher_slots[] = {
    {Py_tp_doc, "Watcher(kind, ref=True, fd=-1, events=0, after=0, "
                "repeat=0)\n\nCalls a function when something happens."},
    {Py_tp_init, watcher_init},
    {Py_tp_traverse, watcher_traverse},
    {Py_tp_clear, watcher_clear},
    {Py_tp_dealloc, watcher_dealloc},
    {Py_tp_repr, watcher_repr},
    {Py_tp_methods, watcher_methods},
    {Py_tp_members, watcher_members},
    {Py_tp_getset, watcher_getset},
    {0, NULL},
};

static PyType_Spec watcher_spec = {
    .name = "_locust.Watcher",
    .basicsize = sizeof(WatcherObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = watcher_slots,
};

int
watcher_module_exec(PyObject *module)
{
    Watcher_Type = (PyTypeObject *)PyType_FromSpec(&watcher_spec);
    return Watcher_Type == NULL ? -1 : PyModule_AddType(module, Watcher_Type);
}
