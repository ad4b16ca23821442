/*
 * PyThreadStates for green threads: all differences between CPython versions
 * that concern them are in pystate.c.
 */
#ifndef LOCUST_GREEN_PYSTATE_H
#define LOCUST_GREEN_PYSTATE_H

#include <Python.h>
#include <stdbool.h>

/* Learns what it must know of the running interpreter. Call it once, from a
   thread that holds the GIL. Returns 0, or -1 with an exception set. */
int pystate_init(void);

/* A new thread state for a stack between low and top. NULL without memory. */
PyThreadState *pystate_new(char *low, char *top);

/* Makes a state the one Python runs with, PyGILState_Ensure included. The
   caller holds the GIL with another state of the same OS thread. */
void pystate_activate(PyThreadState *to);

/* Whether a state has a trace or a profile function. */
static inline bool
pystate_is_traced(const PyThreadState *state)
{
    return state->c_tracefunc != NULL || state->c_profilefunc != NULL;
}

/* Gives the active state the trace and profile functions of another, if they
   differ. May run Python code then: destructors, audit hooks. */
void pystate_follow_tracing(const PyThreadState *active,
                            const PyThreadState *other);

/* Begins to load a state; and, when that has had time to come, the Python
   frames that run next. NULL: nothing to load. */
void pystate_prefetch(const PyThreadState *state);
void pystate_prefetch_frames(const PyThreadState *state);

/* Frees a state that is not active. Runs destructors of what it held
   (thread locals, contexts) under the active state. */
void pystate_free(PyThreadState *state);

#endif
