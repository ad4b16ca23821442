/*
 * See timeout.h.
 *
 * Invariant: while its timer runs, a Timeout is kept alive by it, and keeps
 * the green thread alive that is to get it.
 */
#include "config.h"
#include "green/timeout.h"

#include <stddef.h>
#include <structmember.h>

#include "base/pycompat.h"
#include "green/internal.h"

PyTypeObject *Timeout_Type;

typedef struct {
    PyBaseExceptionObject base;
    ev_timer timer;
    struct green *target;       /* owned while the timer runs */
    unsigned loop;              /* hub.loops when it was started */
    PyObject *seconds;          /* number or None; NULL before __init__ */
    PyObject *exception;        /* what is raised, if not itself; or NULL */
} TimeoutObject;

static bool
is_pending(TimeoutObject *self)
{
    return self->target != NULL;
}

/* Whether it raises itself, not something else. */
static bool
raises_itself(TimeoutObject *self)
{
    PyObject *e = self->exception;
    return e == NULL || e == Py_None || e == Py_False || e == Py_True ||
           PyUnicode_Check(e);
}

static void
stop(TimeoutObject *self)
{
    if (!is_pending(self)) {
        return;
    }
    if (self->loop == hub.loops) {      /* not lost in a fork */
        ev_timer_stop(hub_loop(), &self->timer);
    }
    Py_CLEAR(self->target);
    Py_DECREF(self);
}

static void
on_timeout(struct ev_loop *loop, ev_timer *w, int revents)
{
    TimeoutObject *self = w->data;
    PyObject *what = raises_itself(self) ? (PyObject *)self : self->exception;
    Py_INCREF(self);
    if (green_throw(self->target, what) < 0) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    stop(self);
    Py_DECREF(self);
}

static int
start(TimeoutObject *self)
{
    if (is_pending(self)) {
        PyErr_Format(PyExc_AssertionError,
                     "%R is already started; to restart it, cancel it first",
                     self);
        return -1;
    }
    if (self->seconds == NULL || self->seconds == Py_None) {
        return 0;               /* never */
    }
    double seconds = PyFloat_AsDouble(self->seconds);
    if ((seconds == -1.0 && PyErr_Occurred()) || !hub_is_here()) {
        return -1;
    }
    ev_now_update(hub_loop());
    ev_timer_init(&self->timer, on_timeout, seconds > 0 ? seconds : 0, 0);
    self->timer.data = Py_NewRef((PyObject *)self);
    self->target = (struct green *)Py_NewRef((PyObject *)green_current());
    self->loop = hub.loops;
    ev_timer_start(hub_loop(), &self->timer);
    return 0;
}

int
timeout_raise(double seconds)
{
    PyObject *e = PyObject_CallFunction((PyObject *)Timeout_Type, "d",
                                        seconds);
    if (e != NULL) {
        PyErr_SetObject((PyObject *)Timeout_Type, e);
        Py_DECREF(e);
    }
    return -1;
}

static int
timeout_init(TimeoutObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"seconds", "exception", "ref", "priority",
                               "_one_shot", NULL};
    PyObject *seconds = Py_None, *exception = NULL, *unused;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOOOO:Timeout", keywords,
                                     &seconds, &exception, &unused, &unused,
                                     &unused)) {
        return -1;
    }
    if (seconds != Py_None && !PyNumber_Check(seconds)) {
        PyErr_Format(PyExc_TypeError,
                     "a Timeout needs a number of seconds, or None, not %R",
                     seconds);
        return -1;
    }
    Py_XSETREF(self->seconds, Py_NewRef(seconds));
    Py_XSETREF(self->exception, Py_XNewRef(exception));
    return 0;
}

static PyObject *
timeout_start(TimeoutObject *self, PyObject *unused)
{
    return start(self) < 0 ? NULL : Py_NewRef(Py_None);
}

/* Also if its time has come, but not its exception. */
static void
cancel(TimeoutObject *self)
{
    stop(self);
    green_forget((PyObject *)self);
    if (self->exception != Py_None) {
        green_forget(self->exception);
    }
}

static PyObject *
timeout_cancel(TimeoutObject *self, PyObject *unused)
{
    cancel(self);
    Py_RETURN_NONE;
}

static PyObject *
timeout_enter(TimeoutObject *self, PyObject *unused)
{
    return !is_pending(self) && start(self) < 0 ? NULL
                                                : Py_NewRef((PyObject *)self);
}

static PyObject *
timeout_exit(TimeoutObject *self, PyObject *args)
{
    PyObject *type, *value, *tb;
    if (!PyArg_ParseTuple(args, "OOO:__exit__", &type, &value, &tb)) {
        return NULL;
    }
    cancel(self);
    return PyBool_FromLong(value == (PyObject *)self &&
                           self->exception == Py_False);
}

static PyObject *
timeout_start_new(PyObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"timeout", "exception", "ref", "_one_shot",
                               NULL};
    PyObject *timeout = Py_None, *exception = Py_None, *unused;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOOO:start_new", keywords,
                                     &timeout, &exception, &unused, &unused)) {
        return NULL;
    }
    PyObject *t = PyObject_TypeCheck(timeout, Timeout_Type)
                      ? Py_NewRef(timeout)
                      : PyObject_CallFunctionObjArgs(type, timeout, exception,
                                                     NULL);
    if (t != NULL && !is_pending((TimeoutObject *)t) &&
        start((TimeoutObject *)t) < 0) {
        Py_CLEAR(t);
    }
    return t;
}

static PyObject *
get_pending(TimeoutObject *self, void *unused)
{
    return PyBool_FromLong(is_pending(self));
}

/* What follows the number in its str(). */
static PyObject *
timeout_str(TimeoutObject *self)
{
    if (self->seconds == NULL || self->seconds == Py_None) {
        return PyUnicode_FromString("");
    }
    double seconds = PyFloat_AsDouble(self->seconds);
    if (seconds == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    const char *plural = seconds == 1 ? "" : "s";
    PyObject *e = self->exception;
    if (e == NULL || e == Py_None) {
        return PyUnicode_FromFormat("%S second%s", self->seconds, plural);
    }
    if (e == Py_False) {
        return PyUnicode_FromFormat("%S second%s (silent)", self->seconds,
                                    plural);
    }
    return PyUnicode_FromFormat("%S second%s: %S", self->seconds, plural, e);
}

static PyObject *
timeout_repr(TimeoutObject *self)
{
    PyObject *e = self->exception;
    bool shown = e != NULL && e != Py_None;
    return PyUnicode_FromFormat(
        shown ? "<%s at %p%s seconds=%S exception=%S>"
              : "<%s at %p%s seconds=%S>",
        _PyType_Name(Py_TYPE(self)), self,
        is_pending(self) ? " pending" : "",
        self->seconds != NULL ? self->seconds : Py_None, e);
}

static int
timeout_traverse(TimeoutObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->seconds);
    Py_VISIT(self->exception);
    Py_VISIT(self->target);
    return ((PyTypeObject *)PyExc_BaseException)
        ->tp_traverse((PyObject *)self, visit, arg);
}

static int
timeout_clear(TimeoutObject *self)
{
    Py_CLEAR(self->seconds);
    Py_CLEAR(self->exception);
    return ((PyTypeObject *)PyExc_BaseException)->tp_clear((PyObject *)self);
}

static void
timeout_dealloc(TimeoutObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    timeout_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(start_new_doc,
             "start_new(timeout=None, exception=None)\n\n"
             "A new one that is started; one that is there already is "
             "started if need be.");

static PyMethodDef timeout_methods[] = {
    {"start", (PyCFunction)timeout_start, METH_NOARGS,
     "From now on the seconds count."},
    {"cancel", (PyCFunction)timeout_cancel, METH_NOARGS,
     "Will not be raised any more."},
    {"close", (PyCFunction)timeout_cancel, METH_NOARGS, "The same."},
    {"start_new", (PyCFunction)(void (*)(void))timeout_start_new,
     METH_VARARGS | METH_KEYWORDS | METH_CLASS, start_new_doc},
    {"__enter__", (PyCFunction)timeout_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)timeout_exit, METH_VARARGS, NULL},
    {NULL},
};

static PyGetSetDef timeout_getset[] = {
    {"pending", (getter)get_pending, NULL, "Whether it may still be raised.",
     NULL},
    {NULL},
};

static PyMemberDef timeout_members[] = {
    {"seconds", T_OBJECT, offsetof(TimeoutObject, seconds), 0,
     "After how long it is raised."},
    {"exception", T_OBJECT, offsetof(TimeoutObject, exception), 0,
     "What is raised instead of itself; False: nothing is to be seen."},
    {NULL},
};

PyDoc_STRVAR(timeout_doc,
             "Timeout(seconds=None, exception=None)\n\n"
             "Raises itself, or exception, in the green thread that started "
             "it, when time is up.");

static PyType_Slot timeout_slots[] = {
    {Py_tp_doc, (void *)timeout_doc},
    {Py_tp_init, timeout_init},
    {Py_tp_traverse, timeout_traverse},
    {Py_tp_clear, timeout_clear},
    {Py_tp_dealloc, timeout_dealloc},
    {Py_tp_str, timeout_str},
    {Py_tp_repr, timeout_repr},
    {Py_tp_methods, timeout_methods},
    {Py_tp_getset, timeout_getset},
    {Py_tp_members, timeout_members},
    {0, NULL},
};

static PyType_Spec timeout_spec = {
    .name = "_locust.Timeout",
    .basicsize = sizeof(TimeoutObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = timeout_slots,
};

int
timeout_module_exec(PyObject *module)
{
    Timeout_Type = (PyTypeObject *)PyType_FromSpecWithBases(
        &timeout_spec, PyExc_BaseException);
    return Timeout_Type == NULL ? -1 : PyModule_AddType(module, Timeout_Type);
}
