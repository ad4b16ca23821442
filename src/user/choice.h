/*
 * Random choices with Python's global generator, so that a locustfile that
 * seeds it sees the same run again.
 */
#ifndef LOCUST_USER_CHOICE_H
#define LOCUST_USER_CHOICE_H

#include <Python.h>

/* random.choice(sequence). New reference, or NULL with an exception set. */
PyObject *choice_pick(PyObject *sequence);

/* random.random() as a C double; -1 with an exception set on failure. */
double choice_fraction(void);

/* random.randint(low, high). */
PyObject *choice_integer(PyObject *low, PyObject *high);

#endif
