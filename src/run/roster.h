/*
 * What stands between UsersDispatcher and src/run/dispatch.h: Python speaks of
 * classes and worker nodes, the core of their places in two lists. Here the
 * lists are made, in the order that Locust gives them, and what the core has
 * placed is told in Python's terms.
 *
 * Lists are lists, in the core's order. Functions that return objects give a
 * new reference, or NULL with an exception set; so do those that return int,
 * with -1.
 */
#ifndef LOCUST_RUN_ROSTER_H
#define LOCUST_RUN_ROSTER_H

#include <Python.h>

struct dispatch;
struct dispatch_class;

/* Classes in a new list, sorted by __name__. */
PyObject *roster_by_name(PyObject *classes);

/* AssertionError unless there is a class, and none of them twice. */
int roster_check_classes(PyObject *classes);

/* Every class as the core wants it, those barred that are not among the
   allowed: an array for PyMem_Free(). */
struct dispatch_class *roster_read_classes(PyObject *classes,
                                           PyObject *allowed);

/* Nodes in a new list, in turn order. Each is told its _index_within_host. */
PyObject *roster_in_turn_order(PyObject *nodes);

/* The nodes in a new list, but for those with the id of this one. */
PyObject *roster_without(PyObject *nodes, PyObject *node);

/* That attribute of each item. */
PyObject *roster_attributes(PyObject *list, PyObject *name);

/* A dict: worker id -> class name -> users. */
PyObject *roster_counts(PyObject *nodes, PyObject *class_names,
                        const struct dispatch *core);

/* Everybody who was placed, in that order: a list of (node, class name). */
PyObject *roster_placed(PyObject *nodes, PyObject *class_names,
                        const struct dispatch *core);

/* itertools.cycle over the nodes, beginning with the one whose turn it is. */
PyObject *roster_node_cycle(PyObject *nodes, const struct dispatch *core);

#endif
