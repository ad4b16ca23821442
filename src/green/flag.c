/*
 * Event, with the contract of threading's and gevent's.
 */
#include "config.h"
#include "green/green.h"

#include <stddef.h>
#include <structmember.h>

#include "green/callback.h"

typedef struct {
    PyObject_HEAD
    struct waitlist waiters;
    bool set;
    PyObject *links;            /* list or NULL */
    PyObject *dict, *weakrefs;
} EventObject;

static PyObject *
event_is_set(EventObject *self, PyObject *unused)
{
    return PyBool_FromLong(self->set);
}

static PyObject *
event_set(EventObject *self, PyObject *unused)
{
    self->set = true;
    waitlist_wake_all(&self->waiters);
    links_call(&self->links, (PyObject *)self);
    Py_RETURN_NONE;
}

static PyObject *
event_clear(EventObject *self, PyObject *unused)
{
    self->set = false;
    Py_RETURN_NONE;
}

/* Whoever was woken has seen it set, though it may be cleared by now. */
static PyObject *
event_wait(EventObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"timeout", NULL};
    PyObject *timeout = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:wait", keywords,
                                     &timeout)) {
        return NULL;
    }
    if (self->set) {
        Py_RETURN_TRUE;
    }
    double seconds = green_timeout(timeout);
    bool chosen;
    int late = seconds == -2 ? -1
                             : waitlist_wait_anywhere(&self->waiters, seconds,
                                                      &chosen);
    return late < 0 ? NULL : PyBool_FromLong(!late);
}

static PyObject *
event_rawlink(EventObject *self, PyObject *callback)
{
    if (links_add(&self->links, callback) < 0) {
        return NULL;
    }
    if (self->set) {
        links_call(&self->links, (PyObject *)self);
    }
    Py_RETURN_NONE;
}

static PyObject *
event_unlink(EventObject *self, PyObject *callback)
{
    return links_remove(&self->links, callback) < 0 ? NULL
                                                    : Py_NewRef(Py_None);
}

static PyObject *
event_at_fork(EventObject *self, PyObject *unused)
{
    self->waiters.first = NULL;
    Py_RETURN_NONE;
}

static PyObject *
event_repr(EventObject *self)
{
    return PyUnicode_FromFormat("<%s at %p: %s>",
                                _PyType_Name(Py_TYPE(self)), self,
                                self->set ? "set" : "unset");
}

static int
event_traverse(EventObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->links);
    Py_VISIT(self->dict);
    return 0;
}

static int
event_clear_refs(EventObject *self)
{
    Py_CLEAR(self->links);
    Py_CLEAR(self->dict);
    return 0;
}

static void
event_dealloc(EventObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    event_clear_refs(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(wait_doc,
             "wait(timeout=None)\n\nWaits until it is set, or so many "
             "seconds. Whether it is.");

static PyMethodDef event_methods[] = {
    {"is_set", (PyCFunction)event_is_set, METH_NOARGS, "Whether it is set."},
    {"isSet", (PyCFunction)event_is_set, METH_NOARGS, "Whether it is set."},
    {"ready", (PyCFunction)event_is_set, METH_NOARGS, "Whether it is set."},
    {"set", (PyCFunction)event_set, METH_NOARGS, "Wakes all who wait."},
    {"clear", (PyCFunction)event_clear, METH_NOARGS, "Undoes set()."},
    {"wait", (PyCFunction)(void (*)(void))event_wait,
     METH_VARARGS | METH_KEYWORDS, wait_doc},
    {"rawlink", (PyCFunction)event_rawlink, METH_O,
     "rawlink(callback)\n\nCalls callback(self) when it is set."},
    {"unlink", (PyCFunction)event_unlink, METH_O,
     "unlink(callback)\n\nUndoes rawlink()."},
    {"_at_fork_reinit", (PyCFunction)event_at_fork, METH_NOARGS,
     "Forgets who waits."},
    {"_reset_internal_locks", (PyCFunction)event_at_fork, METH_NOARGS,
     "Forgets who waits."},
    {NULL},
};

static PyMemberDef event_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(EventObject, dict), READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(EventObject, weakrefs),
     READONLY},
    {NULL},
};

PyDoc_STRVAR(event_doc,
             "Event()\n\nA flag that others can wait for.");

static PyType_Slot event_slots[] = {
    {Py_tp_doc, (void *)event_doc},
    {Py_tp_traverse, event_traverse},
    {Py_tp_clear, event_clear_refs},
    {Py_tp_dealloc, event_dealloc},
    {Py_tp_repr, event_repr},
    {Py_tp_methods, event_methods},
    {Py_tp_members, event_members},
    {0, NULL},
};

static PyType_Spec event_spec = {
    .name = "_locust.Event",
    .basicsize = sizeof(EventObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = event_slots,
};

int
flag_module_exec(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&event_spec);
    int result = type == NULL ? -1
                              : PyModule_AddType(module, (PyTypeObject *)type);
    Py_XDECREF(type);
    return result;
}
