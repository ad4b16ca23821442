/*
 * The engine: I/O threads that run libcurl, so that HTTP never waits for
 * Python.
 *
 * Each thread has a libev loop and one curl multi handle. It never touches a
 * Python object. A user's session owns a struct connections: a connection
 * cache of its own (CURLSH), pinned to one thread.
 */
#ifndef LOCUST_HTTP_ENGINE_H
#define LOCUST_HTTP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "http/exchange.h"

/* What is said is copied, but for ca_file, which must last as long as the
   engine. Lists end with NULL; NULL is an empty one. */
struct engine_settings {
    int threads;                /* at least 1 */
    const char *ca_file;        /* trusted certificates; NULL: libcurl's */
    const char *const *sources; /* local addresses, IPv4 and IPv6: sessions
                                   take them in turns */
    const char *const *resolve; /* "host:port:address[,address...]": names that
                                   are not looked up; IPv6 in brackets */
    int64_t max_body;           /* bytes of a body that is kept in memory; */
    int64_t max_decoded;        /* if it came compressed. 0: no limit */
};

/* Whether one of these can be used as it stands; else says why not in a
   sentence that ends without a period. */
bool engine_is_source(const char *address, char *why, size_t size);
bool engine_is_resolve(const char *entry, char *why, size_t size);

/* Starts the threads. Finished exchanges come back to this mailbox: their
   letter's handle() is called by its owner. 0, or -1 with errno set. */
int engine_start(const struct engine_settings *settings,
                 struct mailbox *completions);

/* Ends the threads and closes every connection. Exchanges still out come back
   as cancelled before it returns. */
void engine_stop(void);

bool engine_is_running(void);

/* Whether it ran and engine_stop() has ended it. */
bool engine_was_stopped(void);

/* Whether it was ever started, in this process or one that it was forked
   from. */
bool engine_has_begun(void);

/* Whether an exchange was handed to an engine that a fork has left behind: it
   never comes back. */
bool engine_is_forgotten(const struct exchange *x);

/* Around a fork: before it, holds the threads where they hold no lock and are
   not within libcurl; after it lets them go on in the parent, or forgets them
   in the child, where there are none. The child closes its copies of the
   sockets and leaves the memory of libcurl alone. */
void engine_pause(void);
void engine_resume(void);
void engine_forget(void);

/* A session's connections. NULL without memory. */
struct connections *connections_new(void);

/* At most so many requests at a time to the same host and port; the others wait
   in line, oldest first. 0: no limit. To be said before the first exchange. */
void connections_limit(struct connections *c, int per_host);

/* Whether the engine that they were made for still runs. */
bool connections_are_alive(const struct connections *c);

/* Moves them to the engine that runs now. */
void connections_revive(struct connections *c);

/* Closes them once the last exchange on them has come back; frees them. */
void connections_close(struct connections *c);

/* Closes them once none is in use; the next exchange opens new ones. False
   without memory. */
bool connections_drop_idle(struct connections *c);

/* Hands an exchange over. It comes back exactly once. */
void engine_submit(struct exchange *x);

/* Asks for an end. The exchange comes back as ever, if it has not yet, and its
   cancel_letter comes back too: only after both may it be freed. */
void engine_cancel(struct exchange *x);

#endif
