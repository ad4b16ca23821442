/*
 * os.fork(): what becomes of the green threads.
 *
 * As with threads, the one that forks is the only one that lives on in the
 * child: Python deletes all other thread states there. It takes the place of
 * the main green thread. The others are dead in the child, without a result;
 * what was on their stacks stays where it is, since others may refer to it.
 *
 * The event loop, the mailbox's bell and the pipe for signals are made anew:
 * parent and child would else take each other's wake-ups.
 */
#include "config.h"
#include "green/green.h"

#include <unistd.h>

#include "base/fork.h"
#include "base/pycompat.h"
#include "green/group.h"
#include "green/internal.h"

/* Declares one dead whose thread state Python has freed. Of those who wanted
   to know of its end only groups are told: they would wait for it for ever. */
static void
bury_alive(struct green *g)
{
    hub_unlist(g);
    ev_timer_stop(hub.loop, &g->timer);
    g->tstate = NULL;
    g->state = GREEN_DEAD;
    g->finished = true;
    Py_XSETREF(g->value, Py_NewRef(Py_None));
    group_forget(g);
}

/* Another OS thread has forked: the old main green thread stands for it now,
   with nothing of what it was about. */
static struct green *
take_over_main(void)
{
    struct green *self = hub.main;
    ev_timer_stop(hub.loop, &self->timer);
    self->tstate = PyThreadState_Get();
    self->state = GREEN_RUNNING;
    hub.thread = pthread_self();
    hub.in_callback = hub.release_gil = false;
    hub.saved_tstate = NULL;
    return self;
}

static void
bury_others(struct green *self)
{
    struct green *next;
    /* All at once: one that a group wakes must not be queued. */
    for (struct green *g = hub.living; g != NULL; g = g->living_next) {
        g->state = g == self ? g->state : GREEN_DEAD;
    }
    for (struct green *g = hub.living; g != NULL; g = next) {
        next = g->living_next;
        if (g != self) {
            bury_alive(g);
        }
    }
    if (hub.main != self) {
        bury_alive(hub.main);
    }
    hub.queue.next = hub.queue.prev = &hub.queue;
    hub.main = hub.current = self;
}

static PyObject *
after_fork_in_child(PyObject *module, PyObject *unused)
{
    struct green *survivor = green_current();
    hub.generation++;
    hub.helpless = 0;
    bury_others(survivor != NULL ? survivor : take_over_main());
    return hub_reopen(survivor) < 0 ? NULL : Py_NewRef(Py_None);
}

static void
flush(const char *name)
{
    PyObject *file = PySys_GetObject(name);     /* borrowed */
    PyObject *r = file == NULL || file == Py_None
                      ? NULL
                      : PyObject_CallMethod(file, "flush", NULL);
    Py_XDECREF(r);
    PyErr_Clear();
}

/* The status of a process that ends with SystemExit. */
static int
status_of(PyObject *error)
{
    PyObject *code = PyObject_GetAttrString(error, "code");
    int status = 1;
    if (code == Py_None) {
        status = 0;
    }
    else if (code != NULL && PyLong_Check(code)) {
        status = (int)PyLong_AsLong(code);
    }
    else if (code != NULL) {
        PySys_FormatStderr("%S\n", code);
    }
    Py_XDECREF(code);
    PyErr_Clear();
    return status;
}

void
hub_end_child(struct green *self)
{
    int status = self->error == NULL ? 0
                 : PyErr_GivenExceptionMatches(self->error, PyExc_SystemExit)
                     ? status_of(self->error)
                     : 1;
    flush("stdout");
    flush("stderr");
    _exit(status);
}

static PyMethodDef in_child = {
    "after_fork_in_child", after_fork_in_child, METH_NOARGS,
    "Leaves of all green threads the one that has forked."};

int
hub_watch_forks(void)
{
    return fork_register(NULL, NULL, &in_child);
}
