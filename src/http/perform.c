/*
 * Sending an exchange and waiting for it: the hub's side of the engine.
 *
 * The engine is started by the first session that needs connections. What the
 * generator itself adds to a request's time is counted here, for all sessions
 * together.
 */
#include "config.h"
#include "http/client.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/fork.h"
#include "green/green.h"
#include "report/table.h"
#include "stats/lag.h"

/* Of all sessions together. */
static struct lag http_lag;

static int io_threads = 1;

/* --- There and back. */

static void
free_when_back(struct exchange *x)
{
    if (x->owner == NULL && x->letters == 0) {
        exchange_free(x);
        hub_release();
    }
}

static void
on_finish(struct letter *letter)
{
    struct exchange *x = (struct exchange *)letter;
    x->letters--;
    x->finished = true;
    if (x->owner != NULL) {
        green_ready(x->owner);
    }
    free_when_back(x);
}

static void
on_cancelled(struct letter *letter)
{
    struct exchange *x =
        (struct exchange *)((char *)letter -
                            offsetof(struct exchange, cancel_letter));
    x->letters--;
    free_when_back(x);
}

/* Whoever waited was thrown out: the exchange is freed when it is back. */
static void
abandon(struct exchange *x)
{
    x->owner = NULL;
    if (!x->finished) {
        x->letters++;
        x->cancel_letter.handle = on_cancelled;
        engine_cancel(x);
    }
    free_when_back(x);
}

/* How long the generator itself took, which is never part of a response
   time. */
static void
note_lag(const struct exchange *x)
{
    (void)lag_log(&http_lag, x->taken - x->submitted, clock_ns() - x->ended);
}

int
exchange_perform(struct exchange *x)
{
    x->owner = green_current();
    if (x->owner == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a session can only be used on the thread that runs "
                        "the users; other threads have requests");
        exchange_free(x);
        return -1;
    }
    x->letter.handle = on_finish;
    x->letters = 1;
    hub_hold();
    engine_submit(x);
    while (!x->finished) {
        if (green_park() < 0) {
            abandon(x);
            return -1;
        }
    }
    hub_release();
    note_lag(x);
    return 0;
}

/* --- Connections. */

static int
start_engine(void)
{
    struct engine_settings settings = {.threads = io_threads};
    if (helpers.trust != NULL && helpers.trust != Py_None) {
        settings.ca_file = PyUnicode_AsUTF8(helpers.trust);
        if (settings.ca_file == NULL) {
            return -1;
        }
    }
    if (engine_start(&settings, hub_inbox()) < 0) {
        PyErr_SetFromErrnoWithFilename(PyExc_OSError,
                                       "starting the I/O threads");
        return -1;
    }
    return 0;
}

struct connections *
connections_get(struct connections **place)
{
    struct connections *c = *place;
    if (c != NULL && connections_are_alive(c)) {
        return c;
    }
    if (c != NULL && engine_was_stopped()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "HTTP has been shut down: the program is ending");
        return NULL;
    }
    if (!engine_is_running() && start_engine() < 0) {
        return NULL;
    }
    if (c != NULL) {
        connections_revive(c);  /* this is a forked child */
        return c;
    }
    *place = connections_new();
    return *place != NULL ? *place : (struct connections *)PyErr_NoMemory();
}

struct connections *
session_connections(SessionObject *session)
{
    return connections_get(&session->connections);
}

/* --- Forks. */

static PyObject *
before_fork(PyObject *module, PyObject *unused)
{
    engine_pause();
    Py_RETURN_NONE;
}

static PyObject *
after_fork_in_parent(PyObject *module, PyObject *unused)
{
    engine_resume();
    Py_RETURN_NONE;
}

static PyObject *
after_fork_in_child(PyObject *module, PyObject *unused)
{
    engine_forget();
    Py_RETURN_NONE;
}

static PyMethodDef before = {"pause_engine", before_fork, METH_NOARGS,
                             "Holds the I/O threads."};
static PyMethodDef in_parent = {"resume_engine", after_fork_in_parent,
                                METH_NOARGS, "Lets the I/O threads go on."};
static PyMethodDef in_child = {"forget_engine", after_fork_in_child,
                               METH_NOARGS,
                               "The next request starts new I/O threads."};

/* --- Functions of the module. */

PyDoc_STRVAR(set_io_threads_doc,
             "set_io_threads(n)\n\n"
             "How many threads do HTTP; to be said before the first request.");

static PyObject *
set_io_threads(PyObject *module, PyObject *arg)
{
    long n = PyLong_AsLong(arg);
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (n < 1 || n > 256) {
        PyErr_SetString(PyExc_ValueError,
                        "the number of I/O threads must be from 1 to 256");
        return NULL;
    }
    if (engine_is_running()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the I/O threads run already");
        return NULL;
    }
    io_threads = (int)n;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stop_engine_doc,
             "stop_engine()\n\n"
             "Ends the I/O threads and closes all connections.");

static PyObject *
stop_engine(PyObject *module, PyObject *unused)
{
    engine_stop();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(lag_is_notable_doc,
             "Whether requests wait more than a millisecond for the generator "
             "itself, half of them at least.");

static PyObject *
lag_is_notable_py(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(lag_is_notable(&http_lag));
}

PyDoc_STRVAR(lag_lines_doc,
             "lag_lines()\n\nThe final report's lines on generator lag, if it "
             "is notable: a list of str.");

static PyObject *
lag_lines(PyObject *module, PyObject *unused)
{
    struct lines lines = {0};
    PyObject *list = PyList_New(0);
    if (list != NULL && lag_is_notable(&http_lag) &&
        report_lag_lines(&lines, &http_lag) < 0) {
        PyErr_NoMemory();
        Py_CLEAR(list);
    }
    for (size_t i = 0; list != NULL && i < lines.count; i++) {
        PyObject *line = PyUnicode_FromString(lines.items[i]);
        if (line == NULL || PyList_Append(list, line) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(line);
    }
    lines_clear(&lines);
    return list;
}

PyDoc_STRVAR(lag_clear_doc, "Forgets the generator lag measured so far.");

static PyObject *
lag_clear_py(PyObject *module, PyObject *unused)
{
    lag_clear(&http_lag);
    Py_RETURN_NONE;
}

static PyMethodDef perform_functions[] = {
    {"set_io_threads", set_io_threads, METH_O, set_io_threads_doc},
    {"stop_engine", stop_engine, METH_NOARGS, stop_engine_doc},
    {"lag_is_notable", lag_is_notable_py, METH_NOARGS, lag_is_notable_doc},
    {"lag_lines", lag_lines, METH_NOARGS, lag_lines_doc},
    {"lag_clear", lag_clear_py, METH_NOARGS, lag_clear_doc},
    {NULL},
};

int
perform_module_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, perform_functions) < 0
               ? -1
               : fork_register(&before, &in_parent, &in_child);
}
