/*
 * Names of Python modules, as they are at this moment.
 */
#ifndef LOCUST_BASE_LOOKUP_H
#define LOCUST_BASE_LOOKUP_H

#include <Python.h>

/* An attribute of a module, which is imported if need be: users may have
   replaced it since the last time. New reference, or NULL with an exception
   set. */
PyObject *lookup(const char *module, const char *name);

#endif
