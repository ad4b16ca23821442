/*
 * A session's cookies, kept in C so that the I/O thread can store and send
 * them on redirects without Python.
 *
 * The rules are those of Python's http.cookiejar with its default policy,
 * which requests uses: Netscape cookies, "localhost" counts as
 * "localhost.local", more specific paths are sent first.
 *
 * A jar locks itself: the hub and the I/O thread may both use it. It is counted:
 * sessions and the exchanges that they have out share it.
 */
#ifndef LOCUST_HTTP_COOKIE_H
#define LOCUST_HTTP_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct reply;
struct cookie_jar;

/* One cookie. Strings are owned by the jar. */
struct cookie {
    struct cookie *next;
    char *name;
    char *value;                /* NULL: sent as the bare name */
    char *domain;               /* "" matches every host */
    char *path;
    bool domain_given;          /* by the server; then subdomains match */
    bool path_given;
    bool secure;                /* https only */
    bool http_only;
    int64_t expires;            /* seconds since the epoch; 0: never */
};

/* One with a single reference. NULL without memory. */
struct cookie_jar *cookie_jar_new(void);

/* One more reference; returns the jar. NULL is allowed. */
struct cookie_jar *cookie_jar_ref(struct cookie_jar *jar);

/* One reference less; the last one frees it. NULL is allowed. */
void cookie_jar_free(struct cookie_jar *jar);

/* From now on secure cookies are sent to http, too, as FastHttpUser does. */
void cookie_jar_send_secure(struct cookie_jar *jar);

/* Stores what the Set-Cookie headers of a reply ask for. What breaks the
   rules, or finds no memory, is left out. */
void cookie_jar_store(struct cookie_jar *jar, const struct reply *reply);

/* Appends what to send to url, "a=1; b=2", to out; nothing if there is
   nothing to send. False without memory. */
bool cookie_jar_header(struct cookie_jar *jar, const char *url,
                       struct buf *out);

/* The same from a jar with another one's cookies laid over it. */
bool cookie_jar_header_of_both(struct cookie_jar *jar, struct cookie_jar *over,
                               const char *url, struct buf *out);

/* Sets one cookie, replacing what has its domain, path and name. Copies.
   False without memory. */
bool cookie_jar_set(struct cookie_jar *jar, const struct cookie *cookie);

/* Deletes what matches; NULL matches everything. Returns how many. */
int cookie_jar_delete(struct cookie_jar *jar, const char *domain,
                      const char *path, const char *name);

/* A new jar with the cookies of one, and those of another (NULL: none) laid
   over them. NULL without memory. */
struct cookie_jar *cookie_jar_copy(struct cookie_jar *jar,
                                   struct cookie_jar *over);

/* Counts up with every change. */
unsigned cookie_jar_version(struct cookie_jar *jar);

/* Calls each() for every cookie, oldest first, until it returns false. The jar
   is locked meanwhile: each() must not use it. */
void cookie_jar_visit(struct cookie_jar *jar,
                      bool (*each)(const struct cookie *, void *),
                      void *argument);

#endif
