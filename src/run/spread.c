/*
 * Users of a batch, all at once or spread over the batch's second: ten users in
 * the same millisecond are a burst that nobody asked for.
 */
#include "config.h"
#include "run/internal.h"

#include <math.h>

#include "base/clock.h"
#include "base/names.h"

/* Users that are due within so many seconds of one another start together. */
#define SPREAD_STEP 0.002

int
runner_call_spawn(RunnerObject *self, PyObject *counts, bool wait)
{
    PyObject *r = PyObject_CallMethodObjArgs(
        (PyObject *)self, names.spawn_users, counts, wait ? Py_True : Py_False,
        NULL);
    return drop_result(r);
}

/* How many users of each class are still to be started. */
struct shares {
    PyObject *names;            /* list */
    long *counts;
    Py_ssize_t next;            /* whose turn it is */
};

static int
shares_init(struct shares *s, PyObject *counts)
{
    s->names = PyDict_Keys(counts);
    Py_ssize_t n = s->names != NULL ? PyList_GET_SIZE(s->names) : 0;
    s->counts = PyMem_Calloc((size_t)n + 1, sizeof(long));
    if (s->names == NULL || s->counts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *count =
            PyDict_GetItemWithError(counts, PyList_GET_ITEM(s->names, i));
        s->counts[i] = count != NULL ? PyLong_AsLong(count) : -1;
        if (s->counts[i] < 0) {
            return -1;
        }
    }
    return 0;
}

static void
shares_free(struct shares *s)
{
    Py_XDECREF(s->names);
    PyMem_Free(s->counts);
}

/* So many users (no more than are left), the classes taking turns: a new
   dict. */
static PyObject *
shares_take(struct shares *s, long n)
{
    PyObject *taken = PyDict_New();
    Py_ssize_t classes = PyList_GET_SIZE(s->names);
    while (taken != NULL && n > 0) {
        Py_ssize_t i = s->next++ % classes;
        if (s->counts[i] == 0) {
            continue;
        }
        PyObject *name = PyList_GET_ITEM(s->names, i);
        PyObject *old = PyDict_GetItemWithError(taken, name);
        PyObject *more = PyLong_FromLong(old ? PyLong_AsLong(old) + 1 : 1);
        if (more == NULL || PyDict_SetItem(taken, name, more) < 0) {
            Py_CLEAR(taken);
        }
        Py_XDECREF(more);
        s->counts[i]--;
        n--;
    }
    return taken;
}

static int
spawn_some(RunnerObject *self, struct shares *shares, long n)
{
    PyObject *counts = shares_take(shares, n);
    int result = counts != NULL ? runner_call_spawn(self, counts, false) : -1;
    Py_XDECREF(counts);
    return result;
}

/* So many users a second that they all start within the dispatcher's step:
   those that replace users who have ended meanwhile come on top of the rate. */
static double
spread_rate(long total, double rate)
{
    double step = rate > 1 ? floor(rate) : 1;
    return (double)total > step ? (double)total * rate / step : rate;
}

/* Starts user k at k / rate seconds from now, or as soon as its turn comes. */
static int
spawn_spread(RunnerObject *self, struct shares *shares, long total,
             double rate)
{
    int64_t begin = clock_ns();
    for (long done = 0; done < total;) {
        double passed = (double)(clock_ns() - begin) * 1e-9;
        double due = floor((passed + SPREAD_STEP) * rate) + 1;
        long now = due < (double)total ? (long)due : total;
        if (now > done && spawn_some(self, shares, now - done) < 0) {
            return -1;
        }
        done = now;
        double pause = (double)done / rate - passed;
        if (done < total &&
            green_sleep(pause > SPREAD_STEP ? pause : SPREAD_STEP) < 0) {
            return -1;
        }
    }
    return 0;
}

int
runner_spawn_evenly(RunnerObject *self, PyObject *counts, double rate)
{
    PyObject *sum = run_sum(counts);
    long total = sum != NULL ? PyLong_AsLong(sum) : -1;
    struct shares shares = {NULL};
    int result = total < 0 ? -1 : shares_init(&shares, counts);
    if (result == 0) {
        result = spawn_spread(self, &shares, total, spread_rate(total, rate));
    }
    shares_free(&shares);
    Py_XDECREF(sum);
    return result;
}
