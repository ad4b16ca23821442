/*
 * What the files of this room share among themselves and nobody else needs.
 */
#ifndef LOCUST_GREEN_INTERNAL_H
#define LOCUST_GREEN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "green/green.h"

/* There is one hub per process, as there is one Python thread. */
struct hub {
    struct ev_loop *loop;       /* NULL until hub_init() */
    pthread_t thread;
    struct green *current;
    struct green *main;
    struct green queue;         /* head of the run queue; only its links */
    struct green *living;       /* started, or about to be; main is not here */
    int holds;                  /* hub_hold() without hub_release() */
    struct green *zombie;       /* dead, not yet buried */
    struct green *switched_from;
    struct mailbox inbox;
    ev_io bell;                 /* the inbox's eventfd */
    ev_io signal_io;
    int signal_fd;              /* where Python's handler writes, or -1 */
    _Atomic(int64_t) last_poll; /* its end; watch.c looks at it */
    bool in_callback;           /* nobody may park */
    bool release_gil;           /* around this poll */
    PyThreadState *saved_tstate;    /* while it polls without the GIL */
    int helpless;               /* other OS threads that wait to be woken */
    unsigned generation;        /* of the process: counts its forks */
    unsigned loops;             /* how many have been opened */
    const void *main_low;       /* the OS thread's stack, for sanitizers */
    size_t main_size;
};

extern struct hub hub;

/* Puts it at the end of the run queue; takes it out again. */
void hub_enqueue(struct green *g);
void hub_dequeue(struct green *g);

/* If it is in the run queue, it becomes the next to run. */
void hub_hurry(struct green *g);

/* Gives it stack and thread state, so that it can be switched to. 0 or -1. */
int hub_prepare(struct green *g);
void hub_release_stack(struct green *g);

/* Whether the current green thread may wait. Sets an exception if not. */
bool hub_may_park(void);

/* fdwait.c, in a forked child: nobody but survivor (if not NULL) waits for
   descriptors any more. */
void hub_end_fd_waits(const struct green *survivor);

/* The list of those that live. Both may be called twice. */
void hub_list(struct green *g);
void hub_unlist(struct green *g);

/* In a forked child, once only hub.current lives: lets go of what the others
   waited for, and opens what must not be shared with the parent. What survivor
   waits for stays; NULL: another OS thread has forked, maybe while the loop
   ran, and then the loop is a new one. 0 or -1. */
int hub_reopen(const struct green *survivor);

/* burial.c: around destructors that run between two green threads. A Ctrl-C
   that one of them is interrupted by goes to the main green thread. */
int burial_init(void);
void burial_begin(void);
void burial_end(void);

/* fork.c: says what os.fork() is to do. 0 or -1. */
int hub_watch_forks(void);

/* fork.c: the end of a process whose main green thread is not the one it was
   started with. Does not return. */
void hub_end_child(struct green *self);

/* Sets the error indicator to a class or an instance. */
void hub_raise(PyObject *exception);

/* Throws the error indicator into the main green thread. */
void hub_throw_into_main(void);

/* greenlet.c: runs the body, keeps its result, wakes those who wait. */
void green_run(struct green *self);

#endif
