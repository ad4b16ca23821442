/*
 * Python's logging for C code. Exceptions that end here are logged as Locust
 * logs them: a line and the traceback in one message, as log files and tests
 * expect it.
 */
#include "event/log.h"

#include <stdarg.h>

#include "base/lookup.h"
#include "base/names.h"
#include "base/pycompat.h"

static PyObject *
get_logger(const char *name)
{
    PyObject *get = lookup("logging", "getLogger");
    PyObject *logger = NULL;
    if (get != NULL) {
        logger = name == NULL ? PyObject_CallNoArgs(get)
                              : PyObject_CallFunction(get, "s", name);
        Py_DECREF(get);
    }
    return logger;
}

int
log_is_wanted(const char *name, int level)
{
    PyObject *logger = get_logger(name);
    PyObject *r =
        logger ? PyObject_CallMethod(logger, "isEnabledFor", "i", level)
               : NULL;
    int wanted = r == NULL ? -1 : PyObject_IsTrue(r);
    Py_XDECREF(logger);
    Py_XDECREF(r);
    return wanted;
}

int
log_line(const char *name, const char *level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *text = PyUnicode_FromFormatV(format, args);
    va_end(args);
    PyObject *logger = text != NULL ? get_logger(name) : NULL;
    PyObject *r = NULL;
    if (logger != NULL) {
        r = PyObject_CallMethod(logger, level, "O", text);
    }
    Py_XDECREF(logger);
    Py_XDECREF(text);
    return drop_result(r);
}

PyObject *
log_traceback(const char *name, PyObject *object)
{
    PyObject *function = lookup("traceback", name);
    PyObject *lines =
        function != NULL ? PyObject_CallOneArg(function, object) : NULL;
    PyObject *text =
        lines != NULL ? PyUnicode_Join(names.empty, lines) : NULL;
    Py_XDECREF(lines);
    Py_XDECREF(function);
    return text;
}

int
log_exception(const char *name, const char *text, PyObject *exception)
{
    PyObject *outer = PyErr_GetHandledException();
    PyErr_SetHandledException(exception);
    PyObject *logger = get_logger(name);
    PyObject *tb = logger != NULL
                       ? log_traceback("format_exception", exception)
                       : NULL;
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
