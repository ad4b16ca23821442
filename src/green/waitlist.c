/*
 * Waiting in a list until somebody wakes the first, or all.
 *
 * Green threads park. Another OS thread may wait as well (threads of grpc, of
 * a pool, of the user's own): it blocks on a lock of the OS, without the GIL.
 * The GIL guards the lists, and whoever wakes has it.
 *
 * Invariants
 *   - A waiter is in its list until it is woken or gives up; list is NULL
 *     from then on, and nobody but itself touches it any more.
 *   - The first waiter's prev is the last one; the last one's next is NULL.
 *   - A green thread's waiter is on its stack. Another OS thread's is in the
 *     heap: when the interpreter ends, such a thread vanishes as it stands.
 *   - After a fork those of the parent's other threads may still be in the
 *     list. They are passed over.
 */
#include "config.h"
#include "green/green.h"

#include <stdint.h>

#include "base/clock.h"
#include "green/internal.h"

struct waiter {
    struct waiter *next, *prev;
    struct waitlist *list;      /* it stands in, or NULL */
    struct green *green;        /* NULL: another OS thread's */
    PyThread_type_lock bell;    /* that thread's: released to wake it */
    unsigned generation;        /* hub.generation of that thread */
    bool endless;               /* counted in hub.helpless until woken */
    bool chosen;                /* woken, and nobody else for it */
};

static void
waiter_append(struct waiter *w, struct waitlist *list)
{
    struct waiter *first = list->first;
    w->list = list;
    w->next = NULL;
    if (first == NULL) {
        w->prev = w;
        list->first = w;
        return;
    }
    w->prev = first->prev;
    w->prev->next = w;
    first->prev = w;
}

static void
waiter_unlink(struct waiter *w)
{
    struct waitlist *list = w->list;
    if (list == NULL) {
        return;
    }
    if (w->next != NULL) {
        w->next->prev = w->prev;
    }
    else if (list->first != w) {
        list->first->prev = w->prev;
    }
    if (list->first == w) {
        list->first = w->next;
    }
    else {
        w->prev->next = w->next;
    }
    w->list = NULL;
}

/* What the wait came to. A wake counts though time is up. */
static int
waiter_leave(struct waiter *w, int result, bool *chosen)
{
    bool woken = w->list == NULL;
    waiter_unlink(w);
    *chosen = w->chosen;
    return result < 0 ? -1 : !woken;
}

static int
wait_parked(struct waitlist *list, double timeout, bool *chosen)
{
    struct waiter self = {.green = hub.current};
    waiter_append(&self, list);
    int result = timeout < 0 ? green_park() : green_park_for(timeout);
    return waiter_leave(&self, result, chosen);
}

int
waitlist_wait(struct waitlist *list, double timeout)
{
    if (!hub_may_park()) {
        return -1;
    }
    bool chosen;
    int result = wait_parked(list, timeout, &chosen);
    if (result < 0 && chosen) {
        waitlist_wake_one(list);
    }
    return result;
}

/* --- Other OS threads. */

/* Microseconds that the lock may be waited for now; -1: without end. */
static PY_TIMEOUT_T
patience(int64_t end)
{
    if (end < 0) {
        return -1;
    }
    int64_t left = (end - clock_ns() + 999) / 1000;
    return left < 0 ? 0 : left < PY_TIMEOUT_MAX ? left : PY_TIMEOUT_MAX;
}

/* Blocks until the bell rings or time is up: 0. -1: a signal handler of
   Python's has raised. */
static int
block_on_bell(PyThread_type_lock bell, double timeout)
{
    /* So long a time that adding it would overflow is for ever. */
    int64_t end = timeout < 0 || timeout > 1e9
                      ? -1
                      : clock_ns() + (int64_t)(timeout * 1e9);
    for (;;) {
        PyLockStatus status;
        Py_BEGIN_ALLOW_THREADS
        status = PyThread_acquire_lock_timed(bell, patience(end), 1);
        Py_END_ALLOW_THREADS
        if (status != PY_LOCK_INTR) {
            return 0;
        }
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
}

static struct waiter *
waiter_new(void)
{
    struct waiter *w = PyMem_RawCalloc(1, sizeof(*w));
    if (w == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    w->bell = PyThread_allocate_lock();
    if (w->bell == NULL) {
        PyMem_RawFree(w);
        PyErr_NoMemory();
        return NULL;
    }
    w->generation = hub.generation;
    return w;
}

static int
wait_blocked(struct waitlist *list, double timeout, bool *chosen)
{
    struct waiter *w = waiter_new();
    if (w == NULL) {
        return -1;
    }
    w->endless = timeout < 0;
    hub.helpless += w->endless;
    PyThread_acquire_lock(w->bell, NOWAIT_LOCK);
    waiter_append(w, list);
    int result = block_on_bell(w->bell, timeout);
    hub.helpless -= w->endless && w->list != NULL;
    result = waiter_leave(w, result, chosen);
    PyThread_release_lock(w->bell);
    PyThread_free_lock(w->bell);
    PyMem_RawFree(w);
    return result;
}

int
waitlist_wait_anywhere(struct waitlist *list, double timeout, bool *chosen)
{
    *chosen = false;
    if (green_current() == NULL) {
        return wait_blocked(list, timeout, chosen);
    }
    return hub_may_park() ? wait_parked(list, timeout, chosen) : -1;
}

/* --- Waking. */

/* Whether it waits in a parent process, and not here. */
static bool
is_left_behind(const struct waiter *w)
{
    return w->green != NULL ? w->green->state == GREEN_DEAD
                            : w->generation != hub.generation;
}

static int
wake_first(struct waitlist *list, bool chosen)
{
    while (list->first != NULL) {
        struct waiter *w = list->first;
        waiter_unlink(w);
        if (is_left_behind(w)) {
            continue;
        }
        w->chosen = chosen;
        if (w->green != NULL) {
            green_ready(w->green);
        }
        else {
            hub.helpless -= w->endless;
            PyThread_release_lock(w->bell);
        }
        return 1;
    }
    return 0;
}

int
waitlist_wake_one(struct waitlist *list)
{
    return wake_first(list, true);
}

int
waitlist_wake_all(struct waitlist *list)
{
    int n = 0;
    while (wake_first(list, false)) {
        n++;
    }
    return n;
}
