/*
 * Bodies that flow, for Python; see flow.h.
 *
 * While a green thread makes a chunk, which may park it anywhere, it is not
 * the exchange's owner: what happens to the exchange meanwhile must not wake
 * it. It looks again before it waits.
 */
#include "config.h"
#include "http/flow.h"

#include <stdlib.h>

#include "base/pycompat.h"
#include "green/green.h"
#include "http/away.h"
#include "http/engine.h"
#include "http/upload.h"

/* --- Requests. */

struct source {
    PyObject *iterator;
    PyObject *rewind;           /* or NULL */
};

static void
free_source(void *data)
{
    struct source *s = data;
    Py_XDECREF(s->iterator);
    Py_XDECREF(s->rewind);
    free(s);
}

void
flow_drop_source(struct exchange *x)
{
    void *source = x->source;
    x->source = NULL;
    if (source != NULL) {
        free_source(source);
    }
}

/* The I/O thread wants more: whoever waits for the exchange makes it. */
static void
on_asked(struct feed *feed, void *argument)
{
    struct exchange *x = argument;
    if (x->owner != NULL) {
        green_ready(x->owner);
    }
}

static struct source *
source_new(PyObject *iterable, PyObject *rewind)
{
    struct source *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->iterator = PyObject_GetIter(iterable);
    s->rewind = rewind == Py_None ? NULL : Py_XNewRef(rewind);
    if (s->iterator == NULL) {
        free_source(s);
        return NULL;
    }
    return s;
}

int
exchange_feed_from(struct exchange *x, PyObject *iterable, int64_t length,
                   PyObject *rewind)
{
    if (x->upload == NULL) {
        x->upload = upload_new();
    }
    x->source = x->upload != NULL ? source_new(iterable, rewind) : NULL;
    x->free_source = free_source;
    if (x->source != NULL) {
        x->feed = feed_new(hub_inbox(), on_asked, x);
    }
    if (x->feed == NULL || !upload_add_feed(x->upload, x->feed, length)) {
        if (!PyErr_Occurred()) {
            PyErr_NoMemory();
        }
        return -1;
    }
    return 0;
}

bool
flow_is_hungry(const struct exchange *x)
{
    return x->feed != NULL && feed_wish(x->feed) != FEED_NOTHING;
}

/* Gives what the iterator made. 0, or -1 with an exception set. */
static int
give(struct feed *feed, PyObject *item)
{
    Py_buffer view = {0};
    Py_ssize_t length;
    const void *bytes;
    if (PyUnicode_Check(item)) {
        bytes = PyUnicode_AsUTF8AndSize(item, &length);
    }
    else {
        bytes = PyObject_GetBuffer(item, &view, PyBUF_SIMPLE) == 0 ? view.buf
                                                                  : NULL;
        length = view.len;
    }
    bool ok = !PyErr_Occurred();
    if (ok && length > 0 && !feed_give(feed, bytes, (size_t)length)) {
        PyErr_NoMemory();
        ok = false;
    }
    PyBuffer_Release(&view);    /* does nothing for str */
    return ok ? 0 : -1;
}

static int
feed_more(struct exchange *x, struct source *s)
{
    PyObject *item = s != NULL ? PyIter_Next(s->iterator) : NULL;
    if (item == NULL && !PyErr_Occurred()) {
        feed_end(x->feed);
        return 0;
    }
    int outcome = item != NULL ? give(x->feed, item) : -1;
    Py_XDECREF(item);
    return outcome;
}

/* Begins again. Without a way to do so it goes on where it is. */
static int
feed_again(struct exchange *x, struct source *s)
{
    if (s != NULL && s->rewind != NULL) {
        PyObject *iterable = PyObject_CallNoArgs(s->rewind);
        PyObject *iterator =
            iterable != NULL ? PyObject_GetIter(iterable) : NULL;
        Py_XDECREF(iterable);
        if (iterator == NULL) {
            return -1;
        }
        Py_SETREF(s->iterator, iterator);
    }
    feed_rewound(x->feed);
    return 0;
}

int
flow_feed(struct exchange *x)
{
    int outcome = feed_wish(x->feed) == FEED_REWIND ? feed_again(x, x->source)
                                                    : feed_more(x, x->source);
    if (outcome < 0 && flow_is_hungry(x)) {
        feed_fail(x->feed);     /* the exchange need not wait for a cancel */
    }
    return outcome;
}

/* --- Replies. */

int
exchange_stream(struct exchange *x)
{
    if (!stream_open(x, &flow_calls)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

bool
exchange_is_read(struct exchange *x)
{
    return x->finished && stream_available(x->stream) == 0;
}

/* Whether the calling green thread may wait for x; sets an exception if not. */
static bool
may_wait(const struct exchange *x)
{
    bool elsewhere = x->home != NULL ? !away_is_mine(x->home)
                                     : green_current() == NULL;
    const char *why =
        elsewhere
            ? "a streamed reply can only be read on the thread that asked for "
              "it"
        : x->owner != NULL
            ? "this streamed reply is already read by another green thread"
        : engine_is_forgotten(x)
            ? "the connection of this streamed reply stayed in the parent "
              "process"
            : NULL;
    if (why != NULL) {
        PyErr_SetString(PyExc_RuntimeError, why);
    }
    return why == NULL;
}

/* Waits until there is something to read. 1; 0: the body has ended; -1. */
static int
wait_for_more(struct exchange *x)
{
    while (stream_available(x->stream) == 0) {
        if (x->finished) {
            return 0;
        }
        int outcome = flow_is_hungry(x) ? flow_feed(x)
                      : may_wait(x)     ? flow_wait(x)
                                        : -1;
        if (outcome < 0) {
            return -1;
        }
    }
    return 1;
}

/* The first bytes of a bytes object that is too long. */
static PyObject *
cut(PyObject *bytes, Py_ssize_t length)
{
    if (PyBytes_GET_SIZE(bytes) != length) {
        (void)_PyBytes_Resize(&bytes, length);
    }
    return bytes;
}

static PyObject *
read_piece(struct exchange *x, Py_ssize_t most)
{
    if (wait_for_more(x) < 0) {
        return NULL;
    }
    size_t there = stream_available(x->stream);
    most = there < (size_t)most ? (Py_ssize_t)there : most;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, most);
    if (bytes == NULL || most == 0) {
        return bytes;
    }
    size_t n = stream_take(x->stream, PyBytes_AS_STRING(bytes), (size_t)most,
                           false);
    return cut(bytes, (Py_ssize_t)n);
}

/* The room for a body of unknown length grows as it comes. */
#define FIRST_ROOM ((Py_ssize_t)64 * 1024)

static PyObject *
read_all(struct exchange *x, Py_ssize_t most)
{
    Py_ssize_t room = most < FIRST_ROOM ? most : FIRST_ROOM, got = 0;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, room);
    while (bytes != NULL && got < most) {
        if (got == room) {
            room = most / 2 < room ? most : room * 2;
            if (_PyBytes_Resize(&bytes, room) < 0) {
                return NULL;
            }
        }
        int more = wait_for_more(x);
        if (more < 0) {
            Py_DECREF(bytes);
            return NULL;
        }
        if (more == 0) {
            break;
        }
        got += (Py_ssize_t)stream_take(x->stream,
                                       PyBytes_AS_STRING(bytes) + got,
                                       (size_t)(room - got), true);
    }
    return bytes == NULL ? NULL : cut(bytes, got);
}

PyObject *
exchange_read(struct exchange *x, Py_ssize_t most, bool fill)
{
    if (most < 0) {
        most = PY_SSIZE_T_MAX;
    }
    return fill ? read_all(x, most) : read_piece(x, most);
}
