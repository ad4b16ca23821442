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
#include "http/stream.h"

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
   was the end or a failure. NULL with an exception set: one of memory, one that
   was thrown into the green thread, or RuntimeError if another one reads
   already. Parks. */
PyObject *exchange_read(struct exchange *x, Py_ssize_t most, bool fill);

/* Whether everything has been read, or nothing can be. */
bool exchange_is_read(struct exchange *x);

/* Cancels one that still runs, which closes its connection: who reads it finds
   HTTP_CANCELLED after what had come. Does not park. It stays the caller's. */
void exchange_close(struct exchange *x);

/* Gives an exchange up: frees it, or has it cancelled, and freed when it is
   back. Does not park. NULL is allowed. */
void exchange_release(struct exchange *x);

/* --- For perform.c. */

/* Whether more of the body is wanted. */
bool flow_is_hungry(const struct exchange *x);

/* Makes more of the body. Parks. 0, or -1 with an exception set. */
int flow_feed(struct exchange *x);

/* Lets go of what the body comes from. */
void flow_drop_source(struct exchange *x);

/* Waits until something of x has changed. Parks. 0, or -1 with an exception
   set. */
int flow_wait(struct exchange *x);

/* What stream_open() wants. */
extern const struct stream_calls flow_calls;

#endif
