/*
 * What Python calls of the hub: sleeping, waiting for descriptors, who runs.
 */
#include "config.h"
#include "green/green.h"

#include "base/lookup.h"
#include "base/pycompat.h"
#include "green/internal.h"

unsigned long
green_ident(void)
{
    /* In a forked child the main one may be another, which keeps its number. */
    struct green *g = green_current();
    return g == NULL || g->stack == NULL ? PyThread_get_thread_ident()
                                         : (unsigned long)(uintptr_t)g;
}

PyDoc_STRVAR(green_py_sleep_doc,
             "sleep(seconds=0, ref=True)\n\n"
             "Lets the other green threads run for at least so long; with 0 "
             "or less, once.\nOn any other OS thread it is the ordinary "
             "time.sleep().");

/* time.sleep as Python had it, for threads that are not the hub's. */
static PyObject *original_sleep;

/* gevent.sleep() takes its arguments by name as well: seconds, and ref, which
   means nothing here. Makes args those without the names. 0 or -1. */
static int
take_named(PyObject *const **args, Py_ssize_t *n, PyObject *keywords)
{
    Py_ssize_t named = keywords != NULL ? PyTuple_GET_SIZE(keywords) : 0;
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, i);
        if (*n == 0 &&
            PyUnicode_CompareWithASCIIString(name, "seconds") == 0) {
            *args += i;
            *n = 1;
            return 0;
        }
        if (PyUnicode_CompareWithASCIIString(name, "ref") != 0) {
            PyErr_Format(PyExc_TypeError,
                         "sleep() got an unexpected keyword argument '%U'",
                         name);
            return -1;
        }
    }
    *n = *n > 1 && named == 0 ? 1 : *n;
    return 0;
}

static PyObject *
green_py_sleep(PyObject *module, PyObject *const *args, Py_ssize_t n,
               PyObject *keywords)
{
    if (n > 2) {
        PyErr_Format(PyExc_TypeError,
                     "sleep() takes at most 2 arguments (%zd given)", n);
        return NULL;
    }
    if ((keywords != NULL || n > 1) && take_named(&args, &n, keywords) < 0) {
        return NULL;
    }
    if (green_current() == NULL || interpreter_is_finalizing()) {
        return PyObject_Vectorcall(original_sleep, args, n, NULL);
    }
    double seconds = n == 0 ? 0 : PyFloat_AsDouble(args[0]);
    if ((seconds == -1.0 && PyErr_Occurred()) || green_sleep(seconds) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(green_py_getcurrent_doc,
             "getcurrent()\n\nThe green thread that runs.");

static PyObject *
green_py_getcurrent(PyObject *module, PyObject *unused)
{
    struct green *g = green_current();
    if (g == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "this OS thread runs no green threads");
    }
    return Py_XNewRef((PyObject *)g);
}

PyDoc_STRVAR(green_py_wait_fd_doc,
             "wait_fd(fd, events, timeout=None)\n\n"
             "Waits until fd is readable (1), writable (2) or either (3). "
             "Returns what it is, 0 when time is up.");

static PyObject *
green_py_wait_fd(PyObject *module, PyObject *args)
{
    int fd, events;
    PyObject *timeout = NULL;
    if (!PyArg_ParseTuple(args, "ii|O", &fd, &events, &timeout)) {
        return NULL;
    }
    if (events < 1 || events > 3) {
        PyErr_SetString(PyExc_ValueError, "events must be 1, 2 or 3");
        return NULL;
    }
    double seconds = green_timeout(timeout);
    int r = seconds == -2 ? -1 : green_wait_fd(fd, events, seconds);
    return r < 0 ? NULL : PyLong_FromLong(r & (EV_READ | EV_WRITE));
}

PyDoc_STRVAR(green_py_park_doc,
             "park()\n\nWaits until somebody calls wake() for the current "
             "green thread.");

static PyObject *
green_py_park(PyObject *module, PyObject *unused)
{
    return green_park() < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(green_py_wake_doc,
             "wake(greenlet)\n\n"
             "Lets one go on that is in park(): it runs next. One that waits "
             "in anything else must not be woken.");

static PyObject *
green_py_wake(PyObject *module, PyObject *object)
{
    if (!PyObject_TypeCheck(object, Green_Type)) {
        PyErr_SetString(PyExc_TypeError, "wake() needs a Greenlet");
        return NULL;
    }
    green_ready((struct green *)object);
    hub_hurry((struct green *)object);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(green_py_may_wait_doc,
             "may_wait()\n\n"
             "Whether this is a green thread, and not a callback of the "
             "event loop.");

static PyObject *
green_py_may_wait(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(green_current() != NULL && !hub.in_callback);
}

PyDoc_STRVAR(green_py_get_main_doc,
             "get_main()\n\nThe green thread on the OS thread's own stack.");

static PyObject *
green_py_get_main(PyObject *module, PyObject *unused)
{
    return Py_NewRef((PyObject *)hub.main);
}

PyDoc_STRVAR(green_py_get_ident_doc,
             "get_ident()\n\n"
             "The number of whoever runs: a green thread's own, or the OS "
             "thread's.");

static PyObject *
green_py_get_ident(PyObject *module, PyObject *unused)
{
    return PyLong_FromUnsignedLong(green_ident());
}

PyDoc_STRVAR(green_py_is_hub_thread_doc,
             "is_hub_thread()\n\n"
             "Whether this OS thread is the one of all green threads.");

static PyObject *
green_py_is_hub_thread(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(green_current() != NULL);
}

PyDoc_STRVAR(green_py_interrupt_doc,
             "interrupt(signum, frame)\n\n"
             "A handler for SIGINT: raises KeyboardInterrupt in the main "
             "green thread, whichever one the signal met.");

static PyObject *
green_py_interrupt(PyObject *module, PyObject *args)
{
    struct green *self = green_current();
    if (self == NULL || self == hub.main || hub.in_callback) {
        PyErr_SetNone(PyExc_KeyboardInterrupt);
        return NULL;
    }
    if (green_throw(hub.main, PyExc_KeyboardInterrupt) < 0) {
        return NULL;
    }
    /* The one that was interrupted may never wait of its own accord; nor may
       those that are ready. */
    hub_hurry(hub.main);
    if (green_sleep(0) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

#define FUNCTION(name, function, flags) \
    {name, (PyCFunction)(void (*)(void))function, flags, function##_doc}

static PyMethodDef functions[] = {
    FUNCTION("sleep", green_py_sleep, METH_FASTCALL | METH_KEYWORDS),
    FUNCTION("getcurrent", green_py_getcurrent, METH_NOARGS),
    FUNCTION("get_ident", green_py_get_ident, METH_NOARGS),
    FUNCTION("is_hub_thread", green_py_is_hub_thread, METH_NOARGS),
    FUNCTION("get_main", green_py_get_main, METH_NOARGS),
    FUNCTION("may_wait", green_py_may_wait, METH_NOARGS),
    FUNCTION("park", green_py_park, METH_NOARGS),
    FUNCTION("wake", green_py_wake, METH_O),
    FUNCTION("wait_fd", green_py_wait_fd, METH_VARARGS),
    FUNCTION("interrupt", green_py_interrupt, METH_VARARGS),
    {NULL},
};

/* Keeps _thread.start_new_thread as Python has it, for who wants a thread of
   the OS. */
static int
keep_thread_start(PyObject *module)
{
    PyObject *start = lookup("_thread", "start_new_thread");
    int result = start == NULL ? -1
                               : PyModule_AddObjectRef(
                                     module, "start_os_thread", start);
    Py_XDECREF(start);
    return result;
}

int
functions_module_exec(PyObject *module)
{
    original_sleep = lookup("time", "sleep");
    PyObject *ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
    if (original_sleep == NULL || keep_thread_start(module) < 0 ||
        PyModule_AddObjectRef(module, "main_ident", ident) < 0) {
        Py_XDECREF(ident);
        return -1;
    }
    Py_XDECREF(ident);
    return PyModule_AddFunctions(module, functions);
}
