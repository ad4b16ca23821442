/*
 * Users and task sets: what the rest of the program needs of them.
 *
 * The classes that locustfiles derive from are Python classes over the two
 * native types here (pymod/locust/user), because their metaclasses are
 * Python's. All the work is done by the native types; every method that a
 * locustfile may override or replace is looked up when it is needed, and
 * costs no Python call when it is ours.
 */
#ifndef LOCUST_USER_USER_H
#define LOCUST_USER_USER_H

#include <Python.h>

#include <stdbool.h>

extern PyTypeObject *User_Type;         /* _locust.UserBase */
extern PyTypeObject *TaskSet_Type;      /* _locust.TaskSetBase */

/* Says that a user is being killed: should its task catch the GreenletExit,
   it stops before the next one. Ignores what is no User. */
void user_mark_killed(PyObject *user);

/* Whether it was killed and is in its task still (or in on_start()), not yet in
   on_stop(). */
bool user_is_marked_killed(PyObject *user);

/* Writes "class Shop, task buy" about the user that the current green thread
   runs, or an empty string. Only reads memory: safe in a signal handler.
   Returns buffer. */
const char *user_describe_current(char *buffer, size_t size);

/* Adds the types and functions of this room to the module. 0 or -1. */
int user_module_exec(PyObject *module);

#endif
