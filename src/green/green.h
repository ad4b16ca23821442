/*
 * Green threads: what the rest of the program needs of them.
 *
 * A green thread is a C stack and a PyThreadState of its own. All of them run
 * on one OS thread, the hub's, one at a time, and change places only where
 * one of them parks. So code between two parks needs no locks.
 *
 * There is no scheduler stack: a green thread that parks picks the next ready
 * one and switches to it directly; when none is ready it runs the event loop
 * itself, on its own stack, until one is.
 *
 * Everything here is for the hub's thread with the GIL held, unless it says
 * otherwise; posting to hub_inbox() needs neither. Functions that can park say
 * so; they return -1 with an exception set when one was thrown into the green
 * thread meanwhile (a kill, a Timeout, KeyboardInterrupt in the main one).
 * Callbacks (timers, letters, descriptors) run between green threads: they
 * must be short, may make green threads ready, and must neither park nor leave
 * an exception set.
 */
#ifndef LOCUST_GREEN_GREEN_H
#define LOCUST_GREEN_GREEN_H

#include <Python.h>
#include <ev.h>
#include <stdbool.h>

#include "base/mailbox.h"

enum green_state {
    GREEN_NEW,          /* not started, or waiting for its start timer */
    GREEN_READY,        /* in the run queue */
    GREEN_RUNNING,      /* the current one */
    GREEN_PARKED,       /* until green_ready() or green_throw() */
    GREEN_DEAD,
};

struct green;

/* What a green thread does. Returns a new reference, or NULL with an
   exception set: the green thread's result either way. */
typedef PyObject *(*green_body)(struct green *self);

/* Those who wait for one thing, in the order in which they came. Zero-filled
   is an empty list. */
struct waitlist {
    struct waiter *first;       /* each on its own stack, or in the heap */
};

/* The Python type Greenlet. The hub holds a reference from start to death. */
struct green {
    PyObject_HEAD
    struct green *next, *prev;  /* run queue, while ready */
    struct green *living_next, **living_link;   /* from start to death */
    enum green_state state : 8;
    bool timed_out;             /* the timer woke it */
    bool begun : 1;             /* has run at least once */
    bool finished : 1;          /* its result is there */
    bool shown : 1;             /* what it fails with has been shown already */
    unsigned ident;             /* minimal_ident; 0 until asked for */
    void *sp;                   /* while not running */
    struct stack *stack;        /* owned, from start to death */
    PyThreadState *tstate;      /* owned, from start to death */
    ev_timer timer;             /* sleep, time limits, delayed start */
    PyObject *thrown;           /* to be raised when it resumes, or NULL */
    PyObject *thrown_next;      /* and when it waits again after that */
    struct waitlist joiners;    /* wait for its death */
    green_body body;
    PyObject *target;           /* callable, or what a C body wants; owned */
    PyObject *args, *kwargs;    /* tuple and dict or NULL; owned until death */
    PyObject *value;            /* result after success, or NULL */
    PyObject *error;            /* exception instance after failure, or NULL */
    PyObject *links;            /* list of (kind, callable), or NULL */
    PyObject *dict, *weakrefs;
#ifdef WITH_SANITIZERS
    void *fake_stack;
#endif
};

extern PyTypeObject *Green_Type;        /* Greenlet */
extern PyObject *Green_Exit;            /* GreenletExit */
extern PyObject *Green_LoopExit;        /* nothing can ever wake anybody */

/* --- Making and ending them. */

/* A new, unstarted green thread of a type (NULL: Greenlet itself). target and
   args may be NULL; both are borrowed here. NULL with an exception set. */
struct green *green_new(PyTypeObject *type, green_body body, PyObject *target,
                        PyObject *args);

/* Makes a new one ready to run, now or after so many seconds. A second call
   does nothing. Returns 0, or -1 with MemoryError set. */
int green_start(struct green *g);
int green_start_later(struct green *g, double seconds);

/* Throws an exception (class or instance; TypeError if it is neither) into it
   where it waits; at once if it is the current one, in which case -1 is
   returned with it set. One that has not begun never will. Does not wait.
   Otherwise returns 0. Of several it gets the first and, when it waits again,
   the last of the others; after a GreenletExit nothing milder. */
int green_throw(struct green *g, PyObject *exception);

/* The same, but the current one goes on, and gets it when it waits next. */
int green_throw_later(struct green *g, PyObject *exception);

/* Takes back an exception that the current one has not got yet. */
void green_forget(PyObject *exception);

/* Throws GreenletExit (or exception, if not NULL) and waits for the death.
   Parks. */
int green_kill(struct green *g, PyObject *exception);

/* Waits until it is dead, or so many seconds (negative: without end). Parks.
   1: dead, 0: time is up, -1: exception. */
int green_join(struct green *g, double timeout);

static inline bool
green_is_dead(const struct green *g)
{
    return g->finished;
}

/* --- Waiting. */

/* The current green thread; NULL on any other OS thread. */
struct green *green_current(void);

/* The one that runs on the OS thread's own stack. */
struct green *green_main(void);

/* Whether this OS thread is the hub's; sets RuntimeError if not. */
bool hub_is_here(void);

/* Whether whoever runs may park at all: not on other OS threads, not in
   callbacks, not when Python is being shut down. */
bool green_can_park(void);

/* Parks until somebody calls green_ready(). 0, or -1: exception. */
int green_park(void);

/* The same for at most so many seconds. 1: time is up. */
int green_park_for(double seconds);

/* Lets a parked green thread run. Does nothing if it is not parked. Any OS
   thread that has the GIL. */
void green_ready(struct green *g);

/* Sleeps; 0 and below only let the others run once. Parks. 0 or -1. */
int green_sleep(double seconds);

/* Lets one that is ready run before all others, and the current one right after
   it: those that are ready as well may never wait. Parks. 0 or -1. */
int green_yield_to(struct green *g);

/* Waits in a list, which must outlive the wait, until woken (0), or time is up
   (1; negative timeout: never), or an exception comes (-1). Parks. Whoever
   dies of an exception hands a wake that was for it alone on to the next. */
int waitlist_wait(struct waitlist *list, double timeout);

/* The same on any OS thread that has the GIL: one that is not the hub's
   blocks, without the GIL. A wake for it alone is not handed on if an
   exception comes: *chosen says that there was one. */
int waitlist_wait_anywhere(struct waitlist *list, double timeout,
                           bool *chosen);

/* Wakes the first, or all. Returns how many were woken. Any OS thread that
   has the GIL. */
int waitlist_wake_one(struct waitlist *list);
int waitlist_wake_all(struct waitlist *list);

/* Waits until a descriptor is ready for events (EV_READ, EV_WRITE). Parks.
   Returns the events, 0 when time is up (negative timeout: never), -1. */
int green_wait_fd(int fd, int events, double timeout);

/* The same for several, each with POLLIN or POLLOUT among its events (POLLPRI
   counts as POLLIN; -1 is skipped). 1: look again which ones are ready; 0: time
   is up; -1: exception. */
struct pollfd;
int green_wait_fds(const struct pollfd *fds, size_t n, double timeout);

/* To be called before a descriptor is closed: who waits for it gets
   OSError(EBADF). Does nothing on any other OS thread. */
void green_fd_closing(int fd);

/* Who runs, as threading.get_ident() is to say it: the OS thread's number on
   other OS threads and in the main green thread, else one of its own. Never
   0; unique among those that live. */
unsigned long green_ident(void);

/* A Python time limit in seconds: None (or NULL) is -1, without end; what is
   below 0 counts as 0. -2 with an exception set if it is no number. */
double green_timeout(PyObject *timeout);

/* --- The hub. */

/* Makes the calling OS thread the hub's and its stack the main green thread.
   Later calls from the same thread do nothing. 0, or -1 with an exception. */
int hub_init(void);

/* The event loop, for watchers of one's own. */
struct ev_loop *hub_loop(void);

/* While something outside the loop (an I/O thread, a pool) owes an answer,
   the hub must not conclude that nobody can ever be woken. */
void hub_hold(void);
void hub_release(void);

/* The hub's mailbox: letters that any thread posts, without the GIL, are
   handled as callbacks. */
struct mailbox *hub_inbox(void);

/* Writes an exception's traceback to stderr, if wanted, and one line that says
   whose it is: str(whose). */
void green_show_error(PyObject *whose, PyObject *error, bool traceback);

/* Reports an exception that left a green thread or a callback, as gevent does:
   shows it, but for SystemExit; and that, KeyboardInterrupt and SystemError go
   on to the main green thread. Takes the exception from the error
   indicator. */
void hub_report(PyObject *whose);

/* Add the types and functions of this room to the module. 0 or -1. */
int green_module_exec(PyObject *module);
int functions_module_exec(PyObject *module);
int callback_module_exec(PyObject *module);
int timeout_module_exec(PyObject *module);
int semaphore_module_exec(PyObject *module);
int lock_module_exec(PyObject *module);
int flag_module_exec(PyObject *module);
int async_result_module_exec(PyObject *module);
int queue_module_exec(PyObject *module);
int watcher_module_exec(PyObject *module);

#endif
