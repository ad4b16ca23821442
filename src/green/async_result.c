/*
 * AsyncResult: one value, or one exception, that others wait for. gevent's
 * contract.
 */
#include "config.h"
#include "green/green.h"

#include <stddef.h>
#include <structmember.h>

#include "green/callback.h"
#include "green/internal.h"
#include "green/timeout.h"

typedef struct {
    PyObject_HEAD
    struct waitlist waiters;
    bool ready;
    PyObject *value;            /* NULL: none */
    PyObject *error;            /* instance or class; NULL: none */
    PyObject *exc_info;         /* tuple given with it, or NULL */
    PyObject *links;            /* list or NULL */
    PyObject *dict, *weakrefs;
} ResultObject;

static void
become_ready(ResultObject *self)
{
    self->ready = true;
    waitlist_wake_all(&self->waiters);
    links_call(&self->links, (PyObject *)self);
}

static void
succeed(ResultObject *self, PyObject *value)
{
    Py_XSETREF(self->value, Py_NewRef(value));
    Py_CLEAR(self->error);
    Py_CLEAR(self->exc_info);
    become_ready(self);
}

static void
fail(ResultObject *self, PyObject *error, PyObject *exc_info)
{
    Py_XSETREF(self->error, Py_NewRef(error));
    Py_XSETREF(self->exc_info, Py_XNewRef(exc_info));
    Py_CLEAR(self->value);
    become_ready(self);
}

static PyObject *
result_set(ResultObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"value", NULL};
    PyObject *value = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:set", keywords,
                                     &value)) {
        return NULL;
    }
    succeed(self, value);
    Py_RETURN_NONE;
}

static PyObject *
result_set_exception(ResultObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"exception", "exc_info", NULL};
    PyObject *error, *exc_info = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:set_exception",
                                     keywords, &error, &exc_info)) {
        return NULL;
    }
    if (!PyExceptionInstance_Check(error) && !PyExceptionClass_Check(error)) {
        PyErr_Format(PyExc_TypeError,
                     "an exception is needed, class or instance, not %.100s",
                     Py_TYPE(error)->tp_name);
        return NULL;
    }
    fail(self, error,
         exc_info != NULL && PyTuple_Check(exc_info) &&
                 PyTuple_GET_SIZE(exc_info) == 3
             ? exc_info
             : NULL);
    Py_RETURN_NONE;
}

/* Waits until it is ready. 1, 0: time is up, -1. */
static int
await(ResultObject *self, double seconds)
{
    if (self->ready) {
        return 1;
    }
    bool chosen;
    int late = waitlist_wait_anywhere(&self->waiters, seconds, &chosen);
    return late < 0 ? -1 : !late;
}

/* Raises what it failed with, with the traceback that came with it. */
static PyObject *
raise_error(ResultObject *self)
{
    if (self->exc_info != NULL) {
        PyObject *tb = PyTuple_GET_ITEM(self->exc_info, 2);
        if (PyExceptionInstance_Check(self->error) && tb != Py_None &&
            PyException_SetTraceback(self->error, tb) < 0) {
            return NULL;
        }
    }
    hub_raise(self->error);
    return NULL;
}

static PyObject *
outcome(ResultObject *self)
{
    return self->error != NULL ? raise_error(self)
                               : Py_XNewRef(self->value);
}

static PyObject *
result_get(ResultObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"block", "timeout", NULL};
    int block = 1;
    PyObject *timeout = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|pO:get", keywords,
                                     &block, &timeout)) {
        return NULL;
    }
    double seconds = block ? green_timeout(timeout) : 0;
    int ready = self->ready ? 1
                : seconds == -2 ? -1
                : !block ? 0
                         : await(self, seconds);
    if (ready == 0) {
        timeout_raise(seconds);
    }
    return ready > 0 ? outcome(self) : NULL;
}

static PyObject *
result_get_nowait(ResultObject *self, PyObject *unused)
{
    if (!self->ready) {
        timeout_raise(0);
        return NULL;
    }
    return outcome(self);
}

static PyObject *
result_wait(ResultObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"timeout", NULL};
    PyObject *timeout = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:wait", keywords,
                                     &timeout)) {
        return NULL;
    }
    double seconds = green_timeout(timeout);
    if (seconds == -2 || await(self, seconds) < 0) {
        return NULL;
    }
    return Py_NewRef(self->value != NULL ? self->value : Py_None);
}

static PyObject *
result_ready(ResultObject *self, PyObject *unused)
{
    return PyBool_FromLong(self->ready);
}

static PyObject *
result_successful(ResultObject *self, PyObject *unused)
{
    return PyBool_FromLong(self->ready && self->error == NULL);
}

static PyObject *
result_false(ResultObject *self, PyObject *unused)
{
    Py_RETURN_FALSE;
}

static PyObject *
result_rawlink(ResultObject *self, PyObject *callback)
{
    if (links_add(&self->links, callback) < 0) {
        return NULL;
    }
    if (self->ready) {
        links_call(&self->links, (PyObject *)self);
    }
    Py_RETURN_NONE;
}

static PyObject *
result_unlink(ResultObject *self, PyObject *callback)
{
    return links_remove(&self->links, callback) < 0 ? NULL
                                                    : Py_NewRef(Py_None);
}

/* Takes over what another one, or a Greenlet, came to: it can be linked. */
static PyObject *
result_call(ResultObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *source, *value = NULL, *error = NULL;
    if (!PyArg_ParseTuple(args, "O", &source)) {
        return NULL;
    }
    PyObject *success = PyObject_CallMethod(source, "successful", NULL);
    int succeeded = success == NULL ? -1 : PyObject_IsTrue(success);
    Py_XDECREF(success);
    if (succeeded > 0 &&
        (value = PyObject_GetAttrString(source, "value")) != NULL) {
        succeed(self, value);
    }
    else if (succeeded == 0 && (error = PyObject_GetAttrString(
                                    source, "exception")) != NULL) {
        PyObject *info = PyObject_GetAttrString(source, "exc_info");
        PyErr_Clear();
        fail(self, error, info != NULL && PyTuple_Check(info) &&
                                  PyTuple_GET_SIZE(info) == 3
                              ? info
                              : NULL);
        Py_XDECREF(info);
    }
    Py_XDECREF(value);
    Py_XDECREF(error);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *
get_value(ResultObject *self, void *unused)
{
    return Py_NewRef(self->value != NULL ? self->value : Py_None);
}

static PyObject *
get_exception(ResultObject *self, void *unused)
{
    return Py_NewRef(self->error != NULL ? self->error : Py_None);
}

static PyObject *
get_exc_info(ResultObject *self, void *unused)
{
    if (self->exc_info != NULL) {
        return Py_NewRef(self->exc_info);
    }
    if (self->error == NULL) {
        return PyTuple_New(0);
    }
    bool instance = PyExceptionInstance_Check(self->error);
    PyObject *tb = instance ? PyException_GetTraceback(self->error) : NULL;
    return Py_BuildValue("(OON)",
                         instance ? (PyObject *)Py_TYPE(self->error)
                                  : self->error,
                         self->error, tb != NULL ? tb : Py_NewRef(Py_None));
}

static PyObject *
result_repr(ResultObject *self)
{
    const char *name = _PyType_Name(Py_TYPE(self));
    if (self->error != NULL) {
        return PyUnicode_FromFormat("<%s at %p exception=%R>", name, self,
                                    self->error);
    }
    if (self->ready) {
        return PyUnicode_FromFormat("<%s at %p value=%R>", name, self,
                                    self->value);
    }
    return PyUnicode_FromFormat("<%s at %p unset>", name, self);
}

static int
result_traverse(ResultObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->value);
    Py_VISIT(self->error);
    Py_VISIT(self->exc_info);
    Py_VISIT(self->links);
    Py_VISIT(self->dict);
    return 0;
}

static int
result_clear(ResultObject *self)
{
    Py_CLEAR(self->value);
    Py_CLEAR(self->error);
    Py_CLEAR(self->exc_info);
    Py_CLEAR(self->links);
    Py_CLEAR(self->dict);
    return 0;
}

static void
result_dealloc(ResultObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    result_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

#define KEYWORDS(function) \
    (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS
#define PLAIN(function) (PyCFunction)function, METH_NOARGS

PyDoc_STRVAR(get_doc,
             "get(block=True, timeout=None)\n\n"
             "Waits for it. The value, or raises the exception; a Timeout if "
             "time is up.");

static PyMethodDef result_methods[] = {
    {"set", KEYWORDS(result_set), "set(value=None)\n\nWakes all who wait."},
    {"set_result", KEYWORDS(result_set), "The same."},
    {"set_exception", KEYWORDS(result_set_exception),
     "set_exception(exception, exc_info=None)\n\nAs set(); get() raises it."},
    {"get", KEYWORDS(result_get), get_doc},
    {"get_nowait", PLAIN(result_get_nowait), "get(block=False)"},
    {"result", KEYWORDS(result_get), get_doc},
    {"wait", KEYWORDS(result_wait),
     "wait(timeout=None)\n\nWaits for it. The value, or None."},
    {"ready", PLAIN(result_ready), "Whether it is there."},
    {"done", PLAIN(result_ready), "Whether it is there."},
    {"successful", PLAIN(result_successful), "Whether it is a value."},
    {"cancel", PLAIN(result_false), "It cannot be: False."},
    {"cancelled", PLAIN(result_false), "It cannot be: False."},
    {"rawlink", (PyCFunction)result_rawlink, METH_O,
     "rawlink(callback)\n\nCalls callback(self) when it is there."},
    {"unlink", (PyCFunction)result_unlink, METH_O,
     "unlink(callback)\n\nUndoes rawlink()."},
    {NULL},
};

static PyGetSetDef result_getset[] = {
    {"value", (getter)get_value, NULL, "The value, or None.", NULL},
    {"exception", (getter)get_exception, NULL, "The exception, or None.",
     NULL},
    {"exc_info", (getter)get_exc_info, NULL,
     "Type, exception and traceback, or nothing.", NULL},
    {NULL},
};

static PyMemberDef result_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(ResultObject, dict), READONLY},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ResultObject, weakrefs),
     READONLY},
    {NULL},
};

static PyType_Slot result_slots[] = {
    {Py_tp_doc, "One value, or one exception, that others wait for."},
    {Py_tp_traverse, result_traverse},
    {Py_tp_clear, result_clear},
    {Py_tp_dealloc, result_dealloc},
    {Py_tp_repr, result_repr},
    {Py_tp_call, result_call},
    {Py_tp_methods, result_methods},
    {Py_tp_getset, result_getset},
    {Py_tp_members, result_members},
    {0, NULL},
};

static PyType_Spec result_spec = {
    .name = "_locust.AsyncResult",
    .basicsize = sizeof(ResultObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = result_slots,
};

int
async_result_module_exec(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&result_spec);
    int result = type == NULL ? -1
                              : PyModule_AddType(module, (PyTypeObject *)type);
    Py_XDECREF(type);
    return result;
}
