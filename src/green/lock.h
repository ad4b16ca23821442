/*
 * What Python code locks with: Semaphore and BoundedSemaphore with gevent's
 * contract, Lock and RLock with that of threading (and of gevent.lock.RLock).
 * A wait parks on the hub's OS thread and blocks on any other.
 */
#ifndef LOCUST_GREEN_LOCK_H
#define LOCUST_GREEN_LOCK_H

#include "green/green.h"

extern PyTypeObject *Semaphore_Type;
extern PyTypeObject *Lock_Type;
extern PyTypeObject *RLock_Type;

/* The arguments of an acquire(blocking=True, timeout=...) as the seconds that
   it may wait: 0 if it must not, -1 without end; -2 with an exception set. A
   timeout of None or -1 is none. With strict, what is contradictory or
   negative is a ValueError, as in threading; else see sem_patience(). */
double lock_patience(PyObject *const *args, Py_ssize_t n, PyObject *keywords,
                     bool strict);

#endif
