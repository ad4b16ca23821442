/*
 * Exceptions that end here are logged as Locust logs them: a line and the
 * traceback in one message, as log files and tests expect it.
 */
#include "event/log.h"

#include "base/names.h"
#include "base/pycompat.h"

static PyObject *
get_logger(const char *name)
{
    PyObject *logging = PyImport_ImportModule("logging");
    if (logging == NULL) {
        return NULL;
    }
    PyObject *logger =
        name != NULL ? PyObject_CallMethod(logging, "getLogger", "s", name)
                     : PyObject_CallMethod(logging, "getLogger", NULL);
    Py_DECREF(logging);
    return logger;
}

static PyObject *
format_traceback(PyObject *exception)
{
    PyObject *module = PyImport_ImportModule("traceback");
    if (module == NULL) {
        return NULL;
    }
    PyObject *lines =
        PyObject_CallMethod(module, "format_exception", "O", exception);
    PyObject *text = lines ? PyUnicode_Join(names.empty, lines) : NULL;
    Py_XDECREF(lines);
    Py_DECREF(module);
    return text;
}

int
log_exception(const char *name, const char *text, PyObject *exception)
{
    PyObject *outer = PyErr_GetHandledException();
    PyErr_SetHandledException(exception);
    PyObject *logger = get_logger(name);
    PyObject *tb = logger != NULL ? format_traceback(exception) : NULL;
    PyObject *line = tb == NULL     ? NULL
                     : text != NULL ? PyUnicode_FromString(text)
                                    : Py_NewRef(exception);
    PyObject *r = NULL;
    if (line != NULL) {
        r = PyObject_CallMethod(logger, "error", "sOO", "%s\n%s", line, tb);
    }
    Py_XDECREF(line);
    Py_XDECREF(tb);
    Py_XDECREF(logger);
    PyErr_SetHandledException(outer);
    Py_XDECREF(outer);
    return drop_result(r);
}
