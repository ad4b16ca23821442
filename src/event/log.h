/*
 * Python's logging for C code.
 */
#ifndef LOCUST_EVENT_LOG_H
#define LOCUST_EVENT_LOG_H

#include <Python.h>

/* Logs one line of text (NULL: str(exception)) and the exception's traceback
   at ERROR. logger is a name, NULL the root logger. The exception need not be
   pending; while it is logged it is what sys.exc_info() tells. 0, or -1 with
   an exception set. */
int log_exception(const char *logger, const char *text, PyObject *exception);

#endif
