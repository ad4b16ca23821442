/*
 * queue.SimpleQueue: get() waits in the parking lot while it is empty, and
 * put() wakes one of those who do.
 */
#include "config.h"
#include "coop/internal.h"

#include "base/lookup.h"
#include "green/green.h"

static PyObject *original_get, *original_put, *original_empty;

/* get(block=True, timeout=None): 1 if it may wait, with how long; 0 if the
   original is to see to it, which may be an error. */
static int
read_get_limits(PyObject *const *args, Py_ssize_t n, PyObject *kwnames,
                double *seconds)
{
    PyObject *given[2] = {Py_True, Py_None};
    if (n > 2) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        given[i] = args[i];
    }
    Py_ssize_t named = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *keyword = PyTuple_GET_ITEM(kwnames, i);
        if (PyUnicode_CompareWithASCIIString(keyword, "block") == 0) {
            given[0] = args[n + i];
        }
        else if (PyUnicode_CompareWithASCIIString(keyword, "timeout") == 0) {
            given[1] = args[n + i];
        }
        else {
            return 0;
        }
    }
    int block = PyObject_IsTrue(given[0]);
    *seconds = given[1] == Py_None ? -1 : PyFloat_AsDouble(given[1]);
    bool failed = PyErr_Occurred() != NULL;
    PyErr_Clear();
    return block == 1 && !failed && (given[1] == Py_None || *seconds > 0);
}

/* 1, 0 or -1 with an exception set. */
static int
is_empty(PyObject *self)
{
    PyObject *r = PyObject_CallOneArg(original_empty, self);
    int empty = r == NULL ? -1 : r == Py_True;
    Py_XDECREF(r);
    return empty;
}

static PyObject *
get_now(PyObject *self)
{
    PyObject *args[2] = {self, Py_False};
    return PyObject_Vectorcall(original_get, args, 2, NULL);
}

static PyObject *
queue_get(PyObject *self, PyObject *const *args, Py_ssize_t n,
          PyObject *kwnames)
{
    double seconds;
    if (green_current() == NULL ||
        !read_get_limits(args, n, kwnames, &seconds)) {
        return call_original(original_get, self, args, n, kwnames);
    }
    int64_t deadline = deadline_in(seconds);
    int empty;
    bool again = false;
    while ((empty = is_empty(self)) == 1 && !deadline_is_over(deadline)) {
        int r = lot_park(self, deadline_left(deadline), again);
        if (r < 0) {
            return NULL;
        }
        again = r == 0;
    }
    return empty < 0 ? NULL : get_now(self);
}

static PyObject *
queue_put(PyObject *self, PyObject *const *args, Py_ssize_t n,
          PyObject *kwnames)
{
    PyObject *r = call_original(original_put, self, args, n, kwnames);
    if (r != NULL) {
        lot_wake_one(self);
    }
    return r;
}

static struct replacement methods[] = {
    {METHOD("get", queue_get, FASTCALL_KEYWORDS), &original_get},
    {METHOD("put", queue_put, FASTCALL_KEYWORDS), &original_put},
    {METHOD("put_nowait", queue_put, FASTCALL_KEYWORDS), NULL},
    {METHOD("empty", NULL, METH_NOARGS), &original_empty},
    {{NULL}, NULL},
};

PyObject *
coop_patch_simple_queue(PyObject *module, PyObject *unused)
{
    if (original_get != NULL) {
        Py_RETURN_NONE;
    }
    PyObject *type = lookup("_queue", "SimpleQueue");
    int result = type == NULL
                     ? -1
                     : replace_methods((PyTypeObject *)type, methods);
    Py_XDECREF(type);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}
