/*
 * UsersDispatcher: the Python type around src/run/dispatch.h. It knows names,
 * worker nodes and the clock.
 */
#ifndef LOCUST_RUN_DISPATCHER_H
#define LOCUST_RUN_DISPATCHER_H

#include <Python.h>

struct dispatch;

extern PyTypeObject *UsersDispatcher_Type;

/* An iterator that gives, without end, what is chosen next out of values, a
   list; None when there is nothing to choose. Takes what core holds, also when
   it fails. New reference or NULL. */
PyObject *choices_new(PyObject *values, struct dispatch *core);

/* Adds the types and functions to the module. 0 or -1. */
int dispatcher_module_exec(PyObject *module);
int choices_module_exec(PyObject *module);

#endif
