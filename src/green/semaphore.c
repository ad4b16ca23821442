/*
 * Semaphore and BoundedSemaphore, with gevent.lock's contract.
 */
#include "config.h"
#include "green/lock.h"

#include <stddef.h>
#include <structmember.h>

#include "green/callback.h"
#include "green/sem.h"

PyTypeObject *Semaphore_Type;

static PyTypeObject *Bounded_Type;

typedef struct {
    PyObject_HEAD
    struct sem sem;
    struct waitlist onlookers;  /* in wait(): want to know, and take nothing */
    Py_ssize_t bound;           /* BoundedSemaphore: never above; else -1 */
    PyObject *links;            /* list or NULL */
    PyObject *dict, *weakrefs;
} SemaphoreObject;

static PyObject *
semaphore_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    SemaphoreObject *self = (SemaphoreObject *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->sem.count = 1;
        self->bound = -1;
    }
    return (PyObject *)self;
}

static int
semaphore_init(SemaphoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"value", "hub", NULL};
    PyObject *value = NULL, *hub = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", keywords, &value,
                                     &hub)) {
        return -1;
    }
    Py_ssize_t count = 1;
    if (value != NULL && value != Py_None) {
        count = PyNumber_AsSsize_t(value, PyExc_OverflowError);
        if (count == -1 && PyErr_Occurred()) {
            return -1;
        }
    }
    if (count < 0) {
        PyErr_SetString(PyExc_ValueError,
                        "semaphore initial value must be >= 0");
        return -1;
    }
    self->sem.count = count;
    if (PyType_IsSubtype(Py_TYPE(self), Bounded_Type)) {
        self->bound = count;
    }
    return 0;
}

static PyObject *
semaphore_acquire(SemaphoreObject *self, PyObject *const *args, Py_ssize_t n,
                  PyObject *keywords)
{
    double seconds = lock_patience(args, n, keywords, false);
    int taken = seconds == -2 ? -1 : sem_take(&self->sem, seconds);
    return taken < 0 ? NULL : PyBool_FromLong(taken);
}

static int
give(SemaphoreObject *self)
{
    if (self->bound >= 0 && self->sem.count >= self->bound) {
        PyErr_SetString(PyExc_ValueError,
                        "Semaphore released too many times");
        return -1;
    }
    sem_give(&self->sem);
    waitlist_wake_all(&self->onlookers);
    links_call(&self->links, (PyObject *)self);
    return 0;
}

static PyObject *
semaphore_release(SemaphoreObject *self, PyObject *unused)
{
    return give(self) < 0 ? NULL : PyLong_FromSsize_t(self->sem.count);
}

static PyObject *
semaphore_wait(SemaphoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"timeout", NULL};
    PyObject *timeout = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", keywords,
                                     &timeout)) {
        return NULL;
    }
    double seconds = green_timeout(timeout);
    if (seconds == -2) {
        return NULL;
    }
    bool given;
    if (self->sem.count == 0 && waitlist_wait_anywhere(&self->onlookers,
                                                       seconds, &given) < 0) {
        return NULL;
    }
    return PyLong_FromSsize_t(self->sem.count);
}

static PyObject *
semaphore_enter(SemaphoreObject *self, PyObject *unused)
{
    return sem_take(&self->sem, -1) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
semaphore_exit(SemaphoreObject *self, PyObject *unused)
{
    return give(self) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
semaphore_locked(SemaphoreObject *self, PyObject *unused)
{
    return PyBool_FromLong(self->sem.count == 0);
}

static PyObject *
semaphore_ready(SemaphoreObject *self, PyObject *unused)
{
    return PyBool_FromLong(self->sem.count > 0);
}

static PyObject *
semaphore_rawlink(SemaphoreObject *self, PyObject *callback)
{
    if (links_add(&self->links, callback) < 0) {
        return NULL;
    }
    if (self->sem.count > 0) {
        links_call(&self->links, (PyObject *)self);
    }
    Py_RETURN_NONE;
}

static PyObject *
semaphore_unlink(SemaphoreObject *self, PyObject *callback)
{
    return links_remove(&self->links, callback) < 0 ? NULL
                                                    : Py_NewRef(Py_None);
}

static PyObject *
semaphore_repr(SemaphoreObject *self)
{
    return PyUnicode_FromFormat("<%s at %p counter=%zd>",
                                _PyType_Name(Py_TYPE(self)), self,
                                self->sem.count);
}

static int
semaphore_traverse(SemaphoreObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->links);
    Py_VISIT(self->dict);
    return 0;
}

static int
semaphore_clear(SemaphoreObject *self)
{
    Py_CLEAR(self->links);
    Py_CLEAR(self->dict);
    return 0;
}

static void
semaphore_dealloc(SemaphoreObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    semaphore_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(acquire_doc,
             "acquire(blocking=True, timeout=None)\n\n"
             "Takes one, waiting for it if need be. Whether it did.");
PyDoc_STRVAR(release_doc, "release()\n\nGives one back. What is left.");
PyDoc_STRVAR(wait_doc,
             "wait(timeout=None)\n\n"
             "Waits until one could be taken, and takes none. What is left.");

#define FAST(function) \
    (PyCFunction)(void (*)(void))function, METH_FASTCALL | METH_KEYWORDS

static PyMethodDef semaphore_methods[] = {
    {"acquire", FAST(semaphore_acquire), acquire_doc},
    {"release", (PyCFunction)semaphore_release, METH_NOARGS, release_doc},
    {"wait", (PyCFunction)(void (*)(void))semaphore_wait,
     METH_VARARGS | METH_KEYWORDS, wait_doc},
    {"locked", (PyCFunction)semaphore_locked, METH_NOARGS,
     "Whether nothing can be taken at once."},
    {"ready", (PyCFunction)semaphore_ready, METH_NOARGS,
     "Whether one can be taken at once."},
    {"rawlink", (PyCFunction)semaphore_rawlink, METH_O,
     "rawlink(callback)\n\nCalls callback(self) when one can be taken."},
    {"unlink", (PyCFunction)semaphore_unlink, METH_O,
     "unlink(callback)\n\nUndoes rawlink()."},
    {"__enter__", (PyCFunction)semaphore_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)semaphore_exit, METH_VARARGS, NULL},
    {NULL},
};

static PyMemberDef semaphore_members[] = {
    {"counter", T_PYSSIZET, offsetof(SemaphoreObject, sem.count), READONLY,
     "How many can be taken at once."},
    {"__dictoffset__", T_PYSSIZET, offsetof(SemaphoreObject, dict), READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(SemaphoreObject, weakrefs),
     READONLY},
    {NULL},
};

PyDoc_STRVAR(semaphore_doc,
             "Semaphore(value=1)\n\nA number of things to be taken and given "
             "back.");

static PyType_Slot semaphore_slots[] = {
    {Py_tp_doc, (void *)semaphore_doc},
    {Py_tp_new, semaphore_new},
    {Py_tp_init, semaphore_init},
    {Py_tp_traverse, semaphore_traverse},
    {Py_tp_clear, semaphore_clear},
    {Py_tp_dealloc, semaphore_dealloc},
    {Py_tp_repr, semaphore_repr},
    {Py_tp_methods, semaphore_methods},
    {Py_tp_members, semaphore_members},
    {0, NULL},
};

static PyType_Spec semaphore_spec = {
    .name = "_locust.Semaphore",
    .basicsize = sizeof(SemaphoreObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = semaphore_slots,
};

static PyType_Slot bounded_slots[] = {
    {Py_tp_doc, "A Semaphore that cannot be given back more than there was."},
    {0, NULL},
};

static PyType_Spec bounded_spec = {
    .name = "_locust.BoundedSemaphore",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = bounded_slots,
};

int
semaphore_module_exec(PyObject *module)
{
    Semaphore_Type = (PyTypeObject *)PyType_FromSpec(&semaphore_spec);
    if (Semaphore_Type == NULL) {
        return -1;
    }
    Bounded_Type = (PyTypeObject *)PyType_FromSpecWithBases(
        &bounded_spec, (PyObject *)Semaphore_Type);
    if (Bounded_Type == NULL || PyModule_AddType(module, Semaphore_Type) < 0) {
        return -1;
    }
    return PyModule_AddType(module, Bounded_Type);
}
