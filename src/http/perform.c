/*
 * Sending an exchange and waiting for it: the hub's side of the engine.
 *
 * An exchange is the hub's again once its letter has come. Until then it may
 * only be waited for and cancelled; whoever gives it up before leaves it to
 * the letters, which free it. What the generator itself adds to a request's
 * time is counted here, for all sessions together.
 */
#include "config.h"
#include "http/client.h"

#include <stddef.h>

#include "base/clock.h"
#include "green/green.h"
#include "http/away.h"
#include "http/flow.h"
#include "report/table.h"
#include "stats/lag.h"

/* Of all sessions together. */
static struct lag http_lag;

/* --- There and back. */

static void
wake(struct exchange *x)
{
    if (x->owner != NULL) {
        green_ready(x->owner);
    }
}

const struct stream_calls flow_calls = {.headed = wake, .readable = wake};

static void
free_when_back(struct exchange *x)
{
    if (x->released && x->letters == 0) {
        bool held = x->home == NULL;
        exchange_free(x);
        if (held) {
            hub_release();
        }
    }
}

static void
on_finish(struct letter *letter)
{
    struct exchange *x = (struct exchange *)letter;
    x->letters--;
    x->finished = true;
    wake(x);
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

void
exchange_close(struct exchange *x)
{
    if (x->finished || x->cancelled) {
        return;
    }
    x->cancelled = true;
    x->letters++;
    x->cancel_letter.handle = on_cancelled;
    engine_cancel(x);
}

void
exchange_release(struct exchange *x)
{
    if (x == NULL) {
        return;
    }
    if (x->letters == 0) {
        exchange_free(x);
        return;
    }
    flow_drop_source(x);
    if (engine_is_forgotten(x)) {
        return;                 /* its I/O thread is the parent process's */
    }
    exchange_close(x);
    x->released = true;
    if (x->home == NULL) {
        hub_hold();
    }
}

int
flow_wait(struct exchange *x)
{
    if (x->home != NULL) {
        away_wait(x->home);
        return 0;
    }
    x->owner = green_current();
    hub_hold();
    int outcome = green_park();
    hub_release();
    x->owner = NULL;
    return outcome;
}

/* How long the generator itself took, which is never part of a response
   time. */
static void
note_lag(const struct exchange *x)
{
    int64_t there = x->stream != NULL && stream_is_headed(x->stream)
                        ? x->reply->headed
                        : x->ended;
    (void)lag_log(&http_lag, x->taken - x->submitted, clock_ns() - there);
}

/* Waits for the reply, or for the head of one with a stream. Parks. */
static int
wait_for_reply(struct exchange *x)
{
    while (!x->finished &&
           !(x->stream != NULL && stream_is_headed(x->stream))) {
        if (flow_is_hungry(x)) {
            if (flow_feed(x) < 0) {
                return -1;
            }
            continue;
        }
        if (flow_wait(x) < 0) {
            return -1;
        }
    }
    return 0;
}

int
exchange_perform(struct exchange *x)
{
    if (green_current() == NULL && (x->home = away_mailbox()) == NULL) {
        exchange_free(x);
        return -1;
    }
    x->letter.handle = on_finish;
    x->letters = 1;
    engine_submit(x);
    int outcome = wait_for_reply(x);
    if (outcome < 0) {
        exchange_release(x);
        return -1;
    }
    note_lag(x);
    return 0;
}

/* --- Functions of the module. */

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
    {"lag_is_notable", lag_is_notable_py, METH_NOARGS, lag_is_notable_doc},
    {"lag_lines", lag_lines, METH_NOARGS, lag_lines_doc},
    {"lag_clear", lag_clear_py, METH_NOARGS, lag_clear_doc},
    {NULL},
};

int
perform_module_exec(PyObject *module)
{
    return PyModule_AddFunctions(module, perform_functions);
}
