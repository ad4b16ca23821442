/*
 * select.poll(): an object of our own. Python's does not tell which descriptors
 * it has, so it could not be waited for.
 */
#include "config.h"
#include "coop/internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "green/green.h"

/* Which can be waited for by the event loop; others are looked at again and
   again. */
#define USUAL_EVENTS (POLLIN | POLLOUT)
#define LOOK_SECONDS 0.02

typedef struct {
    PyObject_HEAD
    struct pollfd *fds;         /* owned */
    size_t n, room;
    bool polling;
} PollObject;

static PyTypeObject *Poll_Type;

static PyObject *
poll_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) != 0 || kwargs != NULL) {
        PyErr_SetString(PyExc_TypeError, "poll() takes no arguments");
        return NULL;
    }
    return type->tp_alloc(type, 0);
}

static void
poll_dealloc(PollObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(self->fds);
    type->tp_free(self);
    Py_DECREF(type);
}

static struct pollfd *
find(PollObject *self, int fd)
{
    for (size_t i = 0; i < self->n; i++) {
        if (self->fds[i].fd == fd) {
            return &self->fds[i];
        }
    }
    return NULL;
}

/* An event mask, as Python takes it: an unsigned short. -1: exception. */
static int
read_mask(PyObject *mask)
{
    if (!PyLong_Check(mask)) {
        PyErr_SetString(PyExc_TypeError, "an integer is required");
        return -1;
    }
    long events = PyLong_AsLong(mask);
    if (events == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (events < 0) {
        PyErr_SetString(PyExc_ValueError, "value must be positive");
        return -1;
    }
    if (events > 0xffff) {
        PyErr_SetString(PyExc_OverflowError,
                        "Python int too large for C unsigned short");
        return -1;
    }
    return (int)events;
}

static int
append(PollObject *self, int fd, int events)
{
    if (self->n == self->room) {
        size_t room = self->room ? 2 * self->room : 4;
        struct pollfd *fds = PyMem_Realloc(self->fds, room * sizeof(*fds));
        if (fds == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->fds = fds;
        self->room = room;
    }
    self->fds[self->n++] = (struct pollfd){.fd = fd, .events = (short)events};
    return 0;
}

PyDoc_STRVAR(register_doc,
             "register(fd, eventmask=POLLIN | POLLPRI | POLLOUT)\n\n"
             "Adds a descriptor, or changes what is asked about it.");

static PyObject *
poll_register(PollObject *self, PyObject *args)
{
    PyObject *file, *mask = NULL;
    if (!PyArg_UnpackTuple(args, "register", 1, 2, &file, &mask)) {
        return NULL;
    }
    int events = mask == NULL ? POLLIN | POLLPRI | POLLOUT : read_mask(mask);
    int fd = events < 0 ? -1 : PyObject_AsFileDescriptor(file);
    if (fd < 0) {
        return NULL;
    }
    struct pollfd *known = find(self, fd);
    if (known != NULL) {
        known->events = (short)events;
    }
    else if (append(self, fd, events) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(modify_doc,
             "modify(fd, eventmask)\n\nChanges what is asked about one that "
             "is registered.");

static PyObject *
poll_modify(PollObject *self, PyObject *args)
{
    PyObject *file, *mask;
    if (!PyArg_UnpackTuple(args, "modify", 2, 2, &file, &mask)) {
        return NULL;
    }
    int fd = PyObject_AsFileDescriptor(file);
    int events = fd < 0 ? -1 : read_mask(mask);
    if (events < 0) {
        return NULL;
    }
    struct pollfd *known = find(self, fd);
    if (known == NULL) {
        errno = ENOENT;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    known->events = (short)events;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(unregister_doc, "unregister(fd)\n\nRemoves a descriptor.");

static PyObject *
poll_unregister(PollObject *self, PyObject *file)
{
    int fd = PyObject_AsFileDescriptor(file);
    if (fd < 0) {
        return NULL;
    }
    struct pollfd *known = find(self, fd);
    if (known == NULL) {
        PyObject *key = PyLong_FromLong(fd);
        if (key != NULL) {
            PyErr_SetObject(PyExc_KeyError, key);
            Py_DECREF(key);
        }
        return NULL;
    }
    size_t after = (size_t)(self->fds + self->n - known) - 1;
    memmove(known, known + 1, after * sizeof(*known));
    self->n--;
    Py_RETURN_NONE;
}

/* --- Polling. */

/* One call of poll(2) on a copy: the object may change meanwhile. Number of
   those ready, or -1 with an exception set. */
static int
look(struct pollfd *fds, size_t n, int milliseconds)
{
    int ready;
    Py_BEGIN_ALLOW_THREADS
    ready = poll(fds, n, milliseconds);
    Py_END_ALLOW_THREADS
    if (ready >= 0) {
        return ready;
    }
    if (errno != EINTR) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return PyErr_CheckSignals();
}

static int
to_milliseconds(double seconds)
{
    double ms = seconds * 1000;
    return seconds < 0 ? -1 : ms > 1e9 ? 1000000000 : (int)(ms + 0.999);
}

/* Waits once; then it is to be looked again. 0 or -1. */
static int
wait_for_events(const struct pollfd *fds, size_t n, double left)
{
    for (size_t i = 0; i < n; i++) {
        if (fds[i].events != 0 && !(fds[i].events & USUAL_EVENTS) &&
            (left < 0 || left > LOOK_SECONDS)) {
            left = LOOK_SECONDS;
        }
    }
    return green_wait_fds(fds, n, left) < 0 ? -1 : 0;
}

static int
look_and_wait(struct pollfd *fds, size_t n, double seconds)
{
    int64_t deadline = deadline_in(seconds);
    bool green = green_can_park();
    for (;;) {
        double left = deadline_left(deadline);
        int ready = look(fds, n, green ? 0 : to_milliseconds(left));
        if (ready != 0 || left == 0) {
            return ready;
        }
        if (green && wait_for_events(fds, n, left) < 0) {
            return -1;
        }
    }
}

static PyObject *
as_list(const struct pollfd *fds, size_t n)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < n; i++) {
        if (fds[i].revents == 0) {
            continue;
        }
        PyObject *pair = Py_BuildValue("(ii)", fds[i].fd,
                                       fds[i].revents & 0xffff);
        if (pair == NULL || PyList_Append(list, pair) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(pair);
    }
    return list;
}

/* Milliseconds: None and what is below 0 are without end. -2: exception. */
static double
read_timeout(PyObject *timeout)
{
    if (timeout == Py_None) {
        return -1;
    }
    double ms = PyFloat_AsDouble(timeout);
    if (ms == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_SetString(PyExc_TypeError,
                            "timeout must be an integer or None");
        }
        return -2;
    }
    return ms < 0 ? -1 : ms / 1000;
}

PyDoc_STRVAR(poll_doc,
             "poll(timeout=None)\n\n"
             "Waits until a descriptor is ready, or so many milliseconds. "
             "Returns a list of (fd, events).");

static PyObject *
poll_poll(PollObject *self, PyObject *args)
{
    PyObject *timeout = Py_None;
    if (!PyArg_UnpackTuple(args, "poll", 0, 1, &timeout)) {
        return NULL;
    }
    double seconds = read_timeout(timeout);
    if (seconds == -2) {
        return NULL;
    }
    if (self->polling) {
        PyErr_SetString(PyExc_RuntimeError, "concurrent poll() invocation");
        return NULL;
    }
    size_t n = self->n;
    struct pollfd *fds = PyMem_Malloc((n + 1) * sizeof(*fds));
    if (fds == NULL) {
        return PyErr_NoMemory();
    }
    if (n > 0) {
        memcpy(fds, self->fds, n * sizeof(*fds));
    }
    self->polling = true;
    int ready = look_and_wait(fds, n, seconds);
    self->polling = false;
    if (ready == 0 && seconds == 0) {
        ready = coop_let_others_run();
    }
    PyObject *list = ready < 0 ? NULL : as_list(fds, n);
    PyMem_Free(fds);
    return list;
}

static PyMethodDef poll_methods[] = {
    {"register", (PyCFunction)poll_register, METH_VARARGS, register_doc},
    {"modify", (PyCFunction)poll_modify, METH_VARARGS, modify_doc},
    {"unregister", (PyCFunction)poll_unregister, METH_O, unregister_doc},
    {"poll", (PyCFunction)poll_poll, METH_VARARGS, poll_doc},
    {NULL},
};

PyDoc_STRVAR(type_doc, "poll()\n\nselect.poll(), which lets the other green "
                       "threads run.");

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)type_doc},
    {Py_tp_new, poll_new},
    {Py_tp_dealloc, poll_dealloc},
    {Py_tp_methods, poll_methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "_locust.poll",
    .basicsize = sizeof(PollObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int
poll_module_exec(PyObject *module)
{
    Poll_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Poll_Type == NULL ? -1 : PyModule_AddType(module, Poll_Type);
}
