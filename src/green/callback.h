/*
 * Calls of Python functions that are due: what gevent says the hub calls.
 *
 * They run one after the other in a green thread of their own, the one that
 * get_hub() returns. They cannot wait there.
 */
#ifndef LOCUST_GREEN_CALLBACK_H
#define LOCUST_GREEN_CALLBACK_H

#include "green/green.h"

/* Calls callable(*args) soon (args: a tuple; NULL: none). Any OS thread that
   has the GIL. Returns the call, a new reference to an object with stop() and
   pending, or NULL with an exception set. */
PyObject *hub_call_soon(PyObject *callable, PyObject *args);

/* The green thread of the calls, started if need be; borrowed. NULL with an
   exception set. The hub's thread only. */
struct green *hub_caller(void);

/* --- What is to be called when an object becomes ready (rawlink()): a list,
   or NULL. Whoever owns the object owns it. */

/* 0, or -1 with an exception set. */
int links_add(PyObject **links, PyObject *callback);

/* Takes out the first that is equal; no matter if there is none. 0 or -1. */
int links_remove(PyObject **links, PyObject *callback);

/* Has all called soon, with the object, once. */
void links_call(PyObject **links, PyObject *object);

#endif
