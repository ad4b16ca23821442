/*
 * Lock and RLock, with the contract of threading's, for green threads and for
 * any other OS thread.
 *
 * RLock also serves as gevent.lock.RLock. Its owner is a number, green_ident():
 * the object of a dead green thread need not be kept.
 */
#include "config.h"
#include "green/lock.h"

#include <stddef.h>
#include <structmember.h>

#include "base/pycompat.h"
#include "green/internal.h"
#include "green/sem.h"

PyTypeObject *Lock_Type;
PyTypeObject *RLock_Type;

typedef struct {
    PyObject_HEAD
    struct sem sem;             /* 1: free */
    PyObject *weakrefs;
} LockObject;

typedef struct {
    PyObject_HEAD
    struct sem sem;             /* 1: free */
    unsigned long owner;        /* while it is not */
    unsigned long count;        /* how often the owner has taken it */
    PyObject *weakrefs;
} RLockObject;

/* --- Arguments. */

static double
strict_patience(bool blocking, PyObject *timeout)
{
    double seconds = timeout == NULL || timeout == Py_None
                         ? -1
                         : PyFloat_AsDouble(timeout);
    if (seconds == -1) {
        return PyErr_Occurred() ? -2 : blocking ? -1 : 0;
    }
    if (!blocking) {
        PyErr_SetString(PyExc_ValueError,
                        "can't specify a timeout for a non-blocking call");
        return -2;
    }
    if (!(seconds >= 0)) {
        PyErr_SetString(PyExc_ValueError,
                        "timeout value must be a non-negative number");
        return -2;
    }
    if (seconds > (double)PY_TIMEOUT_MAX / 1e6) {
        PyErr_SetString(PyExc_OverflowError, "timeout value is too large");
        return -2;
    }
    return seconds;
}

/* Where an argument given by name belongs: 0 blocking, 1 timeout; -1. */
static int
place_of(PyObject *name)
{
    static const char *const names[] = {"blocking", "timeout"};
    for (int i = 0; i < 2; i++) {
        if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0) {
            return i;
        }
    }
    PyErr_Format(PyExc_TypeError,
                 "acquire() got an unexpected keyword argument '%U'", name);
    return -1;
}

double
lock_patience(PyObject *const *args, Py_ssize_t n, PyObject *keywords,
              bool strict)
{
    PyObject *given[2] = {NULL, NULL};
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    if (n + named > 2) {
        PyErr_Format(PyExc_TypeError,
                     "acquire() takes at most 2 arguments (%zd given)",
                     n + named);
        return -2;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        given[i] = args[i];
    }
    for (Py_ssize_t i = 0; i < named; i++) {
        int place = place_of(PyTuple_GET_ITEM(keywords, i));
        if (place < 0) {
            return -2;
        }
        given[place] = args[n + i];
    }
    int blocking = given[0] == NULL ? 1 : PyObject_IsTrue(given[0]);
    if (blocking < 0) {
        return -2;
    }
    if (strict) {
        return strict_patience(blocking, given[1]);
    }
    return sem_patience(blocking, given[1]);
}

/* --- Lock. */

/* Whether a wait is possible at all; sets no exception. */
static bool
may_wait(void)
{
    return !interpreter_is_finalizing() &&
           (green_current() == NULL || !hub.in_callback);
}

/* Who tries again and again without waiting must let the owner run. */
static int
try_later(double seconds)
{
    return seconds == 0 && green_current() != NULL && may_wait()
               ? green_sleep(0)
               : 0;
}

static PyObject *
lock_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) > 0 ||
        (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0)) {
        PyErr_Format(PyExc_TypeError, "%s() takes no arguments",
                     _PyType_Name(type));
        return NULL;
    }
    LockObject *self = (LockObject *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->sem.count = 1;
    }
    return (PyObject *)self;
}

static PyObject *
lock_acquire(LockObject *self, PyObject *const *args, Py_ssize_t n,
             PyObject *keywords)
{
    double seconds = lock_patience(args, n, keywords, true);
    int taken = seconds == -2 ? -1 : sem_take(&self->sem, seconds);
    if (taken < 0 || (taken == 0 && try_later(seconds) < 0)) {
        return NULL;
    }
    return PyBool_FromLong(taken);
}

static PyObject *
lock_release(LockObject *self, PyObject *unused)
{
    if (self->sem.count > 0) {
        PyErr_SetString(PyExc_RuntimeError, "release unlocked lock");
        return NULL;
    }
    sem_give(&self->sem);
    Py_RETURN_NONE;
}

static PyObject *
lock_enter(LockObject *self, PyObject *unused)
{
    return sem_take(&self->sem, -1) < 0 ? NULL : Py_NewRef(Py_True);
}

static PyObject *
lock_locked(LockObject *self, PyObject *unused)
{
    return PyBool_FromLong(self->sem.count == 0);
}

static PyObject *
lock_at_fork(LockObject *self, PyObject *unused)
{
    self->sem = (struct sem){.count = 1};
    Py_RETURN_NONE;
}

static PyObject *
lock_repr(LockObject *self)
{
    return PyUnicode_FromFormat("<%s %s object at %p>",
                                self->sem.count > 0 ? "unlocked" : "locked",
                                Py_TYPE(self)->tp_name, self);
}

/* For both types: nothing else refers to other objects. */
static void
lock_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_ClearWeakRefs(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(acquire_doc,
             "acquire(blocking=True, timeout=-1)\n\n"
             "Locks it, waiting for it if need be. Whether it did.");
PyDoc_STRVAR(release_doc, "release()\n\nUnlocks it.");

#define FAST(function) \
    (PyCFunction)(void (*)(void))function, METH_FASTCALL | METH_KEYWORDS

static PyMethodDef lock_methods[] = {
    {"acquire", FAST(lock_acquire), acquire_doc},
    {"acquire_lock", FAST(lock_acquire), acquire_doc},
    {"release", (PyCFunction)lock_release, METH_NOARGS, release_doc},
    {"release_lock", (PyCFunction)lock_release, METH_NOARGS, release_doc},
    {"locked", (PyCFunction)lock_locked, METH_NOARGS, "Whether it is."},
    {"locked_lock", (PyCFunction)lock_locked, METH_NOARGS, "Whether it is."},
    {"_at_fork_reinit", (PyCFunction)lock_at_fork, METH_NOARGS,
     "Unlocks it, and forgets who waits."},
    {"__enter__", (PyCFunction)lock_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)lock_release, METH_VARARGS, NULL},
    {NULL},
};

static PyMemberDef lock_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(LockObject, weakrefs),
     READONLY},
    {NULL},
};

static PyType_Slot lock_slots[] = {
    {Py_tp_doc, "A lock that lets the other green threads run."},
    {Py_tp_new, lock_new},
    {Py_tp_dealloc, lock_dealloc},
    {Py_tp_repr, lock_repr},
    {Py_tp_methods, lock_methods},
    {Py_tp_members, lock_members},
    {0, NULL},
};

static PyType_Spec lock_spec = {
    .name = "_locust.Lock",
    .basicsize = sizeof(LockObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = lock_slots,
};

/* --- RLock. */

static PyObject *
rlock_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    RLockObject *self = (RLockObject *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->sem.count = 1;
    }
    return (PyObject *)self;
}

static bool
is_mine(RLockObject *self)
{
    return self->count > 0 && self->owner == green_ident();
}

/* 1: taken, 0: time is up, -1. */
static int
rlock_take(RLockObject *self, double seconds, unsigned long count)
{
    int taken = sem_take(&self->sem, seconds);
    if (taken > 0) {
        self->owner = green_ident();
        self->count = count;
    }
    return taken;
}

static PyObject *
rlock_acquire(RLockObject *self, PyObject *const *args, Py_ssize_t n,
              PyObject *keywords)
{
    double seconds = lock_patience(args, n, keywords, true);
    if (seconds == -2) {
        return NULL;
    }
    if (is_mine(self)) {
        self->count++;
        Py_RETURN_TRUE;
    }
    int taken = rlock_take(self, seconds, 1);
    if (taken < 0 || (taken == 0 && try_later(seconds) < 0)) {
        return NULL;
    }
    return PyBool_FromLong(taken);
}

static int
check_owner(RLockObject *self)
{
    if (!is_mine(self)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "cannot release un-acquired lock");
        return -1;
    }
    return 0;
}

static PyObject *
rlock_release(RLockObject *self, PyObject *unused)
{
    if (check_owner(self) < 0) {
        return NULL;
    }
    if (--self->count == 0) {
        self->owner = 0;
        sem_give(&self->sem);
    }
    Py_RETURN_NONE;
}

static PyObject *
rlock_enter(RLockObject *self, PyObject *unused)
{
    return rlock_acquire(self, NULL, 0, NULL);
}

static PyObject *
rlock_is_owned(RLockObject *self, PyObject *unused)
{
    return PyBool_FromLong(is_mine(self));
}

static PyObject *
rlock_recursion_count(RLockObject *self, PyObject *unused)
{
    return PyLong_FromUnsignedLong(is_mine(self) ? self->count : 0);
}

static PyObject *
rlock_release_save(RLockObject *self, PyObject *unused)
{
    if (check_owner(self) < 0) {
        return NULL;
    }
    PyObject *state = Py_BuildValue("kk", self->count, self->owner);
    if (state != NULL) {
        self->count = 0;
        self->owner = 0;
        sem_give(&self->sem);
    }
    return state;
}

/* Whoever calls this is bound to have the lock afterwards, and to release it:
   an exception that comes meanwhile is raised when it has. */
static PyObject *
rlock_acquire_restore(RLockObject *self, PyObject *state)
{
    unsigned long count, owner;
    if (!PyArg_ParseTuple(state, "kk:_acquire_restore", &count, &owner)) {
        return NULL;
    }
    PyObject *error = NULL;
    while (rlock_take(self, -1, count) < 0) {
        if (!may_wait()) {
            Py_XDECREF(error);
            return NULL;
        }
        Py_XSETREF(error, error_take());
    }
    if (error != NULL) {
        error_give(error);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
rlock_at_fork(RLockObject *self, PyObject *unused)
{
    self->sem = (struct sem){.count = 1};
    self->owner = self->count = 0;
    Py_RETURN_NONE;
}

static PyObject *
rlock_repr(RLockObject *self)
{
    return PyUnicode_FromFormat("<%s %s object owner=%lu count=%lu at %p>",
                                self->count > 0 ? "locked" : "unlocked",
                                Py_TYPE(self)->tp_name, self->owner,
                                self->count, self);
}

static PyMethodDef rlock_methods[] = {
    {"acquire", FAST(rlock_acquire), acquire_doc},
    {"release", (PyCFunction)rlock_release, METH_NOARGS, release_doc},
    {"_is_owned", (PyCFunction)rlock_is_owned, METH_NOARGS,
     "Whether it is locked by who asks."},
    {"_recursion_count", (PyCFunction)rlock_recursion_count, METH_NOARGS,
     "How often who asks has locked it."},
    {"_release_save", (PyCFunction)rlock_release_save, METH_NOARGS,
     "For conditions: unlocks it altogether. What to restore it with."},
    {"_acquire_restore", (PyCFunction)rlock_acquire_restore, METH_O,
     "For conditions: undoes _release_save()."},
    {"_at_fork_reinit", (PyCFunction)rlock_at_fork, METH_NOARGS,
     "Unlocks it, and forgets who waits."},
    {"__enter__", (PyCFunction)rlock_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)rlock_release, METH_VARARGS, NULL},
    {NULL},
};

static PyMemberDef rlock_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(RLockObject, weakrefs),
     READONLY},
    {NULL},
};

static PyType_Slot rlock_slots[] = {
    {Py_tp_doc, "A lock that its owner may lock again."},
    {Py_tp_new, rlock_new},
    {Py_tp_dealloc, lock_dealloc},
    {Py_tp_repr, rlock_repr},
    {Py_tp_methods, rlock_methods},
    {Py_tp_members, rlock_members},
    {0, NULL},
};

static PyType_Spec rlock_spec = {
    .name = "_locust.RLock",
    .basicsize = sizeof(RLockObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = rlock_slots,
};

int
lock_module_exec(PyObject *module)
{
    Lock_Type = (PyTypeObject *)PyType_FromSpec(&lock_spec);
    RLock_Type = (PyTypeObject *)PyType_FromSpec(&rlock_spec);
    if (Lock_Type == NULL || RLock_Type == NULL ||
        PyModule_AddType(module, Lock_Type) < 0) {
        return -1;
    }
    return PyModule_AddType(module, RLock_Type);
}
