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

/* Logs logger.level(text), text made as PyUnicode_FromFormat does. logger is a
   name, NULL the root logger. 0 or -1. */
int log_line(const char *logger, const char *level, const char *format, ...);

/* Whether lines of a level (logging's numbers) are wanted. 1, 0 or -1. */
int log_is_wanted(const char *logger, int level);

/* What a function of Python's module traceback makes of an object, as one str:
   format_exception of an exception, format_tb of a traceback. New reference or
   NULL. */
PyObject *log_traceback(const char *function, PyObject *object);

#endif
