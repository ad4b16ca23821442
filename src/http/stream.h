/*
 * A reply whose body is read while it arrives.
 *
 * Ownership. An exchange with a stream belongs to the I/O thread from submit
 * to completion like any other; in between its head letter comes to the hub,
 * once the last header block is complete (redirects that are followed are over
 * by then). From there on
 *
 *   - the request and the replies with their headers are read-only to both
 *     sides: neither changes what the other may look at;
 *   - what the exchange says of its end (error, code, message, ended) is the
 *     I/O thread's until the exchange has come back through its letter, which
 *     it does exactly once, after the last byte or the failure;
 *   - the body is in neither: it passes through the stream's queue, which
 *     locks itself. Nothing on a green thread's stack is seen by the I/O
 *     thread: the reader copies out of the queue.
 *
 * If there never is a head, because the exchange fails before, only the
 * exchange itself comes back.
 *
 * Back-pressure. Above STREAM_HIGH bytes in the queue the I/O thread stops
 * reading from the connection; once the hub has read it down to STREAM_LOW, a
 * letter makes it go on. Read time limits run only while it reads.
 *
 * Ending early. engine_cancel() ends the transfer, and closes the connection
 * if that is HTTP/1; the exchange then comes back as cancelled. The stream is
 * counted: a letter on its way holds a reference, so the exchange may be freed
 * as soon as it is back (and its cancel_letter, if there was one).
 */
#ifndef LOCUST_HTTP_STREAM_H
#define LOCUST_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mailbox.h"

#define STREAM_HIGH (256 * 1024)
#define STREAM_LOW (64 * 1024)

struct exchange;
struct stream;

/* What the hub wants to be told; called by its mailbox's owner. */
struct stream_calls {
    void (*headed)(struct exchange *x);     /* the head is there */
    void (*readable)(struct exchange *x);   /* there is something again */
};

/* Makes the exchange one with a stream. To be called before engine_submit().
   False without memory. */
bool stream_open(struct exchange *x, const struct stream_calls *calls);

/* Whether the head has come. */
bool stream_is_headed(const struct stream *s);

/* Bytes in the queue. */
size_t stream_available(struct stream *s);

/* Takes up to so many bytes out of the queue; never waits. Only of the oldest
   piece, unless across is set: libcurl gives each chunk of a chunked body at
   least one piece of its own, and readers of chunks want them apart. Returns
   how many; 0: nothing is there now, and if the exchange has come back, never
   will be. */
size_t stream_take(struct stream *s, void *to, size_t most, bool across);

/* For exchange_free(). */
void stream_unref(struct stream *s);

#endif
