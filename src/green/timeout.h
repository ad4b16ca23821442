/*
 * Timeout: an exception that a timer raises in the green thread that started
 * it, where it waits. gevent's contract.
 */
#ifndef LOCUST_GREEN_TIMEOUT_H
#define LOCUST_GREEN_TIMEOUT_H

#include "green/green.h"

extern PyTypeObject *Timeout_Type;

/* Raises a Timeout of so many seconds at once. Returns -1. */
int timeout_raise(double seconds);

#endif
