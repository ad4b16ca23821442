/*
 * The exception classes of pymod/locust/exception.py that C code raises and
 * catches.
 *
 * They are ordinary Python classes. Importing them waits until one is needed,
 * because `import locust` is still under way when the native module loads.
 */
#ifndef LOCUST_EVENT_EXCEPTIONS_H
#define LOCUST_EVENT_EXCEPTIONS_H

#include <Python.h>
#include <stdbool.h>

#define EXCEPTIONS(X) \
    X(InterruptTaskSet) \
    X(LocustError) \
    X(MissingWaitTimeError) \
    X(RescheduleTask) \
    X(RescheduleTaskImmediately) \
    X(StopTest) \
    X(StopUser)

struct exceptions {
#define X(name) PyObject *name;
    EXCEPTIONS(X)
#undef X
};

extern struct exceptions exceptions;

/* Imports them, once. Call it before the first use. 0, or -1 with an
   exception set. */
int exceptions_load(void);

/* Whether an exception is one that steers users and tasks, and so must pass
   through event hooks. The classes must have been loaded. */
bool exceptions_is_control_flow(PyObject *exception);

#endif
