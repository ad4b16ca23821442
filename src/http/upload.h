/*
 * A request body that is not one piece of memory: pieces of memory and of
 * files one after another, and a feed that the hub fills while it is sent.
 *
 * Ownership. The hub builds an upload, gives it to an exchange (x->upload) and
 * leaves it alone from engine_submit() on; the I/O thread reads it, files in
 * small pieces and never as a whole. exchange_free() frees it.
 *
 * A feed is shared: the upload has a reference and the hub another. In turns
 * one of them owns what is in it, and says so with the feed's letter:
 *
 *     I/O thread: nothing left -> pauses the transfer, sends the letter
 *     hub:        handle() of the letter says that more is wanted; the green
 *                 thread that sends the exchange makes the next chunk and
 *                 calls feed_give(), feed_end() or feed_fail()
 *     I/O thread: goes on
 *
 * So there is never more than one chunk in memory, and a slow server slows the
 * generator down. A feed whose transfer has ended meanwhile takes what it is
 * given and forgets it; the hub need not know.
 *
 * Header lines. Who builds the exchange says how long the body is:
 * "Content-Length: N" for upload_length() >= 0, else "Transfer-Encoding:
 * chunked" (each chunk of a feed up to FEED_CHUNK bytes is one on the wire).
 * "Expect:" keeps libcurl from asking before it sends a long one.
 */
#ifndef LOCUST_HTTP_UPLOAD_H
#define LOCUST_HTTP_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mailbox.h"

#define FEED_CHUNK 65000        /* longer ones become several on the wire */

struct upload;
struct feed;

/* An empty body. NULL without memory. */
struct upload *upload_new(void);

/* Frees it and closes its files. NULL is allowed. Any thread. */
void upload_free(struct upload *u);

/* Appends bytes, which are copied. False without memory. */
bool upload_add_bytes(struct upload *u, const void *bytes, size_t length);

/* Appends length bytes of a file from an offset on. The descriptor is
   duplicated; its own position is neither used nor changed. The file must be
   one that pread() reads. False with errno set. */
bool upload_add_file(struct upload *u, int fd, off_t offset, off_t length);

/* Appends what a feed will give, so many bytes (-1: as many as it gives until
   feed_end(); then nothing may follow). False without memory. Takes a
   reference of its own. */
bool upload_add_feed(struct upload *u, struct feed *feed, int64_t length);

/* All bytes together, or -1 if only the feed's end will tell. */
int64_t upload_length(const struct upload *u);

/* --- Feeds: for the hub. */

/* What the I/O thread asks for. */
enum feed_wish {
    FEED_NOTHING,
    FEED_MORE,
    FEED_REWIND,        /* begin again: a redirect repeats the request; then
                           feed_rewound() or feed_fail() */
};

/* A new feed. asked() is called on the hub, between green threads, when
   feed_wish() has become something; to is the hub's mailbox. NULL without
   memory. */
struct feed *feed_new(struct mailbox *to, void (*asked)(struct feed *, void *),
                      void *argument);
void feed_unref(struct feed *feed);

/* What is wanted now. The answers below end the wish. */
enum feed_wish feed_wish(const struct feed *feed);

/* The next chunk, which is copied. False without memory, and nothing was
   given. length must not be 0. */
bool feed_give(struct feed *feed, const void *bytes, size_t length);

/* There is no more. */
void feed_end(struct feed *feed);

/* It begins again with the next chunk. */
void feed_rewound(struct feed *feed);

/* The body cannot be had: the exchange fails with HTTP_BAD_UPLOAD. */
void feed_fail(struct feed *feed);

#endif
