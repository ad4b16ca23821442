/*
 * Bodies that flow, on the Python side: requests that an iterator feeds, and
 * replies that are read while they arrive. See upload.h and stream.h for what
 * lies below.
 *
 * Everything here is for green threads, with the GIL held.
 */
#ifndef LOCUST_HTTP_FLOW_H
#define LOCUST_HTTP_FLOW_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/exchange.h"

/* Appends to x's body what iterating over an object gives: bytes-like objects,
   or str, sent in UTF-8; empty ones are left out. length is how many bytes
   that will be, or -1 if nobody knows (chunked; nothing may follow). The
   iterator runs within exchange_perform(), in the green thread that calls it,
   and may park; what it raises leaves exchange_perform().

   rewind (NULL or None: the body is not begun again, a repeated request gets
   what is left) is called when a redirect repeats the request; it returns an
   iterable of the body from its beginning, or raises what is to leave
   exchange_perform(). 0, or -1 with an exception set. */
int exchange_feed_from(struct exchange *x, PyObject *iterable, int64_t length,
                       PyObject *rewind);

/* Makes exchange_perform() return as soon as the reply's header is there. 0,
   or -1 with an exception set. */
int exchange_stream(struct exchange *x);

/* Reads of a streamed body at most so many bytes. Waits until there is
   something, or if fill is set until there are so many or the body ends.
   Without fill at most one piece is read: of a chunked body never more than
   one chunk. Returns bytes, empty at the end; then x->error says whether that
   was the end or a failure. NULL with an exception set, one of memory or one
   that was thrown into the green thread. Parks. Several green threads may read;
   each piece goes to one of them. */
PyObject *exchange_read(struct exchange *x, Py_ssize_t most, bool fill);

/* Whether everything has been read, or nothing can be. */
bool exchange_is_read(struct exchange *x);

/* Gives an exchange up. One that still runs is cancelled, which closes its
   connection, and freed when it is back. Does not park. NULL is allowed. */
void exchange_release(struct exchange *x);

#endif
