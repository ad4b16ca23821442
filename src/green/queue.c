/*
 * Queue and its kin, with gevent.queue's contract; SimpleQueue also with that
 * of queue.SimpleQueue.
 *
 * What waits, waits for one of two semaphores: one counts the items, the
 * other, of a queue with a bound, the free places. So who has got through may
 * take an item, or has a place, for certain.
 *
 * Invariant: the items' semaphore never counts more than there are. (It may
 * count less: what it has given to somebody who has not run yet.)
 */
#include "config.h"
#include "green/green.h"

#include <stddef.h>
#include <structmember.h>

#include "base/lookup.h"
#include "green/sem.h"

typedef struct {
    PyObject_HEAD
    struct sem items, places;
    Py_ssize_t bound;           /* 0: none */
    PyObject **ring;            /* owned references; NULL at first */
    Py_ssize_t size, head, count;       /* of the ring */
    PyObject *heap;             /* PriorityQueue's items instead: a list */
    Py_ssize_t unfinished;      /* put, and not task_done() */
    struct waitlist joiners;    /* wait for unfinished to be 0 */
    bool last_first;            /* LifoQueue */
    bool shut;                  /* shutdown() */
    PyObject *dict, *weakrefs;
} QueueObject;

static PyTypeObject *Priority_Type, *Lifo_Type, *Simple_Type;
static PyObject *Shut_Down;

/* --- Items. */

static Py_ssize_t
length(QueueObject *self)
{
    return self->heap != NULL ? PyList_GET_SIZE(self->heap) : self->count;
}

static int
grow(QueueObject *self)
{
    Py_ssize_t size = self->size == 0 ? 8 : self->size * 2;
    PyObject **ring = PyMem_New(PyObject *, size);
    if (ring == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < self->count; i++) {
        ring[i] = self->ring[(self->head + i) & (self->size - 1)];
    }
    PyMem_Free(self->ring);
    self->ring = ring;
    self->size = size;
    self->head = 0;
    return 0;
}

static int
push_heap(QueueObject *self, PyObject *item)
{
    static PyObject *heappush;
    if (heappush == NULL && (heappush = lookup("heapq", "heappush")) == NULL) {
        return -1;
    }
    PyObject *r = PyObject_CallFunctionObjArgs(heappush, self->heap, item,
                                               NULL);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

static int
push(QueueObject *self, PyObject *item)
{
    if (self->heap != NULL) {
        return push_heap(self, item);
    }
    if (self->count == self->size && grow(self) < 0) {
        return -1;
    }
    self->ring[(self->head + self->count) & (self->size - 1)] =
        Py_NewRef(item);
    self->count++;
    return 0;
}

/* Where in the ring the next item is. */
static Py_ssize_t
next_place(QueueObject *self)
{
    Py_ssize_t i = self->last_first ? self->head + self->count - 1
                                    : self->head;
    return i & (self->size - 1);
}

static PyObject *
pop_heap(QueueObject *self)
{
    static PyObject *heappop;
    if (heappop == NULL && (heappop = lookup("heapq", "heappop")) == NULL) {
        return NULL;
    }
    return PyObject_CallOneArg(heappop, self->heap);
}

static PyObject *
pop(QueueObject *self)
{
    if (self->heap != NULL) {
        return pop_heap(self);
    }
    PyObject *item = self->ring[next_place(self)];
    if (!self->last_first) {
        self->head = (self->head + 1) & (self->size - 1);
    }
    self->count--;
    return item;
}

static PyObject *
peek(QueueObject *self)
{
    return Py_NewRef(self->heap != NULL ? PyList_GET_ITEM(self->heap, 0)
                                        : self->ring[next_place(self)]);
}

/* --- Putting and getting. */

/* Raises queue.Empty or queue.Full. */
static void
raise_from_queue(const char *name)
{
    PyObject *e = lookup("queue", name);
    if (e != NULL) {
        PyErr_SetNone(e);
        Py_DECREF(e);
    }
}

static double
patience(int block, PyObject *timeout, bool strict)
{
    double seconds = sem_patience(block, timeout);
    if (strict && seconds >= 0 && block && PyFloat_AsDouble(timeout) < 0) {
        PyErr_SetString(PyExc_ValueError,
                        "'timeout' must be a non-negative number");
        return -2;
    }
    return seconds;
}

/* Takes the right to take an item. 0 or -1. */
static int
reserve_item(QueueObject *self, double seconds)
{
    if (self->shut && length(self) == 0) {
        PyErr_SetNone(Shut_Down);
        return -1;
    }
    int got = sem_take(&self->items, seconds);
    if (got > 0 && length(self) == 0) {
        PyErr_SetNone(Shut_Down);       /* woken by shutdown() */
        return -1;
    }
    if (got == 0) {
        raise_from_queue("Empty");
    }
    return got > 0 ? 0 : -1;
}

static PyObject *
get_item(QueueObject *self, double seconds)
{
    if (seconds == -2 || reserve_item(self, seconds) < 0) {
        return NULL;
    }
    PyObject *item = pop(self);
    if (self->bound > 0) {
        sem_give(&self->places);
    }
    return item;
}

static int
put_item(QueueObject *self, PyObject *item, double seconds)
{
    if (seconds == -2) {
        return -1;
    }
    int got = self->bound == 0 || self->shut
                  ? 1
                  : sem_take(&self->places, seconds);
    if (got == 0) {
        raise_from_queue("Full");
    }
    if (got > 0 && self->shut) {
        PyErr_SetNone(Shut_Down);
        got = -1;
    }
    if (got <= 0) {
        return -1;
    }
    /* An item that cannot be compared to others is in the heap all the same;
       then it can be got, and whoever put it is told. */
    Py_ssize_t before = length(self);
    int result = push(self, item);
    if (length(self) > before) {
        self->unfinished++;
        sem_give(&self->items);
    }
    else if (self->bound > 0) {
        sem_give(&self->places);
    }
    return result;
}

static PyObject *
queue_put(QueueObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"item", "block", "timeout", NULL};
    PyObject *item, *timeout = NULL;
    int block = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|pO:put", keywords, &item,
                                     &block, &timeout)) {
        return NULL;
    }
    return put_item(self, item, patience(block, timeout, false)) < 0
               ? NULL
               : Py_NewRef(Py_None);
}

static PyObject *
queue_put_nowait(QueueObject *self, PyObject *item)
{
    return put_item(self, item, 0) < 0 ? NULL : Py_NewRef(Py_None);
}

static int
parse_get(QueueObject *self, PyObject *args, PyObject *kwargs, double *seconds)
{
    static char *keywords[] = {"block", "timeout", NULL};
    int block = 1;
    PyObject *timeout = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|pO", keywords, &block,
                                     &timeout)) {
        return -1;
    }
    *seconds = patience(block, timeout, Py_TYPE(self) == Simple_Type);
    return *seconds == -2 ? -1 : 0;
}

static PyObject *
queue_get(QueueObject *self, PyObject *args, PyObject *kwargs)
{
    double seconds;
    return parse_get(self, args, kwargs, &seconds) < 0
               ? NULL
               : get_item(self, seconds);
}

static PyObject *
queue_get_nowait(QueueObject *self, PyObject *unused)
{
    return get_item(self, 0);
}

static PyObject *
peek_item(QueueObject *self, double seconds)
{
    if (reserve_item(self, seconds) < 0) {
        return NULL;
    }
    PyObject *item = peek(self);
    sem_give(&self->items);
    return item;
}

static PyObject *
queue_peek(QueueObject *self, PyObject *args, PyObject *kwargs)
{
    double seconds;
    return parse_get(self, args, kwargs, &seconds) < 0
               ? NULL
               : peek_item(self, seconds);
}

static PyObject *
queue_peek_nowait(QueueObject *self, PyObject *unused)
{
    return peek_item(self, 0);
}

/* An item that is StopIteration ends the iteration. */
static PyObject *
queue_next(QueueObject *self)
{
    PyObject *item = get_item(self, -1);
    if (item != NULL &&
        (item == PyExc_StopIteration ||
         PyObject_TypeCheck(item, (PyTypeObject *)PyExc_StopIteration))) {
        Py_CLEAR(item);
    }
    return item;
}

/* --- What else can be asked for. */

static PyObject *
queue_qsize(QueueObject *self, PyObject *unused)
{
    return PyLong_FromSsize_t(length(self));
}

static PyObject *
queue_empty(QueueObject *self, PyObject *unused)
{
    return PyBool_FromLong(length(self) == 0);
}

static PyObject *
queue_full(QueueObject *self, PyObject *unused)
{
    return PyBool_FromLong(self->bound > 0 && length(self) >= self->bound);
}

static PyObject *
queue_task_done(QueueObject *self, PyObject *unused)
{
    if (self->unfinished <= 0) {
        PyErr_SetString(PyExc_ValueError,
                        "task_done() called too many times");
        return NULL;
    }
    if (--self->unfinished == 0) {
        waitlist_wake_all(&self->joiners);
    }
    Py_RETURN_NONE;
}

static PyObject *
queue_join(QueueObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"timeout", NULL};
    PyObject *timeout = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:join", keywords,
                                     &timeout)) {
        return NULL;
    }
    double seconds = green_timeout(timeout);
    bool chosen;
    if (seconds == -2 ||
        (self->unfinished > 0 &&
         waitlist_wait_anywhere(&self->joiners, seconds, &chosen) < 0)) {
        return NULL;
    }
    return PyBool_FromLong(self->unfinished == 0);
}

/* What is in, as a list, in the order in which it is kept. */
static PyObject *
get_items(QueueObject *self, void *unused)
{
    if (self->heap != NULL) {
        return PyList_GetSlice(self->heap, 0, PyList_GET_SIZE(self->heap));
    }
    PyObject *list = PyList_New(self->count);
    for (Py_ssize_t i = 0; list != NULL && i < self->count; i++) {
        PyList_SET_ITEM(
            list, i,
            Py_NewRef(self->ring[(self->head + i) & (self->size - 1)]));
    }
    return list;
}

static void
drop_items(QueueObject *self)
{
    while (self->count > 0) {
        PyObject *item = pop(self);
        Py_DECREF(item);
    }
    if (self->heap != NULL) {
        PyList_SetSlice(self->heap, 0, PyList_GET_SIZE(self->heap), NULL);
    }
}

static PyObject *
queue_shutdown(QueueObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"immediate", NULL};
    int immediate = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p:shutdown", keywords,
                                     &immediate)) {
        return NULL;
    }
    self->shut = true;
    if (immediate) {
        self->items.count = 0;
        self->unfinished = 0;
        drop_items(self);
        waitlist_wake_all(&self->joiners);
    }
    if (length(self) == 0) {
        waitlist_wake_all(&self->items.waiters);
    }
    waitlist_wake_all(&self->places.waiters);
    Py_RETURN_NONE;
}

static PyObject *
get_maxsize(QueueObject *self, void *unused)
{
    return self->bound > 0 ? PyLong_FromSsize_t(self->bound)
                           : Py_NewRef(Py_None);
}

static Py_ssize_t
queue_len(QueueObject *self)
{
    return length(self);
}

static int
queue_bool(QueueObject *self)
{
    return 1;
}

static PyObject *
queue_repr(QueueObject *self)
{
    return PyUnicode_FromFormat("<%s at %p: %zd items>",
                                _PyType_Name(Py_TYPE(self)), self,
                                length(self));
}

/* --- Beginning and end. */

static PyObject *
queue_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    QueueObject *self = (QueueObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->last_first = PyType_IsSubtype(type, Lifo_Type);
    if (PyType_IsSubtype(type, Priority_Type) &&
        (self->heap = PyList_New(0)) == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
put_all(QueueObject *self, PyObject *items)
{
    PyObject *it = PyObject_GetIter(items), *item;
    if (it == NULL) {
        return -1;
    }
    int result = 0;
    while (result == 0 && (item = PyIter_Next(it)) != NULL) {
        result = put_item(self, item, 0);
        Py_DECREF(item);
    }
    Py_DECREF(it);
    return PyErr_Occurred() ? -1 : result;
}

static int
queue_init(QueueObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"maxsize", "items", "unfinished_tasks", NULL};
    PyObject *bound = Py_None, *items = NULL, *unfinished = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOO", keywords, &bound,
                                     &items, &unfinished)) {
        return -1;
    }
    if (items != NULL && items != Py_None && put_all(self, items) < 0) {
        return -1;
    }
    if (bound != Py_None) {
        Py_ssize_t n = PyNumber_AsSsize_t(bound, PyExc_OverflowError);
        if (n == -1 && PyErr_Occurred()) {
            return -1;
        }
        self->bound = n > 0 ? n : 0;
        self->places.count = n > length(self) ? n - length(self) : 0;
    }
    if (unfinished != Py_None) {
        self->unfinished = PyNumber_AsSsize_t(unfinished, PyExc_OverflowError);
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
queue_traverse(QueueObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Py_VISIT(self->ring[(self->head + i) & (self->size - 1)]);
    }
    Py_VISIT(self->heap);
    Py_VISIT(self->dict);
    return 0;
}

static int
queue_clear(QueueObject *self)
{
    self->items.count = 0;
    drop_items(self);
    Py_CLEAR(self->dict);
    return 0;
}

static void
queue_dealloc(QueueObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    queue_clear(self);
    Py_CLEAR(self->heap);
    PyMem_Free(self->ring);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(put_doc,
             "put(item, block=True, timeout=None)\n\n"
             "Puts it in, waiting for a place if there is a bound.");
PyDoc_STRVAR(get_doc,
             "get(block=True, timeout=None)\n\nTakes an item out, waiting "
             "for one.");
PyDoc_STRVAR(peek_doc,
             "peek(block=True, timeout=None)\n\nThe item that get() would "
             "take.");
PyDoc_STRVAR(join_doc,
             "join(timeout=None)\n\nWaits until task_done() has been called "
             "for each item. Whether it has.");
PyDoc_STRVAR(shutdown_doc,
             "shutdown(immediate=False)\n\nNothing more can be put in.");

#define KEYWORDS(function) \
    (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS
#define PLAIN(function) (PyCFunction)function, METH_NOARGS

static PyMethodDef simple_methods[] = {
    {"put", KEYWORDS(queue_put), put_doc},
    {"put_nowait", (PyCFunction)queue_put_nowait, METH_O,
     "put(item, block=False)"},
    {"get", KEYWORDS(queue_get), get_doc},
    {"get_nowait", PLAIN(queue_get_nowait), "get(block=False)"},
    {"qsize", PLAIN(queue_qsize), "How many items are in."},
    {"empty", PLAIN(queue_empty), "Whether none is."},
    {NULL},
};

static PyMethodDef queue_methods[] = {
    {"peek", KEYWORDS(queue_peek), peek_doc},
    {"peek_nowait", PLAIN(queue_peek_nowait), "peek(block=False)"},
    {"full", PLAIN(queue_full), "Whether no item can be put in."},
    {"task_done", PLAIN(queue_task_done), "One item has been dealt with."},
    {"join", KEYWORDS(queue_join), join_doc},
    {"shutdown", KEYWORDS(queue_shutdown), shutdown_doc},
    {NULL},
};

static PyGetSetDef queue_getset[] = {
    {"queue", (getter)get_items, NULL, "A list of what is in.", NULL},
    {"maxsize", (getter)get_maxsize, NULL, "The bound, or None.", NULL},
    {NULL},
};

static PyMemberDef simple_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(QueueObject, dict), READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(QueueObject, weakrefs),
     READONLY},
    {NULL},
};

static PyMemberDef queue_members[] = {
    {"unfinished_tasks", T_PYSSIZET, offsetof(QueueObject, unfinished),
     READONLY, "Items for which task_done() has not been called."},
    {NULL},
};

static PyType_Slot simple_slots[] = {
    {Py_tp_doc, "A queue without a bound."},
    {Py_tp_new, queue_new},
    {Py_tp_traverse, queue_traverse},
    {Py_tp_clear, queue_clear},
    {Py_tp_dealloc, queue_dealloc},
    {Py_tp_repr, queue_repr},
    {Py_tp_methods, simple_methods},
    {Py_tp_members, simple_members},
    {0, NULL},
};

static PyType_Spec simple_spec = {
    .name = "_locust.SimpleQueue",
    .basicsize = sizeof(QueueObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = simple_slots,
};

PyDoc_STRVAR(queue_doc,
             "Queue(maxsize=None, items=())\n\nA queue; first in, first out.");

static PyType_Slot queue_slots[] = {
    {Py_tp_doc, (void *)queue_doc},
    {Py_tp_init, queue_init},
    {Py_tp_methods, queue_methods},
    {Py_tp_members, queue_members},
    {Py_tp_getset, queue_getset},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, queue_next},
    {Py_nb_bool, queue_bool},
    {Py_sq_length, queue_len},
    {0, NULL},
};

static PyType_Spec queue_spec = {
    .name = "_locust.Queue",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = queue_slots,
};

static PyType_Slot lifo_slots[] = {
    {Py_tp_doc, "A Queue; last in, first out."},
    {0, NULL},
};

static PyType_Spec lifo_spec = {
    .name = "_locust.LifoQueue",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = lifo_slots,
};

static PyType_Slot priority_slots[] = {
    {Py_tp_doc, "A Queue; the smallest first."},
    {0, NULL},
};

static PyType_Spec priority_spec = {
    .name = "_locust.PriorityQueue",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = priority_slots,
};

/* A type that is added to the module; NULL with an exception set. */
static PyTypeObject *
add_type(PyObject *module, PyType_Spec *spec, PyTypeObject *base)
{
    PyTypeObject *type =
        (PyTypeObject *)PyType_FromSpecWithBases(spec, (PyObject *)base);
    if (type != NULL && PyModule_AddType(module, type) < 0) {
        Py_CLEAR(type);
    }
    return type;
}

int
queue_module_exec(PyObject *module)
{
    Shut_Down = PyErr_NewExceptionWithDoc(
        "_locust.ShutDown", "The queue has been shut down.", NULL, NULL);
    if (Shut_Down == NULL ||
        PyModule_AddObjectRef(module, "ShutDown", Shut_Down) < 0) {
        return -1;
    }
    PyTypeObject *queue;
    if ((Simple_Type = add_type(module, &simple_spec, NULL)) == NULL ||
        (queue = add_type(module, &queue_spec, Simple_Type)) == NULL ||
        (Lifo_Type = add_type(module, &lifo_spec, queue)) == NULL) {
        return -1;
    }
    Priority_Type = add_type(module, &priority_spec, queue);
    return Priority_Type == NULL ? -1 : 0;
}
