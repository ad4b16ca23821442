/*
 * The watch on the hub.
 *
 * A thread of the OS looks now and then at when the hub last polled, which
 * costs the hub nothing. If that was too long ago, and the hub does not sleep,
 * some green thread has not let go of the processor. Then the thread asks for
 * the GIL. It gets it between two instructions of Python code, or while a C
 * library is called that has given it back; so the stack of the one that runs
 * stands still while it is read. A C function that holds the GIL is reported
 * when it returns.
 *
 * Invariants
 *   - Without the GIL the thread touches nothing of Python's, and it ends
 *     before the interpreter does.
 *   - A forked child has no such thread, until the next hub_watch().
 */
#include "config.h"
#include "green/watch.h"

#include <Python.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/attach.h"
#include "base/clock.h"
#include "base/fork.h"
#include "base/lookup.h"
#include "green/internal.h"

/* Four looks in the time after which somebody is reported, and not more often
   than a hundred times a second. */
#define LOOKS        4
#define SHORTEST_NS  10000000

/* Between two reports: at first while the same one goes on, ever longer. */
#define AGAIN_FACTOR 10

static struct {
    pthread_t thread;
    bool runs;
    pthread_mutex_t mutex;      /* guards stop */
    pthread_cond_t changed;
    bool stop;
    _Atomic(int64_t) limit;     /* nanoseconds */
} watch = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
};

const char *(*watch_describe)(const struct green *g, char *buffer,
                              size_t size);

/* --- With the GIL. */

static PyObject *
describe(const struct green *g)
{
    char text[256] = "";
    if (watch_describe != NULL) {
        watch_describe(g, text, sizeof(text));
    }
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

/* The frame that g is in, or None; a new reference. */
static PyObject *
frame_of(const struct green *g)
{
    PyObject *frame = (PyObject *)PyThreadState_GetFrame(g->tstate);
    return frame != NULL ? frame : Py_NewRef(Py_None);
}

static void
report(struct green *g, double seconds)
{
    PyObject *frame = frame_of(g), *who = describe(g), *r = NULL;
    PyObject *function =
        who == NULL ? NULL : lookup("locust.util.threads", "report_blocked");
    if (function != NULL) {
        r = PyObject_CallFunction(function, "OOOd", g, who, frame, seconds);
    }
    if (r == NULL) {
        PyErr_WriteUnraisable(function);
    }
    Py_XDECREF(r);
    Py_XDECREF(function);
    Py_XDECREF(who);
    Py_DECREF(frame);
}

/* Reports whoever has not let go since the thread looked. */
static void
report_if_still_so(int64_t poll, int64_t since)
{
    PyThreadState *state = python_attach();
    if (state == NULL) {
        return;                 /* the next look may be luckier */
    }
    if (atomic_load_explicit(&hub.last_poll, memory_order_relaxed) == poll &&
        hub.saved_tstate == NULL && hub.current->tstate != NULL) {
        report(hub.current, (double)(clock_ns() - since) * 1e-9);
    }
    python_detach(state);
}

/* --- The thread. */

/* Waits for one look to be due. Whether the thread is to go on. */
static bool
wait_for_next(int64_t limit)
{
    int64_t pause = limit / LOOKS;
    int64_t until = clock_ns() + (pause < SHORTEST_NS ? SHORTEST_NS : pause);
    struct timespec ts = {.tv_sec = until / 1000000000,
                          .tv_nsec = until % 1000000000};
    pthread_mutex_lock(&watch.mutex);
    while (!watch.stop && clock_ns() < until) {
        pthread_cond_timedwait(&watch.changed, &watch.mutex, &ts);
    }
    bool goes_on = !watch.stop;
    pthread_mutex_unlock(&watch.mutex);
    return goes_on;
}

/* What one look has found, kept for the next. */
struct seen {
    int64_t poll;               /* hub.last_poll; 0: the hub slept */
    int64_t since;              /* no earlier than this it stopped polling */
    int64_t reported_after;     /* how long it had been so then; 0: not yet */
};

static void
look(struct seen *seen, int64_t limit)
{
    int64_t now = clock_ns();
    int64_t poll = atomic_load_explicit(&hub.last_poll, memory_order_relaxed);
    if (atomic_load(&hub.inbox.sleeping) || poll != seen->poll) {
        bool sleeps = atomic_load(&hub.inbox.sleeping);
        *seen = (struct seen){.poll = sleeps ? 0 : poll, .since = now};
        if (poll > now - limit) {
            seen->since = poll;
        }
        return;
    }
    int64_t blocked = now - seen->since;
    int64_t due = seen->reported_after == 0
                      ? limit
                      : seen->reported_after * AGAIN_FACTOR;
    if (blocked >= due) {
        seen->reported_after = blocked;
        report_if_still_so(poll, seen->since);
    }
}

static void *
run(void *unused)
{
    struct seen seen = {0};
    int64_t limit;
    do {
        limit = atomic_load(&watch.limit);
        look(&seen, limit);
    } while (wait_for_next(limit));
    return NULL;
}

/* --- Beginning and end. */

static void
stop(void)
{
    if (!watch.runs) {
        return;
    }
    pthread_mutex_lock(&watch.mutex);
    watch.stop = true;
    pthread_cond_signal(&watch.changed);
    pthread_mutex_unlock(&watch.mutex);
    Py_BEGIN_ALLOW_THREADS      /* it may be waiting for it */
    pthread_join(watch.thread, NULL);
    Py_END_ALLOW_THREADS
    watch.runs = false;
}

static PyObject *
at_exit(PyObject *module, PyObject *unused)
{
    stop();
    Py_RETURN_NONE;
}

/* The thread is the parent's, and may have held the mutex. */
static PyObject *
in_child(PyObject *module, PyObject *unused)
{
    watch.runs = false;
    pthread_mutex_init(&watch.mutex, NULL);
    Py_RETURN_NONE;
}

/* What happens at the process's forks and end; said once. 0 or -1. */
static int
prepare(void)
{
    static PyMethodDef child = {"in_child", in_child, METH_NOARGS, NULL};
    static PyMethodDef exit = {"at_exit", at_exit, METH_NOARGS, NULL};
    static bool prepared;
    if (prepared) {
        return 0;
    }
    PyObject *function = PyCFunction_New(&exit, NULL);
    PyObject *reg = function == NULL ? NULL : lookup("atexit", "register");
    PyObject *r = reg == NULL ? NULL : PyObject_CallOneArg(reg, function);
    Py_XDECREF(function);
    Py_XDECREF(reg);
    Py_XDECREF(r);
    prepared = r != NULL && python_watch_forks() == 0 &&
               fork_register(NULL, NULL, &child) == 0;
    return prepared ? 0 : -1;
}

static int
start(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watch.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    watch.stop = false;
    errno = pthread_create(&watch.thread, NULL, run, NULL);
    if (errno != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    watch.runs = true;
    return 0;
}

int
hub_watch(double seconds)
{
    if (!(seconds > 0)) {
        stop();
        return 0;
    }
    if (prepare() < 0) {
        return -1;
    }
    atomic_store(&watch.limit, (int64_t)(seconds * 1e9));
    return watch.runs ? 0 : start();
}
