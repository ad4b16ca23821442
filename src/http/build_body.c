/*
 * Bodies of requests, from anything that requests sends: bytes and str are
 * copied, files are read by the I/O thread in small pieces, anything else is
 * iterated over while it is sent.
 *
 * How long a body is, is decided as requests decides it, before this: a
 * Content-Length among the headers, or else chunks.
 */
#include "config.h"
#include "http/client.h"

#include <stdlib.h>
#include <string.h>

#include "http/flow.h"
#include "http/upload.h"

bool
build_text(struct exchange *x, const char *bytes, size_t length)
{
    x->body = malloc(length > 0 ? length : 1);
    if (x->body == NULL) {
        PyErr_NoMemory();
        return false;
    }
    memcpy(x->body, bytes, length);
    x->body_length = length;
    return true;
}

static bool
from_str(struct exchange *x, PyObject *text)
{
    Py_ssize_t n;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &n);
    x->body_is_text = true;
    return utf8 != NULL && build_text(x, utf8, (size_t)n);
}

static bool
from_buffer(struct exchange *x, PyObject *o)
{
    Py_buffer view;
    if (PyObject_GetBuffer(o, &view, PyBUF_SIMPLE) < 0) {
        return false;
    }
    bool ok = build_text(x, view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    return ok;
}

/* One piece of what locust.clients has taken apart: bytes, or (descriptor,
   offset, length) of a file. */
static bool
add_piece(struct upload *upload, PyObject *piece)
{
    int fd;
    long long offset, length;
    if (PyBytes_Check(piece)) {
        bool ok = upload_add_bytes(upload, PyBytes_AS_STRING(piece),
                                   (size_t)PyBytes_GET_SIZE(piece));
        if (!ok) {
            PyErr_NoMemory();
        }
        return ok;
    }
    if (!PyArg_ParseTuple(piece, "iLL", &fd, &offset, &length)) {
        return false;
    }
    if (!upload_add_file(upload, fd, (off_t)offset, (off_t)length)) {
        PyErr_SetFromErrno(PyExc_OSError);
        return false;
    }
    return true;
}

static bool
from_pieces(struct exchange *x, PyObject *pieces)
{
    x->upload = upload_new();
    if (x->upload == NULL) {
        PyErr_NoMemory();
        return false;
    }
    bool ok = true;
    for (Py_ssize_t i = 0; ok && i < PyList_GET_SIZE(pieces); i++) {
        ok = add_piece(x->upload, PyList_GET_ITEM(pieces, i));
    }
    return ok;
}

/* Whatever it is, locust.clients says what to make of it: a list of pieces, or
   (iterable, length or -1, rewind or None). */
static bool
from_object(struct exchange *x, PyObject *body)
{
    PyObject *source = PyObject_CallOneArg(helpers.body_source, body);
    PyObject *iterable, *rewind;
    long long length;
    bool ok = false;
    if (source != NULL && PyList_Check(source)) {
        ok = from_pieces(x, source);
    }
    else if (source != NULL &&
             PyArg_ParseTuple(source, "OLO", &iterable, &length, &rewind)) {
        ok = exchange_feed_from(x, iterable, length, rewind) == 0;
    }
    Py_XDECREF(source);
    return ok;
}

bool
build_set_body(struct exchange *x, PyObject *body)
{
    if (PyUnicode_Check(body)) {
        return from_str(x, body);
    }
    return PyObject_CheckBuffer(body) ? from_buffer(x, body)
                                      : from_object(x, body);
}
