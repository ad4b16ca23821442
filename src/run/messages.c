/*
 * What a runner is told: messages, each type of which has one listener, and
 * exceptions of users, of which those with equal tracebacks count as one.
 */
#include "config.h"
#include "run/internal.h"

#include "base/names.h"

/* --- Messages. */

PyObject *
runner_register_message(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"msg_type", "listener", "concurrent", NULL};
    PyObject *type, *listener;
    int concurrent = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|p", keywords, &type,
                                     &listener, &concurrent)) {
        return NULL;
    }
    int known = PySequence_Contains(self->custom_messages, type);
    if (known != 0) {
        if (known > 0) {
            PyErr_Format(PyExc_Exception,
                         "Tried to register listener method for %S, but it "
                         "already had a listener!",
                         type);
        }
        return NULL;
    }
    PyObject *entry =
        Py_BuildValue("(OO)", listener, concurrent ? Py_True : Py_False);
    int failed = entry == NULL ||
                 PyObject_SetItem(self->custom_messages, type, entry) < 0;
    Py_XDECREF(entry);
    if (failed) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
deliver(RunnerObject *self, PyObject *entry, PyObject *type, PyObject *data)
{
    PyObject *cls = lookup("locust.rpc.protocol", "Message");
    PyObject *msg =
        cls != NULL ? PyObject_CallFunction(cls, "OOs", type, data, "local")
                    : NULL;
    PyObject *listener =
        msg != NULL ? PySequence_GetItem(entry, 0) : NULL;
    PyObject *kwargs =
        listener == NULL
            ? NULL
            : Py_BuildValue("{sOsO}", "environment", self->environment,
                            "msg", msg);
    PyObject *r = kwargs == NULL
                      ? NULL
                      : PyObject_VectorcallDict(listener, NULL, 0, kwargs);
    Py_XDECREF(kwargs);
    Py_XDECREF(listener);
    Py_XDECREF(msg);
    Py_XDECREF(cls);
    return r;
}

PyObject *
runner_send_locally(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"msg_type", "data", "client_id", NULL};
    PyObject *type, *data = Py_None, *client_id = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO", keywords, &type,
                                     &data, &client_id)) {
        return NULL;
    }
    PyObject *custom = self->custom_messages;
    int known = PySequence_Contains(custom, type);
    if (known > 0) {
        PyObject *entry = PyObject_GetItem(custom, type);
        PyObject *r =
            entry != NULL ? deliver(self, entry, type, data) : NULL;
        Py_XDECREF(entry);
        Py_XDECREF(r);
        known = r == NULL ? -1 : 1;
    }
    else if (known == 0) {
        known = log_line("locust.runners", "warning",
                        "Unknown message type received: %S", type);
    }
    if (known < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* --- Exceptions of users. */

/* The row of self.exceptions for a traceback, made if need be: borrowed. */
static PyObject *
exception_row(RunnerObject *self, PyObject *msg, PyObject *tb)
{
    if (self->exceptions == NULL || !PyDict_Check(self->exceptions)) {
        PyErr_SetString(PyExc_TypeError, "runner.exceptions must be a dict");
        return NULL;
    }
    Py_hash_t hash = PyObject_Hash(tb);
    PyObject *key = hash == -1 ? NULL : PyLong_FromSsize_t(hash);
    PyObject *row = NULL;
    if (key != NULL) {
        row = PyDict_GetItemWithError(self->exceptions, key);
        if (row == NULL && !PyErr_Occurred()) {
            PyObject *fresh =
                Py_BuildValue("{sisOsOsN}", "count", 0, "msg", msg,
                              "traceback", tb, "nodes", PySet_New(NULL));
            if (fresh != NULL &&
                PyDict_SetItem(self->exceptions, key, fresh) == 0) {
                row = fresh;
            }
            Py_XDECREF(fresh);
        }
        Py_DECREF(key);
    }
    return row;
}

PyObject *
runner_log_exception(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"node_id", "msg", "formatted_tb", NULL};
    PyObject *node, *msg, *tb;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO", keywords, &node,
                                     &msg, &tb)) {
        return NULL;
    }
    PyObject *row = exception_row(self, msg, tb);
    PyObject *count =
        row != NULL ? PyDict_GetItemWithError(row, names.count) : NULL;
    PyObject *nodes =
        row != NULL ? PyDict_GetItemWithError(row, names.nodes) : NULL;
    if (count == NULL || nodes == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_KeyError, "count and nodes");
        }
        return NULL;
    }
    PyObject *more = PyLong_FromLong(PyLong_AsLong(count) + 1);
    int failed = more == NULL || PyDict_SetItem(row, names.count, more) < 0 ||
                 PySet_Add(nodes, node) < 0;
    Py_XDECREF(more);
    if (failed) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *
runner_on_user_error(RunnerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"user_instance", "exception", "tb", NULL};
    PyObject *user, *exception, *tb;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO", keywords, &user,
                                     &exception, &tb)) {
        return NULL;
    }
    PyObject *msg = PyObject_Str(exception);
    PyObject *trace = msg != NULL ? log_traceback("format_tb", tb) : NULL;
    PyObject *r = trace == NULL
                      ? NULL
                      : PyObject_CallMethod((PyObject *)self, "log_exception",
                                            "sOO", "local", msg, trace);
    Py_XDECREF(trace);
    Py_XDECREF(msg);
    return r;
}
