/*
 * Group: a set of green threads that are waited for and killed together.
 * The dead leave by themselves.
 */
#ifndef LOCUST_GREEN_GROUP_H
#define LOCUST_GREEN_GROUP_H

#include "green/green.h"

extern PyTypeObject *Group_Type;

/* A new, empty group, or NULL with an exception set. */
PyObject *group_new(void);

/* Makes a green thread a member until its death. 0 or -1. */
int group_add(PyObject *group, struct green *g);

Py_ssize_t group_size(PyObject *group);

/* The members at this moment: a new list. */
PyObject *group_members(PyObject *group);

/* Waits until the group is empty. Parks. 1: empty, 0: time is up, -1. */
int group_join(PyObject *group, double timeout);

/* Throws GreenletExit into every member; waits for their death if block.
   The current green thread comes last, as the exception is then its own:
   -1 with it set. Parks. */
int group_kill(PyObject *group, bool block);

/* Adds the type to the module. 0 or -1. */
int group_module_exec(PyObject *module);

#endif
