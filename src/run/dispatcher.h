/*
 * UsersDispatcher: the Python type around src/run/dispatch.h. It knows names,
 * worker nodes and the clock.
 */
#ifndef LOCUST_RUN_DISPATCHER_H
#define LOCUST_RUN_DISPATCHER_H

#include <Python.h>

extern PyTypeObject *UsersDispatcher_Type;

/* Adds the type to the module. 0 or -1. */
int dispatcher_module_exec(PyObject *module);

#endif
