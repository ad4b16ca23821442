/*
 * threading.Lock and RLock.
 *
 * A lock is Python's own, and its owner is whoever holds it there; a green
 * thread that finds it taken waits in the parking lot, and tries again when it
 * is released. Other OS threads wait as they always did.
 *
 * Python takes all green threads for one owner of an RLock, as they share an OS
 * thread. So which of them holds it, and how often, is kept here while one
 * does; Python's own count is 1 meanwhile.
 */
#include "config.h"
#include "coop/internal.h"

#include "base/lookup.h"
#include "base/pycompat.h"
#include "green/green.h"

#define BUCKETS 256             /* a power of 2 */

static PyTypeObject *lock_type;         /* NULL until replaced */
static struct {
    PyObject *acquire, *release;
} lock;

static struct {
    PyObject *acquire, *release, *is_owned, *save, *restore, *reinit;
} rlock;

/* An RLock that a green thread holds. */
struct held {
    struct held *next;
    PyObject *lock;             /* owned: its address must stay its own */
    PyObject *owner;            /* owned, for the same reason */
    unsigned long count;
};

static struct held *helds[BUCKETS];
static struct held *spare;

/* --- Arguments. */

struct limits {
    bool forever;               /* blocking, without time limit */
    bool valid;                 /* else the original is to judge */
    double timeout;
};

/* What a keyword means: 0 blocking, 1 timeout, -1 something else. */
static int
keyword_index(PyObject *keyword)
{
    return PyUnicode_CompareWithASCIIString(keyword, "blocking") == 0  ? 0
           : PyUnicode_CompareWithASCIIString(keyword, "timeout") == 0 ? 1
                                                                       : -1;
}

/* acquire(blocking=True, timeout=-1). Only what may wait is valid. */
static struct limits
read_limits(PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    struct limits limits = {.timeout = -1};
    PyObject *given[2] = {NULL, NULL};
    if (n > 2) {
        return limits;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        given[i] = args[i];
    }
    Py_ssize_t named = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < named; i++) {
        int index = keyword_index(PyTuple_GET_ITEM(kwnames, i));
        if (index < 0 || given[index] != NULL) {
            return limits;
        }
        given[index] = args[n + i];
    }
    int blocking = given[0] == NULL          ? 1
                   : !PyLong_Check(given[0]) ? 0
                                             : PyObject_IsTrue(given[0]);
    if (blocking == 1 && given[1] != NULL) {
        limits.timeout = PyFloat_AsDouble(given[1]);
    }
    bool failed = PyErr_Occurred() != NULL;
    PyErr_Clear();
    limits.valid = blocking == 1 && !failed &&
                   (limits.timeout > 0 || limits.timeout == -1.0) &&
                   limits.timeout * 1e6 <= (double)PY_TIMEOUT_MAX;
    return limits;
}

/* --- What both kinds share. */

/* One try that does not wait. 1, 0, or -1 with an exception set. */
static int
try_acquire(PyObject *original, PyObject *self)
{
    PyObject *args[2] = {self, Py_False};
    PyObject *r = PyObject_Vectorcall(original, args, 2, NULL);
    if (r == NULL) {
        return -1;
    }
    int got = r == Py_True;
    Py_DECREF(r);
    return got;
}

/* Locks that are released without our being told: a set, or NULL. */
static PyObject *untold;

/* Between two looks whether one of them has been. */
#define LOOK_SECONDS 0.02

/* For how long to park: no longer than until it is to be looked again. */
static double
patience(PyObject *self, int64_t deadline)
{
    double left = deadline_left(deadline);
    int look = untold == NULL ? 0 : PySet_Contains(untold, self);
    if (look < 0) {
        PyErr_Clear();
    }
    return look > 0 && (left < 0 || left > LOOK_SECONDS) ? LOOK_SECONDS
                                                         : left;
}

typedef int (*lock_try)(PyObject *self);

/* 1: acquired, 0: time is up, -1: exception. */
static int
acquire(PyObject *self, lock_try try, double timeout)
{
    int got = try(self);
    if (got != 0) {
        return got;
    }
    int64_t deadline = deadline_in(timeout);
    bool again = false;
    while (got == 0 && !deadline_is_over(deadline)) {
        int r = lot_park(self, patience(self, deadline), again);
        if (r < 0) {
            return -1;
        }
        again = r == 0;
        got = try(self);
    }
    return got;
}

/* Keeps the pending exception, unless there is an earlier one. */
static void
keep_error(PyObject **kept)
{
    PyObject *error = error_take();
    if (*kept == NULL) {
        *kept = error;
    }
    else {
        Py_XDECREF(error);
    }
}

/* The same, come what may: what is thrown meanwhile is raised when the lock is
   held. So a with block that waits for a condition finds it as it expects.
   1, or -1 with an exception set; held in either case, unless nobody can wait
   here at all. */
static int
acquire_for_sure(PyObject *self, lock_try try)
{
    PyObject *error = NULL;
    int got;
    do {
        got = acquire(self, try, -1);
        if (got < 0) {
            keep_error(&error);
        }
    } while (got < 0 && green_can_park());
    if (error == NULL) {
        return got;
    }
    error_give(error);
    return -1;
}

static PyObject *
as_bool(int result)
{
    return result < 0 ? NULL : PyBool_FromLong(result);
}

/* A try that did not wait. Whoever tries again and again must let the owner
   run: so one in vain lets the others go first. Takes the result over. */
static PyObject *
after_try(PyObject *result)
{
    if (result == Py_False && coop_let_others_run() < 0) {
        Py_CLEAR(result);
    }
    return result;
}

/* --- Lock. */

static int
lock_try_acquire(PyObject *self)
{
    return try_acquire(lock.acquire, self);
}

static PyObject *
lock_acquire(PyObject *self, PyObject *const *args, Py_ssize_t n,
             PyObject *kwnames)
{
    if (green_current() == NULL) {
        return call_original(lock.acquire, self, args, n, kwnames);
    }
    struct limits limits = read_limits(args, n, kwnames);
    if (!limits.valid) {
        return after_try(call_original(lock.acquire, self, args, n, kwnames));
    }
    return as_bool(acquire(self, lock_try_acquire, limits.timeout));
}

static PyObject *
lock_release(PyObject *self, PyObject *unused)
{
    PyObject *r = PyObject_CallOneArg(lock.release, self);
    if (r != NULL) {
        lot_wake_one(self);
    }
    return r;
}

static PyObject *
lock_exit(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    return lock_release(self, NULL);
}

static struct replacement lock_methods[] = {
    {METHOD("acquire", lock_acquire, FASTCALL_KEYWORDS), &lock.acquire},
    {METHOD("acquire_lock", lock_acquire, FASTCALL_KEYWORDS), NULL},
    {METHOD("__enter__", lock_acquire, FASTCALL_KEYWORDS), NULL},
    {METHOD("release", lock_release, METH_NOARGS), &lock.release},
    {METHOD("release_lock", lock_release, METH_NOARGS), NULL},
    {METHOD("__exit__", lock_exit, METH_FASTCALL), NULL},
    {{NULL}, NULL},
};

/* --- Who holds an RLock. */

static struct held **
held_place(PyObject *self)
{
    uintptr_t bits = (uintptr_t)self;
    struct held **place =
        &helds[(bits >> 4 ^ bits >> 12) & (BUCKETS - 1)];
    while (*place != NULL && (*place)->lock != self) {
        place = &(*place)->next;
    }
    return place;
}

/* Enters it for the current green thread. 0, or -1 with MemoryError set. */
static int
held_add(PyObject *self, unsigned long count)
{
    struct held *h = spare;
    if (h != NULL) {
        spare = h->next;
    }
    else if ((h = PyMem_Malloc(sizeof(*h))) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    struct held **place = held_place(self);
    *h = (struct held){
        .lock = Py_NewRef(self),
        .owner = Py_NewRef((PyObject *)green_current()),
        .count = count,
    };
    *place = h;
    return 0;
}

static void
held_remove(struct held **place)
{
    struct held *h = *place;
    *place = h->next;
    h->next = spare;
    spare = h;
    PyObject *owner = h->owner;
    PyObject *self = h->lock;
    Py_DECREF(owner);
    Py_DECREF(self);
}

static bool
held_is_mine(const struct held *h)
{
    return h->owner == (PyObject *)green_current();
}

/* --- RLock. */

static int
rlock_try_acquire(PyObject *self)
{
    struct held *h = *held_place(self);
    if (h != NULL) {
        if (!held_is_mine(h)) {
            return 0;
        }
        h->count++;
        return 1;
    }
    int got = try_acquire(rlock.acquire, self);
    if (got == 1 && held_add(self, 1) < 0) {
        Py_XDECREF(PyObject_CallOneArg(rlock.release, self));
        return -1;
    }
    return got;
}

static PyObject *
rlock_acquire(PyObject *self, PyObject *const *args, Py_ssize_t n,
              PyObject *kwnames)
{
    if (green_current() == NULL) {
        return call_original(rlock.acquire, self, args, n, kwnames);
    }
    struct limits limits = read_limits(args, n, kwnames);
    if (limits.valid) {
        return as_bool(acquire(self, rlock_try_acquire, limits.timeout));
    }
    /* It will not wait, or it is wrong: let the original say which. */
    struct held *h = *held_place(self);
    if (h != NULL && held_is_mine(h)) {
        PyObject *r = call_original(rlock.acquire, self, args, n, kwnames);
        if (r != NULL) {
            Py_XDECREF(PyObject_CallOneArg(rlock.release, self));
            h->count++;
        }
        return r;
    }
    if (h != NULL) {
        return after_try(Py_NewRef(Py_False));
    }
    PyObject *r = call_original(rlock.acquire, self, args, n, kwnames);
    if (r == Py_True && held_add(self, 1) < 0) {
        Py_XDECREF(PyObject_CallOneArg(rlock.release, self));
        Py_CLEAR(r);
    }
    return after_try(r);
}

static PyObject *
not_acquired(void)
{
    PyErr_SetString(PyExc_RuntimeError, "cannot release un-acquired lock");
    return NULL;
}

/* Gives it free whatever its count is. */
static PyObject *
let_go(PyObject *self, struct held **place)
{
    PyObject *r = PyObject_CallOneArg(rlock.release, self);
    if (r != NULL) {
        held_remove(place);
        lot_wake_one(self);
    }
    return r;
}

static PyObject *
rlock_release(PyObject *self, PyObject *unused)
{
    struct held **place = held_place(self);
    if (*place == NULL) {       /* held by another OS thread, or by nobody */
        PyObject *r = PyObject_CallOneArg(rlock.release, self);
        if (r != NULL) {
            lot_wake_one(self);
        }
        return r;
    }
    if (!held_is_mine(*place)) {
        return not_acquired();
    }
    if (--(*place)->count > 0) {
        Py_RETURN_NONE;
    }
    return let_go(self, place);
}

static PyObject *
rlock_exit(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    return rlock_release(self, NULL);
}

static PyObject *
rlock_is_owned(PyObject *self, PyObject *unused)
{
    struct held *h = *held_place(self);
    if (h == NULL || green_current() == NULL) {
        return PyObject_CallOneArg(rlock.is_owned, self);
    }
    return PyBool_FromLong(held_is_mine(h));
}

/* What Condition.wait() gives back and takes again, however often it is
   held: the count, and the owner, of whom there is no need here. */
static PyObject *
rlock_release_save(PyObject *self, PyObject *unused)
{
    struct held **place = held_place(self);
    if (*place == NULL || green_current() == NULL) {
        PyObject *state = PyObject_CallOneArg(rlock.save, self);
        if (state != NULL) {
            lot_wake_one(self);
        }
        return state;
    }
    if (!held_is_mine(*place)) {
        return not_acquired();
    }
    PyObject *state =
        Py_BuildValue("(kk)", (*place)->count, (unsigned long)0);
    PyObject *r = state == NULL ? NULL : let_go(self, place);
    if (r == NULL) {
        Py_CLEAR(state);
    }
    Py_XDECREF(r);
    return state;
}

static PyObject *
rlock_acquire_restore(PyObject *self, PyObject *state)
{
    unsigned long count, owner;
    if (green_current() == NULL) {
        return PyObject_CallFunctionObjArgs(rlock.restore, self, state, NULL);
    }
    if (!PyTuple_Check(state) ||
        !PyArg_ParseTuple(state, "kk:_acquire_restore", &count, &owner)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError,
                            "_acquire_restore() argument must be a tuple");
        }
        return NULL;
    }
    int got = acquire_for_sure(self, rlock_try_acquire);
    struct held *h = *held_place(self);
    if (h != NULL && held_is_mine(h)) {
        h->count = count;
    }
    return got < 0 ? NULL : Py_NewRef(Py_None);
}

/* In a forked child: nobody holds it. */
static PyObject *
rlock_at_fork_reinit(PyObject *self, PyObject *unused)
{
    struct held **place = held_place(self);
    Py_INCREF(self);
    if (*place != NULL) {
        held_remove(place);
    }
    PyObject *r = PyObject_CallOneArg(rlock.reinit, self);
    Py_DECREF(self);
    return r;
}

static struct replacement rlock_methods[] = {
    {METHOD("acquire", rlock_acquire, FASTCALL_KEYWORDS), &rlock.acquire},
    {METHOD("__enter__", rlock_acquire, FASTCALL_KEYWORDS), NULL},
    {METHOD("release", rlock_release, METH_NOARGS), &rlock.release},
    {METHOD("__exit__", rlock_exit, METH_FASTCALL), NULL},
    {METHOD("_is_owned", rlock_is_owned, METH_NOARGS), &rlock.is_owned},
    {METHOD("_release_save", rlock_release_save, METH_NOARGS), &rlock.save},
    {METHOD("_acquire_restore", rlock_acquire_restore, METH_O),
     &rlock.restore},
    {METHOD("_at_fork_reinit", rlock_at_fork_reinit, METH_NOARGS),
     &rlock.reinit},
    {{NULL}, NULL},
};

/* --- For Python. */

PyObject *
coop_watch_lock(PyObject *module, PyObject *self)
{
    if (untold == NULL && (untold = PySet_New(NULL)) == NULL) {
        return NULL;
    }
    return PySet_Add(untold, self) < 0 ? NULL : Py_NewRef(Py_None);
}

/* What Condition does after a wait, for a lock that is no RLock. */
PyObject *
coop_acquire_for_sure(PyObject *module, PyObject *self)
{
    if (green_current() == NULL || lock_type != Py_TYPE(self)) {
        return PyObject_CallMethod(self, "acquire", NULL);
    }
    return as_bool(acquire_for_sure(self, lock_try_acquire));
}

static PyTypeObject *
patch_type(const char *name, struct replacement *methods)
{
    PyTypeObject *type = (PyTypeObject *)lookup("_thread", name);
    if (type != NULL && replace_methods(type, methods) < 0) {
        Py_CLEAR(type);
    }
    return type;
}

PyObject *
coop_patch_locks(PyObject *module, PyObject *unused)
{
    if (lock_type != NULL) {
        Py_RETURN_NONE;
    }
    lock_type = patch_type("LockType", lock_methods);
    PyTypeObject *rlock_type =
        lock_type == NULL ? NULL : patch_type("RLock", rlock_methods);
    Py_XDECREF(rlock_type);
    return rlock_type == NULL ? NULL : Py_NewRef(Py_None);
}
