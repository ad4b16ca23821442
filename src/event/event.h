/*
 * Event hooks, and the one that is fired for every request.
 *
 * A request is reported as a C struct. Listeners written in C get the struct;
 * the dict of keyword arguments that Python listeners get is made only if
 * there is one. The order in which listeners were added holds for both kinds,
 * and one that raises StopUser, RescheduleTask and the like ends the firing:
 * that is how a locustfile keeps a request out of the statistics.
 */
#ifndef LOCUST_EVENT_EVENT_H
#define LOCUST_EVENT_EVENT_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

/* One finished request. Everything is borrowed from the caller. */
struct request_report {
    PyObject *request_type;     /* str, but anything that Python code fires */
    PyObject *name;             /* the same */
    bool timed;                 /* false: response_time is None in Python */
    bool whole;                 /* it came as an integer */
    double response_time;       /* milliseconds */
    int64_t response_length;    /* bytes */
    PyObject *exception;        /* NULL: success */
    /* What only Python listeners see; made into keyword arguments for them.
       NULL leaves the argument out, but for context, which becomes {}. */
    PyObject *context;
    PyObject *response;
    const char *url;            /* UTF-8 */
    double start_time;          /* seconds since the epoch; 0: left out */
    PyObject *timings;          /* see response.timings */
};

extern PyTypeObject *EventHook_Type;

/* Fires a request event. hook is an EventHook or anything with fire(). 0, or
   -1 with an exception set that is to leave the call that was reported. */
int event_fire_request(PyObject *hook, const struct request_report *report);

/* Fires any event with keyword arguments (dict, or NULL for none). 0 or -1. */
int event_fire(PyObject *hook, PyObject *kwargs, bool reverse);

/* Fires environment.events.<event>. 0 or -1. */
int event_fire_of(PyObject *environment, PyObject *event, PyObject *kwargs);

/* A listener in C for request events. Called with its owner and the report.
   Returns 0, or -1 with an exception set. */
typedef int (*request_listener)(PyObject *owner,
                                const struct request_report *report);

/* A response_length as C has it: whole, and the greatest there is for what is
   greater. 0, or -1 with an exception set for what is no number. */
int event_length(PyObject *number, int64_t *value);

/* The Python object to add to a hook: callable with the event's keyword
   arguments, so that it may stand anywhere among Python listeners. Holds a
   reference to owner. NULL with an exception set. */
PyObject *request_listener_new(PyObject *owner, request_listener listener);

/* Adds the types to the module. 0 or -1. */
int event_module_exec(PyObject *module);

#endif
