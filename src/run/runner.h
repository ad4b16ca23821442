/*
 * Runner and LocalRunner: who holds the users, starts and stops them, and in
 * which state the test is.
 *
 * What other rooms and the other runners need. A runner changes only on the
 * hub's thread.
 */
#ifndef LOCUST_RUN_RUNNER_H
#define LOCUST_RUN_RUNNER_H

#include <Python.h>
#include <stdbool.h>

#include "green/green.h"

typedef struct {
    PyObject_HEAD
    /* All owned. Those that Python code may assign can hold anything. */
    PyObject *environment;
    PyObject *user_greenlets;   /* Group: users */
    PyObject *greenlet;         /* Group: the runner's own green threads */
    PyObject *state;            /* str */
    PyObject *spawning_greenlet, *shape_greenlet, *shape_last_tick;
    PyObject *current_cpu_usage, *current_memory_usage;
    PyObject *exceptions;       /* dict: hash -> dict */
    PyObject *target_user_count, *target_user_classes_count;
    PyObject *final_user_classes_count;
    PyObject *custom_messages;  /* dict: type -> (listener, concurrent) */
    PyObject *users_dispatcher;
    char cpu_warning_emitted, worker_cpu_warning_emitted, connection_broken;
    PyObject *stopper;          /* the green thread that stops it, or NULL */
    char stop_step;             /* how far that has come; STOP_... */
    PyObject *callers;          /* list: green threads inside that asked */
    struct waitlist stopped;    /* wait for that somebody */
    PyObject *dict, *weakrefs;
} RunnerObject;

extern PyTypeObject *Runner_Type;
extern PyTypeObject *LocalRunner_Type;

/* Adds the types to the module. 0 or -1. */
int runner_module_exec(PyObject *module);

#endif
