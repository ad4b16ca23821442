/*
 * A counting semaphore, the one thing that locks and queues wait with.
 *
 * What is released goes to whoever has waited longest, before that one runs:
 * nobody overtakes, and nobody wakes in vain. One who dies of an exception in
 * the wait (a kill, a Timeout) passes on what it was given.
 *
 * Any OS thread that has the GIL may call these. On the hub's a wait parks.
 */
#ifndef LOCUST_GREEN_SEM_H
#define LOCUST_GREEN_SEM_H

#include "green/green.h"

/* Zero-filled is one with nothing to take. Must outlive all waits. */
struct sem {
    struct waitlist waiters;    /* only while count is 0 */
    Py_ssize_t count;           /* to be taken at once */
};

/* Takes one; waits up to so many seconds for it (negative: without end; 0: not
   at all). 1: taken, 0: time is up, -1: exception. */
int sem_take(struct sem *s, double timeout);

/* How long sem_take() is to wait for whoever gives both arguments of acquire()
   or get(): not at all unless block. With a time limit of 0, or less, those
   that are ready run once, so that who tries again and again does not keep them
   from giving. -2 with an exception set. */
double sem_patience(bool block, PyObject *timeout);

/* Gives one back, or one more. */
void sem_give(struct sem *s);

#endif
