/*
 * What the files of this room share among themselves and nobody else needs.
 */
#ifndef LOCUST_USER_INTERNAL_H
#define LOCUST_USER_INTERNAL_H

#include <Python.h>

#include "base/names.h"
#include "base/pycompat.h"
#include "user/user.h"

/* What constant_pacing() remembers. */
struct pacing {
    double last_run;            /* seconds of clock_perf(), or an epoch time
                                   that a locustfile has assigned */
    double last_wait;           /* seconds */
};

/* Python's attributes of a User are in the Python subclass's own dict; here
   is what the machinery itself keeps. Owned, NULL until set, unless said. */
typedef struct {
    PyObject_HEAD
    PyObject *environment;
    PyObject *state;            /* one of names.running, waiting, stopping,
                                   or whatever was assigned */
    PyObject *greenlet;
    PyObject *group;
    PyObject *taskset;          /* the root task set */
    PyObject *task;             /* borrowed: runs now */
    struct pacing pacing;
    bool killed;                /* ends at its next turn, whatever it caught;
                                   until it goes to its end */
    bool error_logged;          /* of on_start(), with its traceback */
} UserObject;

typedef struct {
    PyObject_HEAD
    PyObject *user;
    UserObject *known;          /* borrowed: the user, if it is no stand-in */
    PyObject *parent;           /* the user or another task set */
    PyObject *queue;            /* deque; NULL until something is scheduled */
    Py_ssize_t cursor;          /* SequentialTaskSet: index of the next task */
    PyObject *cycle;            /* SequentialTaskSet: an iterator that has been
                                   asked for or assigned; counts, not cursor */
    double time_start;          /* epoch seconds */
    struct pacing pacing;
} TaskSetObject;

/* Our own methods, as they stand in the types: what a lookup finds when
   nobody has overridden them. */
struct natives {
    PyObject *execute_next_task;
    PyObject *execute_task;             /* TaskSet */
    PyObject *execute_with_user;        /* DefaultTaskSet */
    PyObject *get_next_task;            /* TaskSet */
    PyObject *next_for_user;            /* DefaultTaskSet */
    PyObject *next_in_sequence;         /* SequentialTaskSet */
    PyObject *next_in_chain;            /* MarkovTaskSet */
    PyObject *on_start, *on_stop;       /* TaskSet */
    PyObject *run;                      /* TaskSet */
    PyObject *schedule_task;
    PyObject *sleep;                    /* _sleep */
    PyObject *wait;
    PyObject *wait_time;
    PyObject *user_on_start, *user_on_stop, *user_run;
};

extern struct natives natives;

/* One native method of a type: fills in one member of natives. 0 or -1. */
int native_load(PyTypeObject *type, const char *name, PyObject **native);

/* Calls obj.name() unless it is the native one, which does nothing. */
int call_hook(PyObject *obj, PyObject *name, PyObject *native);

/* --- user.c */

/* tp_new of types whose __init__ takes the arguments: object's own, without
   them. It prepares the instance dict as CPython likes it. */
PyObject *object_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);

/* Whether a state has a value; what was assigned may be any object. */
bool user_same_state(PyObject *state, PyObject *value);

/* --- taskset.c */

/* The tasks to choose from are empty: raises, with a hint if the owner has a
   "task". Returns NULL. */
PyObject *no_tasks(PyObject *owner, const char *kind);

PyObject *taskset_next(TaskSetObject *self);
PyObject *taskset_next_for_user(TaskSetObject *self);
PyObject *taskset_next_in_sequence(TaskSetObject *self);
PyObject *taskset_next_in_chain(TaskSetObject *self);
int taskset_schedule(TaskSetObject *self, PyObject *task, bool first);
int taskset_queue_is_empty(TaskSetObject *self);
PyObject *taskset_pop(TaskSetObject *self);

/* --- note.c: each adds to the pending exception a line that says where it
   comes from, if the traceback does not. */

/* The class of an object. */
void note_class(PyObject *object);

/* A task of holder (a user or task set) that failed. */
void note_task(PyObject *holder, PyObject *task);

/* A method of that name that failed. */
void note_method(PyObject *object, PyObject *name, PyObject *function);

/* A task's weight that is no whole number. */
void note_weight(PyObject *task, PyObject *weight);

/* The wait_time of a user or task set: it failed (NULL), or what it gave. */
void note_wait_time(PyObject *holder, PyObject *seconds);

/* --- taskrun.c: the loop and its parts. */

/* Most methods need the user, and there is none before __init__. 0, or -1 with
   AttributeError set. */
int taskset_check_init(TaskSetObject *self);

/* Runs until something ends it; returns -1 with that exception set. */
int taskset_run(TaskSetObject *self);
int taskset_execute(TaskSetObject *self, PyObject *task);
int taskset_execute_with_user(TaskSetObject *self, PyObject *task);
int taskset_execute_next(TaskSetObject *self);
int taskset_wait(TaskSetObject *self);
PyObject *taskset_wait_time(TaskSetObject *self);
int taskset_sleep(PyObject *seconds);

/* --- wait_time.c */

/* Whether it is what between() and its kin return. */
bool wait_time_check(PyObject *callable);

/* What it returns for an instance: a number. */
PyObject *wait_time_call(PyObject *wait_time, PyObject *instance);

int wait_time_exec(PyObject *module);
int collect_exec(PyObject *module);
int decorate_exec(PyObject *module);
int taskset_exec(PyObject *module);
int user_exec(PyObject *module);

#endif
