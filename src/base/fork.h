/* What is to be done around os.fork(). */
#ifndef LOCUST_BASE_FORK_H
#define LOCUST_BASE_FORK_H

#include <Python.h>

/* Registers functions (static; NULL: none) with os.register_at_fork(). They
   take no arguments. The first of those in a child are the first registered.
   0, or -1 with an exception set. */
int fork_register(PyMethodDef *before, PyMethodDef *in_parent,
                  PyMethodDef *in_child);

#endif
