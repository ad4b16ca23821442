/*
 * What the runners say and ask in Python: logging, constants that users may
 * reassign, and what happens when one of their green threads fails.
 */
#include "config.h"
#include "run/internal.h"

#include <stdarg.h>

#include "base/names.h"

PyObject *
run_lookup(const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module);
    PyObject *value = m != NULL ? PyObject_GetAttrString(m, name) : NULL;
    Py_XDECREF(m);
    return value;
}

static PyObject *
get_logger(const char *name)
{
    PyObject *get = run_lookup("logging", "getLogger");
    PyObject *logger = NULL;
    if (get != NULL) {
        logger = *name == '\0' ? PyObject_CallNoArgs(get)
                               : PyObject_CallFunction(get, "s", name);
        Py_DECREF(get);
    }
    return logger;
}

int
run_log(const char *logger_name, const char *level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *text = PyUnicode_FromFormatV(format, args);
    va_end(args);
    PyObject *logger = text != NULL ? get_logger(logger_name) : NULL;
    PyObject *r = NULL;
    if (logger != NULL) {
        r = PyObject_CallMethod(logger, level, "O", text);
        Py_DECREF(logger);
    }
    Py_XDECREF(text);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

int
run_debugging(void)
{
    PyObject *logger = get_logger("locust.runners");
    if (logger == NULL) {
        return -1;
    }
    PyObject *r = PyObject_CallMethod(logger, "isEnabledFor", "i", 10);
    Py_DECREF(logger);
    int enabled = r == NULL ? -1 : PyObject_IsTrue(r);
    Py_XDECREF(r);
    return enabled;
}

int
run_fire(PyObject *environment, PyObject *event, PyObject *kwargs)
{
    PyObject *events = PyObject_GetAttr(environment, names.events);
    PyObject *hook = events != NULL ? PyObject_GetAttr(events, event) : NULL;
    PyObject *fire = hook != NULL ? PyObject_GetAttr(hook, names.fire) : NULL;
    PyObject *r = NULL;
    if (fire != NULL) {
        r = PyObject_VectorcallDict(fire, NULL, 0, kwargs);
    }
    Py_XDECREF(fire);
    Py_XDECREF(hook);
    Py_XDECREF(events);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

int
run_fire_environment(PyObject *environment, PyObject *event)
{
    PyObject *kwargs = PyDict_New();
    int result = -1;
    if (kwargs != NULL &&
        PyDict_SetItem(kwargs, names.environment, environment) == 0) {
        result = run_fire(environment, event, kwargs);
    }
    Py_XDECREF(kwargs);
    return result;
}

PyObject *
run_json(PyObject *value, bool sort)
{
    PyObject *dumps = run_lookup("json", "dumps");
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

/* The error indicator as one exception instance with its traceback. */
static PyObject *
fetch_error(void)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyErr_NormalizeException(&type, &value, &tb);
    if (tb != NULL) {
        PyException_SetTraceback(value, tb);
    }
    Py_XDECREF(type);
    Py_XDECREF(tb);
    return value;
}

PyObject *
run_failed(PyObject *environment)
{
    if (PyErr_ExceptionMatches(Green_Exit)) {
        return NULL;
    }
    PyObject *error = fetch_error();
    PyObject *report =
        run_lookup("locust.runners", "_report_background_failure");
    PyObject *result = NULL;
    if (report != NULL) {
        result = PyObject_CallFunctionObjArgs(report, environment, error,
                                              NULL);
        Py_DECREF(report);
    }
    Py_XDECREF(error);
    return result;
}
