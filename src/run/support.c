/*
 * What the runners say and ask in Python: logging, constants that users may
 * reassign, and what happens when one of their green threads fails.
 */
#include "config.h"
#include "run/internal.h"

#include "base/names.h"

int
run_debugging(void)
{
    return log_is_wanted("locust.runners", 10);
}

int
run_fire_environment(PyObject *environment, PyObject *event)
{
    PyObject *kwargs = PyDict_New();
    int result = -1;
    if (kwargs != NULL &&
        PyDict_SetItem(kwargs, names.environment, environment) == 0) {
        result = event_fire_of(environment, event, kwargs);
    }
    Py_XDECREF(kwargs);
    return result;
}

PyObject *
run_json(PyObject *value, bool sort)
{
    PyObject *dumps = lookup("json", "dumps");
    PyObject *args = dumps != NULL ? PyTuple_Pack(1, value) : NULL;
    PyObject *kwargs =
        args != NULL ? Py_BuildValue("{sO}", "sort_keys",
                                     sort ? Py_True : Py_False)
                     : NULL;
    PyObject *text =
        kwargs != NULL ? PyObject_Call(dumps, args, kwargs) : NULL;
    Py_XDECREF(kwargs);
    Py_XDECREF(args);
    Py_XDECREF(dumps);
    return text;
}

PyObject *
run_sum(PyObject *counts)
{
    PyObject *name, *count;
    Py_ssize_t at = 0;
    long sum = 0;
    while (PyDict_Next(counts, &at, &name, &count)) {
        sum += PyLong_AsLong(count);
    }
    return PyErr_Occurred() ? NULL : PyLong_FromLong(sum);
}

PyObject *
run_failed(PyObject *environment)
{
    if (PyErr_ExceptionMatches(Green_Exit)) {
        return NULL;
    }
    PyObject *error = error_take();
    PyObject *report =
        lookup("locust.runners", "_report_background_failure");
    PyObject *result = NULL;
    if (report != NULL) {
        result = PyObject_CallFunctionObjArgs(report, environment, error,
                                              NULL);
        Py_DECREF(report);
    }
    Py_XDECREF(error);
    return result;
}
