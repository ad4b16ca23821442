/*
 * EventHook.measure(): times a block of user code and reports it as a
 * request.
 *
 * A block that is left by GreenletExit is not reported: its user was told to
 * stop in the middle of the request, as when a request of the HTTP client is
 * cut short. Any other exception is reported as the request's failure; those
 * that are no Exception (gevent.Timeout) go on afterwards.
 *
 * One object is good for one block. As a decorator of a function it makes
 * another one like it for each call.
 */
#include "event/internal.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/lookup.h"
#include "base/names.h"
#include "base/pycompat.h"
#include "green/green.h"

typedef struct {
    PyObject_HEAD
    PyObject *hook;
    PyObject *args, *kwargs;    /* what measure() was called with; or NULL */
    PyObject *meta;             /* dict: what will be fired */
    int64_t started;            /* clock_ns() */
} MeasureObject;

static PyTypeObject *Measure_Type;

/* What the block may change before it is fired. */
static PyObject *
new_meta(PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"request_type", "name", "response_length",
                               "context", NULL};
    PyObject *type, *name, *length = NULL, *context = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|OO:measure", keywords,
                                     &type, &name, &length, &context)) {
        return NULL;
    }
    int given = context != NULL ? PyObject_IsTrue(context) : 0;
    if (given < 0) {
        return NULL;
    }
    PyObject *zero = PyLong_FromLong(0);
    PyObject *empty = given ? Py_NewRef(context) : PyDict_New();
    PyObject *meta = NULL;
    if (zero != NULL && empty != NULL) {
        meta = Py_BuildValue("{OOOOOOOOOO}", names.request_type, type,
                             names.name, name, names.response_length,
                             length ? length : zero, names.context, empty,
                             names.exception, Py_None);
    }
    Py_XDECREF(zero);
    Py_XDECREF(empty);
    return meta;
}

PyObject *
hook_measure(PyObject *hook, PyObject *args, PyObject *kwargs)
{
    PyObject *meta = new_meta(args, kwargs);
    MeasureObject *self =
        meta ? PyObject_GC_New(MeasureObject, Measure_Type) : NULL;
    if (self == NULL) {
        Py_XDECREF(meta);
        return NULL;
    }
    self->hook = Py_NewRef(hook);
    self->args = Py_NewRef(args);
    self->kwargs = Py_XNewRef(kwargs);
    self->meta = meta;
    self->started = 0;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* Stores a number under a key of the dict. Takes the reference to it. */
static int
set_number(MeasureObject *self, PyObject *key, PyObject *number)
{
    int result =
        number == NULL ? -1 : PyDict_SetItem(self->meta, key, number);
    Py_XDECREF(number);
    return result;
}

static PyObject *
measure_enter(MeasureObject *self, PyObject *unused)
{
    if (self->started != 0) {
        PyErr_SetString(PyExc_RuntimeError,
                        "this block has been measured: call measure() for "
                        "each one");
        return NULL;
    }
    if (set_number(self, names.start_time,
                   PyFloat_FromDouble(clock_wall())) < 0) {
        return NULL;
    }
    self->started = clock_ns();
    return Py_NewRef(self->meta);
}

static PyObject *
measure_exit(MeasureObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    double ms = (double)(clock_ns() - self->started) * 1e-6;
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "__exit__() takes 3 arguments");
        return NULL;
    }
    PyObject *error = args[1] != Py_None ? args[1] : args[0];
    if (error != Py_None) {
        if (PyErr_GivenExceptionMatches(error, Green_Exit)) {
            Py_RETURN_FALSE;
        }
        if (PyDict_SetItem(self->meta, names.exception, error) < 0) {
            return NULL;
        }
    }
    if (set_number(self, names.response_time, PyFloat_FromDouble(ms)) < 0 ||
        event_fire(self->hook, self->meta, false) < 0) {
        return NULL;
    }
    return PyBool_FromLong(
        error != Py_None &&
        PyErr_GivenExceptionMatches(error, PyExc_Exception));
}

/* --- As a decorator. */

static PyObject *
measure_call(MeasureObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"func", NULL};
    PyObject *function;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords,
                                     &function)) {
        return NULL;
    }
    PyObject *decorate = lookup("locust.event", "_measured");
    PyObject *result = decorate != NULL
                           ? PyObject_CallFunctionObjArgs(
                                 decorate, (PyObject *)self, function, NULL)
                           : NULL;
    Py_XDECREF(decorate);
    return result;
}

PyDoc_STRVAR(again_doc, "_again($self)\n--\n\nOne like it, for another block.");

static PyObject *
measure_again(MeasureObject *self, PyObject *unused)
{
    return hook_measure(self->hook, self->args, self->kwargs);
}

static int
measure_traverse(MeasureObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->hook);
    Py_VISIT(self->args);
    Py_VISIT(self->kwargs);
    Py_VISIT(self->meta);
    return 0;
}

static int
measure_clear(MeasureObject *self)
{
    Py_CLEAR(self->hook);
    Py_CLEAR(self->args);
    Py_CLEAR(self->kwargs);
    Py_CLEAR(self->meta);
    return 0;
}

static void
measure_dealloc(MeasureObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    measure_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMethodDef measure_methods[] = {
    {"__enter__", (PyCFunction)measure_enter, METH_NOARGS},
    {"__exit__", (PyCFunction)(void (*)(void))measure_exit, METH_FASTCALL},
    {"_again", (PyCFunction)measure_again, METH_NOARGS, again_doc},
    {NULL},
};

static PyType_Slot measure_slots[] = {
    {Py_tp_call, measure_call},
    {Py_tp_traverse, measure_traverse},
    {Py_tp_clear, measure_clear},
    {Py_tp_dealloc, measure_dealloc},
    {Py_tp_methods, measure_methods},
    {0, NULL},
};

static PyType_Spec measure_spec = {
    .name = "_locust.Measurement",
    .basicsize = sizeof(MeasureObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = measure_slots,
};

int
measure_exec(PyObject *module)
{
    Measure_Type = (PyTypeObject *)PyType_FromSpec(&measure_spec);
    return Measure_Type == NULL ? -1 : PyModule_AddType(module, Measure_Type);
}
