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

/* The same, and starts it. One that cannot be started is no member. 0 or
   -1. */
int group_start(PyObject *group, struct green *g);

/* Takes one that died without telling anybody (in a forked child) out of its
   groups. */
void group_forget(struct green *g);

Py_ssize_t group_size(PyObject *group);

/* The members at this moment: a new list. */
PyObject *group_members(PyObject *group);

/* Waits until the group is empty. Parks. 1: empty, 0: time is up, -1. */
int group_join(PyObject *group, double timeout);

/* Without a time limit, a kill follows so often those that the dying add. */
enum { GROUP_KILL_ROUNDS = 100 };

/* Throws an exception into every member, once. With block it waits for their
   death, and does the same to those that are added meanwhile, until nobody is
   left (1), or so many seconds (negative: all rounds) are over (0). The
   current green thread comes last, as the exception is then its own: -1 with
   it set. Without block it gets it when it waits next. Parks. */
int group_kill(PyObject *group, PyObject *exception, bool block,
               double timeout);

/* Adds the type to the module. 0 or -1. */
int group_module_exec(PyObject *module);

#endif
