/*
 * _thread: starting threads, and waiting for their end.
 *
 * A thread that is started on the hub's OS thread is a green thread; one that
 * is started elsewhere is a real one. In either case the lock that
 * Thread.join() waits for is released here, at the end, and not by Python when
 * it deletes the thread's state: that would wake no green threads.
 */
#include "config.h"
#include "coop/internal.h"

#include "base/lookup.h"
#include "base/pycompat.h"
#include "green/green.h"

#define SENTINEL_KEY "_locust.sentinel"

static PyObject *original_start, *original_sentinel, *allocate_lock;

/* --- Their ends. */

/* Says that whoever runs was started here: None stands for no lock yet. */
static int
begin_thread(void)
{
    PyObject *dict = PyThreadState_GetDict();   /* borrowed */
    if (dict == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return PyDict_SetItemString(dict, SENTINEL_KEY, Py_None);
}

/* Lets those go on who wait for the end. */
static void
end_thread(void)
{
    PyObject *dict = PyThreadState_GetDict();   /* borrowed */
    PyObject *sentinel =
        dict == NULL ? NULL : PyDict_GetItemString(dict, SENTINEL_KEY);
    if (sentinel == NULL || sentinel == Py_None) {
        return;
    }
    Py_INCREF(sentinel);
    PyObject *locked = PyObject_CallMethod(sentinel, "locked", NULL);
    PyObject *r = locked == Py_True
                      ? PyObject_CallMethod(sentinel, "release", NULL)
                      : NULL;
    if (PyErr_Occurred()) {
        PyErr_WriteUnraisable(sentinel);
    }
    Py_XDECREF(r);
    Py_XDECREF(locked);
    Py_DECREF(sentinel);
}

/* What function was to do has failed. As in Python, SystemExit is nothing to be
   told about; nor is being killed. */
static void
report(PyObject *function)
{
    if (PyErr_ExceptionMatches(PyExc_SystemExit) ||
        PyErr_ExceptionMatches(Green_Exit)) {
        PyErr_Clear();
    }
    else {
        PyErr_WriteUnraisable(function);
    }
}

static void
run_thread(PyObject *function, PyObject *args, PyObject *kwargs)
{
    PyObject *r = begin_thread() < 0 ? NULL
                                     : PyObject_Call(function, args, kwargs);
    if (r == NULL) {
        report(function);
    }
    Py_XDECREF(r);
    end_thread();
}

PyDoc_STRVAR(set_sentinel_doc,
             "_set_sentinel()\n\nA lock that is released at the end of the "
             "thread that runs.");

static PyObject *
thread_set_sentinel(PyObject *module, PyObject *unused)
{
    PyObject *dict = PyThreadState_GetDict();   /* borrowed */
    if (dict == NULL || PyDict_GetItemString(dict, SENTINEL_KEY) == NULL) {
        return PyObject_CallNoArgs(original_sentinel);
    }
    PyObject *sentinel = PyObject_CallNoArgs(allocate_lock);
    if (sentinel != NULL &&
        PyDict_SetItemString(dict, SENTINEL_KEY, sentinel) < 0) {
        Py_CLEAR(sentinel);
    }
    return sentinel;
}

/* --- Their beginnings. */

static PyObject *
green_thread_body(struct green *self)
{
    PyObject *function = Py_NewRef(self->target);
    PyObject *args = Py_NewRef(self->args);
    PyObject *kwargs = Py_XNewRef(self->kwargs);
    run_thread(function, args, kwargs);
    Py_DECREF(function);
    Py_DECREF(args);
    Py_XDECREF(kwargs);
    Py_RETURN_NONE;
}

static PyObject *
start_green(PyObject *function, PyObject *args, PyObject *kwargs)
{
    struct green *g = green_new(NULL, green_thread_body, function, args);
    if (g == NULL) {
        return NULL;
    }
    g->kwargs = Py_XNewRef(kwargs);
    /* As green_ident() says it in there. */
    PyObject *ident =
        green_start(g) < 0 ? NULL : PyLong_FromVoidPtr(g);
    Py_DECREF(g);
    return ident;
}

/* What a real thread calls first. */
static PyObject *
real_thread_body(PyObject *module, PyObject *all)
{
    PyObject *function, *args, *kwargs = NULL;
    if (!PyArg_UnpackTuple(all, "run", 2, 3, &function, &args, &kwargs)) {
        return NULL;
    }
    run_thread(function, args, kwargs);
    Py_RETURN_NONE;
}

static PyMethodDef real_thread_body_def = {
    "run_thread", real_thread_body, METH_VARARGS,
    "What threads call that are started off the hub."};

static PyObject *
start_real(PyObject *all)
{
    PyObject *body = PyCFunction_New(&real_thread_body_def, NULL);
    PyObject *ident = body == NULL ? NULL : PyObject_CallFunctionObjArgs(
        original_start, body, all, NULL);
    Py_XDECREF(body);
    return ident;
}

PyDoc_STRVAR(start_new_thread_doc,
             "start_new_thread(function, args[, kwargs])\n\n"
             "Starts a thread, and returns its identifier.");

static PyObject *
thread_start_new(PyObject *module, PyObject *all)
{
    PyObject *function, *args, *kwargs = NULL;
    if (!PyArg_UnpackTuple(all, "start_new_thread", 2, 3, &function, &args,
                           &kwargs)) {
        return NULL;
    }
    if (!PyCallable_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "first arg must be callable");
        return NULL;
    }
    if (!PyTuple_Check(args)) {
        PyErr_SetString(PyExc_TypeError, "2nd arg must be a tuple");
        return NULL;
    }
    if (kwargs != NULL && !PyDict_Check(kwargs)) {
        PyErr_SetString(PyExc_TypeError,
                        "optional 3rd arg must be a dictionary");
        return NULL;
    }
    return green_current() != NULL ? start_green(function, args, kwargs)
                                   : start_real(all);
}

PyDoc_STRVAR(start_real_doc,
             "start_real_thread(function, args)\n\n"
             "Starts an OS thread, wherever it is called.");

static PyObject *
thread_start_real(PyObject *module, PyObject *all)
{
    PyObject *function, *args;
    if (!PyArg_ParseTuple(all, "OO!:start_real_thread", &function,
                          &PyTuple_Type, &args)) {
        return NULL;
    }
    return start_real(all);
}

static PyMethodDef functions[] = {
    {"start_real_thread", thread_start_real, METH_VARARGS, start_real_doc},
    {"thread_start_new", thread_start_new, METH_VARARGS,
     start_new_thread_doc},
    {"thread_set_sentinel", thread_set_sentinel, METH_NOARGS,
     set_sentinel_doc},
    {NULL},
};

int
thread_module_exec(PyObject *module)
{
    original_start = lookup("_thread", "start_new_thread");
    allocate_lock = lookup("_thread", "allocate_lock");
    original_sentinel = lookup("_thread", "_set_sentinel");
    if (original_sentinel == NULL &&
        PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();          /* since 3.13 there is none */
    }
    if (original_start == NULL || allocate_lock == NULL ||
        PyErr_Occurred()) {
        return -1;
    }
    return PyModule_AddFunctions(module, functions);
}
