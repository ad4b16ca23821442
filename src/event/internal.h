/*
 * What the files of this room share among themselves and nobody else needs.
 */
#ifndef LOCUST_EVENT_INTERNAL_H
#define LOCUST_EVENT_INTERNAL_H

#include "event/event.h"

typedef struct {
    PyObject_HEAD
    PyObject *handlers;         /* a list, or whatever a user assigned */
    PyObject *dict, *weakrefs;
} HookObject;

/* Calls one handler with what is being fired. 0 or -1. */
typedef int (*handler_call)(PyObject *handler, void *what);

/* Calls all handlers of a hook, by the rules for their exceptions. 0 or -1. */
int hook_each(HookObject *hook, bool reverse, handler_call call, void *what);

/* Whether a hook's fire() is our own: 1 or 0, -1 with an exception set. */
int hook_is_native(PyObject *hook);

/* The method EventHook.measure(). */
PyObject *hook_measure(PyObject *hook, PyObject *args, PyObject *kwargs);

int measure_exec(PyObject *module);
int request_exec(PyObject *module);

#endif
